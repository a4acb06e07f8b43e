import type { Category } from "../../contracts/pace.ts";
import type { ProviderEvent, UnclearReport } from "../events/provider-event.ts";
import type { JsonObject } from "../json/json.ts";
import type { ProviderLimits } from "../pace/pace-settings.ts";
import type { CorrelatedMembers } from "./correlation.ts";
import type { ProviderHttpCall } from "./http-call.ts";
import type { Consequence } from "./vocabulary.ts";

/** A request to be submitted to the provider. */
export interface SubmitInput {
  requestId: string;
  accountId: string;
  /** It fits the pack's `actionPattern`. */
  action: string;
  /** The rest of the provider's own body; an array only where the pack says `takesActionList`. */
  params: JsonObject | readonly JsonObject[];
}

/** The answer to a call. Header names are in lower case. */
export interface ProviderAnswer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Real time at which the headers arrived. */
  receivedRealMs?: number | undefined;
}

/**
 * What the answer to a submission means for the request. An answer that neither
 * accepts the request nor proves that nothing was done is `unknown`.
 */
export type SubmissionOutcome =
  /**
   * The provider has the request. `resultEvent` is present when the answer already
   * contains the result. Ignore its `providerObjectId` if there is no `providerRequestId`.
   */
  | {
      kind: "accepted";
      providerRequestId?: string;
      /** Why the provider does not start it at once, in its own words. */
      pendingReason?: string;
      resultEvent?: ProviderEvent;
      /** A number of the result is stored as text, because it would lose digits. */
      numbersAsText?: true;
    }
  /**
   * Permanently refused; nothing was done. The code may pause the account's lane too, for
   * `retryAfterMs` where the provider says how long.
   */
  | { kind: "rejected"; error: { code: string; message: string }; retryAfterMs?: number }
  /** Nothing was done: too many calls. The account waits for the provider's `Retry-After`. */
  | {
      kind: "rateLimited";
      retryAfterMs?: number;
      /** Only requests of this kind must wait. */
      isOfCategory?: true;
    }
  /** Nothing was done: the provider rejects this connection's credentials. */
  | { kind: "credentialsRefused"; code: string }
  /**
   * Nothing was done: the provider forbids this call. It does not say whether it forbids the
   * action, the account or the connection.
   */
  | { kind: "forbidden"; error: { code: string; message: string } }
  /** Nothing was done, and nothing can be done until a person has repaired this account. */
  | { kind: "accountBlocked"; code: string }
  /** Nothing was done, and a later attempt may succeed. */
  | { kind: "temporarilyUnavailable"; code: string; retryAfterMs?: number }
  /** `unclear` is present if the answer has a status or code that the vocabulary does not list. */
  | { kind: "unknown"; code: string; unclear?: UnclearReport };

/** What the answer to a poll means for the request. */
export type PollOutcome =
  /**
   * The state as an event: `workflow.started` while the request is still running, and
   * `event.unrecognised` for a status that the vocabulary does not list.
   */
  | { kind: "update"; event: ProviderEvent; numbersAsText: boolean }
  /** The provider has the request and has not started it. The reason is in its own words. */
  | { kind: "waiting"; pendingReason?: string }
  /** The provider does not know the request, or nothing follows from the answer. */
  | { kind: "noChange" }
  | { kind: "rateLimited"; retryAfterMs?: number }
  | { kind: "credentialsRefused"; code: string }
  /** The provider forbids this call: for the account, or for the connection. */
  | { kind: "forbidden"; code: string }
  /** The call was refused, and each will be until a person has repaired this account. */
  | { kind: "accountBlocked"; code: string }
  /** The answer cannot be read. */
  | { kind: "failed"; code: string };

/** Headers that authenticate the connection at the provider and, where the pack has an `accountTokenHeader`, the account. */
export type Credentials = Readonly<Record<string, string>>;

/** The outbound protocol of a provider: data and pure functions. */
export interface ProviderClient {
  /** Whether params and inputs of this action contain secrets; they are stored encrypted. */
  isSecret(action: string): boolean;
  /** `true`: `workflow.started` is published on acceptance; `false`: the provider sends an event for it. */
  startsWhenAccepted: boolean;
  /** What a request counts as against the limits of its account. */
  categoryOf(action: string, params: JsonObject | readonly JsonObject[]): Category;
  /** How fast the provider takes the requests of one account, whatever the account's own settings. */
  providerLimits?: ProviderLimits;
  /** Whether this action logs in; it is submitted even while the account is paused for a login. */
  isLogin(action: string): boolean;
  /** What follows from an error with this code, wherever the provider says it. */
  consequenceOf(code: string): Consequence;
  /** Whether this code tells that the account is restricted: its warm-up begins again. */
  isRestriction(code: string): boolean;
  /** Returns the specification's event name for an action's outcome; `UNKNOWN` where it has none. */
  eventTypeOf(action: string, outcome: "succeeded" | "failed"): string;
  /** Where params, results and events name people and conversations; absent: they are not matched. */
  correlatedMembers?: CorrelatedMembers;
  /** Builds the call that submits a request. */
  submitCall(input: SubmitInput, credentials: Credentials): ProviderHttpCall;
  /** Never throws: an unreadable answer is `unknown`. `action` is the submitted one. */
  readSubmission(answer: ProviderAnswer, action: string): SubmissionOutcome;
  /** Builds the call that asks for the state of a request. */
  pollCall(providerRequestId: string, credentials: Credentials): ProviderHttpCall;
  /** Never throws: an unreadable answer is `failed`. */
  readPoll(providerRequestId: string, answer: ProviderAnswer): PollOutcome;
  /** Absent where the provider cannot cancel. */
  cancel?: {
    call(providerRequestId: string, credentials: Credentials): ProviderHttpCall;
    /** `refused`: too late to cancel. `unknown`: the answer cannot be read. */
    read(answer: ProviderAnswer): "cancelled" | "refused" | "unknown";
  };
  /** Sends a person's input to a request that waits for it; absent where no request waits for input. */
  continuation?: {
    /** The specification's name of the event that asks for the input. */
    promptEventType: string;
    call(
      input: { providerRequestId: string; accountId: string; input: string },
      credentials: Credentials,
    ): ProviderHttpCall;
  };
  /**
   * Returns our request id from a label that was sent with the request. The caller
   * must check that the request belongs to the same connection.
   */
  requestIdOf?(event: ProviderEvent): string | undefined;
  /** Returns a result without the label that `submitCall` added to the client's own body, if it did. */
  withoutAddedLabel?(result: unknown, requestId: string): unknown;
}
