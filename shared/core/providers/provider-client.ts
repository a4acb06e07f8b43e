import type { InboundEvent } from "../events/inbound-event.ts";
import type { JsonObject } from "../json/json.ts";
import type { ProviderHttpCall } from "./http-call.ts";

/** A request as the provider's own body wants it. */
export interface SubmitInput {
  requestId: string;
  accountId: string;
  /** It fits the pack's `actionPattern`. */
  action: string;
  /** The rest of the provider's own body; an array only where the pack says `takesActionList`. */
  params: JsonObject | readonly JsonObject[];
}

/** What a provider answered a call. Header names are in lower case. */
export interface ProviderAnswer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
}

/**
 * What an answer means for the request. Only `accepted`, and what proves that
 * nothing happened, is told apart: everything else is `unknown`.
 */
export type SubmissionOutcome =
  /**
   * The provider has it. `outcome` where it answered with the result at once;
   * with no id of the provider it has a `subjectId` that means nothing.
   */
  | {
      kind: "accepted";
      providerRequestId?: string;
      outcome?: InboundEvent;
      /** A number of the outcome stands as text, as in a webhook. */
      numbersAsText?: true;
    }
  /** Refused for good; nothing was done. */
  | { kind: "rejected"; error: { code: string; message: string } }
  /** Nothing was done: too many calls. The account waits, as long as the provider says. */
  | { kind: "rateLimited"; retryAfterMs?: number }
  /** Nothing was done: the provider does not take this connection's credentials. */
  | { kind: "credentialsRefused"; code: string }
  /** Nothing was done, and nothing will be until a person has looked after this account. */
  | { kind: "accountBlocked"; code: string }
  /** Nothing was done, and a later attempt may succeed. */
  | { kind: "temporarilyUnavailable"; code: string; retryAfterMs?: number }
  | { kind: "unknown"; code: string };

/** What a poll tells of a request. */
export type PollOutcome =
  /** In the words of a webhook; it is still under way where its type is `workflow.started`. */
  | { kind: "update"; event: InboundEvent; numbersAsText: boolean }
  /** It waits at the provider and was not begun, or the provider knows nothing of it. */
  | { kind: "noChange" }
  | { kind: "rateLimited"; retryAfterMs?: number }
  | { kind: "credentialsRefused"; code: string }
  /** No answer that tells anything. */
  | { kind: "failed"; code: string };

/** Headers that authenticate the connection at the provider and, where the pack has an `accountTokenHeader`, the account. */
export type Credentials = Readonly<Record<string, string>>;

/** How a pack's provider takes requests: data and pure functions. */
export interface ProviderClient {
  /** Params and inputs of these actions hold secrets. */
  isSecret(action: string): boolean;
  /** That the provider took it is `workflow.started`; else it sends an event of its own. */
  startsWhenAccepted: boolean;
  /** Taken past the pause of an account that must log in. */
  isLogin(action: string): boolean;
  /** A result with one of these codes pauses the account until a person or a login has mended it. */
  blocksAccount(code: string): boolean;
  /** A result with this code means that the provider's own limit is reached. */
  isRateLimit(code: string): boolean;
  /** The specification's event name, by action and outcome; `UNKNOWN` where it has none. */
  eventTypeOf(action: string, outcome: "succeeded" | "failed"): string;
  submit(of: SubmitInput, credentials: Credentials): ProviderHttpCall;
  /** Never throws: what cannot be read is `unknown`. `action` is the one that was submitted. */
  readSubmission(answer: ProviderAnswer, action: string): SubmissionOutcome;
  poll(providerRequestId: string, credentials: Credentials): ProviderHttpCall;
  /** Never throws: what cannot be read has `failed`. */
  readPoll(providerRequestId: string, answer: ProviderAnswer): PollOutcome;
  /** Absent where the provider cannot be asked to cancel. */
  cancel?: {
    request(providerRequestId: string, credentials: Credentials): ProviderHttpCall;
    /** `refused`: it has gone too far. `unknown`: no answer that tells. */
    read(answer: ProviderAnswer): "cancelled" | "refused" | "unknown";
  };
  /** How a person's input goes to a request that waits for it; absent where none does. */
  continuation?: {
    request(
      of: { providerRequestId: string; accountId: string; input: string },
      credentials: Credentials,
    ): ProviderHttpCall;
  };
  /**
   * Our id of the request that an event names in a label which we had sent with
   * it. Whoever asks checks that the request is one of the same connection.
   */
  requestIdOf?(event: InboundEvent): string | undefined;
}
