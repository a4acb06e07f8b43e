import type * as z from "zod/mini";
import { failures, type HttpFailureCode, type Remedy } from "../../contracts/failures.ts";
import type { ApiOperation, HandlerAnswer } from "../../contracts/http/operation.ts";
import type { Limit } from "../../contracts/pace.ts";
import type { DeliveryStatus, RequestStatus } from "../../contracts/statuses.ts";
import type { PayloadMode } from "../../contracts/webhook-forms.ts";
import type { FieldError } from "../input/describe-issue.ts";
import { fieldText, refusalDetail } from "../input/refusal-detail.ts";
import type { JsonObject } from "../json/json.ts";
import type { ProviderHttpCall } from "./http-call.ts";
import type { ProviderAnswer } from "./provider-client.ts";

/**
 * A provider's own protocol, which Ackwire's API also speaks: a client of the
 * provider changes its base URL and its credentials, nothing else.
 */
export interface Dialect {
  /** The headers that authenticate a call; all of them are required. */
  credentials: readonly DialectCredential[];
  /** By operation id, which is unique among all operations of the API. */
  operations: Readonly<Record<string, ApiOperation>>;
  /** Makes one handler per operation. */
  handlers(
    services: DialectServices,
  ): Readonly<Record<string, (input: never) => Promise<HandlerAnswer>>>;
  /** `true`: a body may be any JSON value; otherwise it must be an object. */
  takesAnyJson?: true;
  /** The body of every answer from 400 on. */
  errorSchema: z.ZodMiniType;
  errorBody(refusal: Refusal): object;
  /** Ids of its operations that only look although they are no GET: a key with the scope `read` may call them. */
  looks?: readonly string[];
}

/** A header that holds (part of) a caller's credentials. */
export interface DialectCredential {
  /** In lower case. */
  header: string;
  holds: "apiKey" | "apiKeyId" | "apiKeySecret" | "accountToken";
  /** Its name among the security schemes of the OpenAPI document. */
  scheme: string;
  description: string;
}

/** What a call lacked that failed authentication. */
export interface AuthFailure {
  credential: "key" | "account";
  /** `true`: it was sent and is not valid; `false`: it was not sent. */
  wasSent: boolean;
}

/** Why a call was refused, as far as its caller may know. */
export interface Refusal {
  code: HttpFailureCode;
  detail: string;
  errors?: readonly FieldError[] | undefined;
  authFailure?: AuthFailure | undefined;
  operationId?: string | undefined;
  remedy?: Remedy | undefined;
  /** The methods that the called path has, and the operation that may have been meant. */
  route?: { allow: readonly string[]; suggestion?: string | undefined } | undefined;
}

/**
 * The text of an error in a dialect: every invalid field, or what Ackwire's own API says.
 *
 * @param remedies what a dialect says, as a whole sentence, where the failure's own text
 *   names a call of Ackwire's own API
 */
export function refusalMessage(
  refusal: Refusal,
  remedies?: Readonly<Record<Remedy, string>>,
): string {
  const { code, errors = [], remedy } = refusal;
  if (remedy && remedies) return remedies[remedy];
  // In a dialect, the params of a request are the members of the body.
  const nameOf = (field: string) => (field === "params" ? "" : field);
  const fields = errors.map((error) => fieldText({ ...error, field: nameOf(error.field) }));
  return fields.length > 0 ? fields.join("; ") : (refusalDetail(refusal) ?? failures[code].title);
}

/** The use cases that a dialect's handlers may call. Requests are those of the dialect's own provider. */
export interface DialectServices {
  requests: DialectRequests;
  relay: DialectRelay;
  limits: DialectLimits;
  webhooks: DialectWebhooks;
  deliveries: DialectDeliveries;
}

export interface DialectRequests {
  accept(request: {
    clientId: string;
    accountId: string;
    action: string;
    params: JsonObject | readonly JsonObject[];
    scheduled?: string | undefined;
    idempotencyKey?: string | undefined;
    traceparent?: string | undefined;
  }): Promise<{ requestId: string; status: RequestStatus }>;
  /** @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN */
  continue(
    clientId: string,
    requestId: string,
    input: string,
    idempotencyKey?: string,
  ): Promise<{ requestId: string }>;
  /** @throws NOT_FOUND, for a request of another provider or client too; DEPENDENCY_DOWN */
  find(clientId: string, id: string): Promise<FoundRequest>;
  /** @throws NOT_FOUND, for a request of another provider or client too; CONFLICT; DEPENDENCY_DOWN */
  cancel(clientId: string, requestId: string): Promise<unknown>;
}

/** Calls that the provider answers at once. */
export interface DialectRelay {
  /**
   * Passes a call to the provider, with the connection's credentials and those of the account.
   *
   * @throws REQUEST_INVALID, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN, PROVIDER_UNANSWERED
   */
  call(of: {
    clientId: string;
    accountId?: string | undefined;
    call: Omit<ProviderHttpCall, "headers">;
  }): Promise<{ answer: ProviderAnswer; connectionId: string; askedRealMs: number }>;
  /**
   * Stores the provider's token of an account, and registers the account where it is new.
   * Returns the token by which the client names it here.
   *
   * @param of.askedRealMs when the provider was asked, where its answer may be older than a token
   *   that has been stored since; absent: the token is new
   * @throws DEPENDENCY_DOWN
   */
  registerAccount(of: {
    clientId: string;
    connectionId: string;
    accountId: string;
    providerToken: string;
    askedRealMs?: number;
  }): Promise<string>;
  /** Returns the token by which the client names an account here. @throws DEPENDENCY_DOWN */
  tokenOf(of: AccountOfClient): Promise<string>;
}

/** A limit of an account, as far as dialects show it. */
export interface DialectLimit extends Limit {
  isEnabled: boolean;
}

/** The limits of the accounts at the dialect's own provider. */
export interface DialectLimits {
  /** Those that a new account has. */
  defaults(): readonly DialectLimit[];
  /**
   * Those of an account, with those that it has removed.
   *
   * @returns `used`: the submissions that count now; `maxNow`: lower than `max` while it warms up
   * @throws NOT_FOUND, REQUEST_INVALID where several connections have it, DEPENDENCY_DOWN
   */
  get(of: AccountOfClient): Promise<readonly (DialectLimit & { used: number; maxNow: number })[]>;
  /** Sets these limits; the others stay. @throws as `get` */
  set(of: AccountOfClient, limits: readonly DialectLimit[]): Promise<void>;
  /** Removes limits of the account's own: those that it shares with others are in force again. @throws as `get` */
  delete(of: AccountOfClient, limits: readonly Pick<Limit, "category" | "per">[]): Promise<void>;
  /** Gives the account the default limits; its own that are kept stay. @throws as `get` */
  reset(of: AccountOfClient, isKept: (own: Limit) => boolean): Promise<void>;
}

export interface AccountOfClient {
  clientId: string;
  accountId: string;
}

/** A request that was made here, or the last event of one that was made elsewhere. */
export type FoundRequest =
  | {
      request: {
        status: RequestStatus;
        /** Why the provider has not started it yet, in the provider's words. */
        pendingReason?: string | undefined;
        /** JSON text. */
        result?: string | undefined;
        /** A number of `result` that consumers could not read exactly is text. */
        numbersAsText?: true | undefined;
        error?: { code: string; message: string } | undefined;
      };
    }
  | { event: FoundEvent };

export interface FoundEvent {
  type: string;
  /** Its texts are exact; its numbers may have lost digits. */
  data: JsonObject;
  /** The event's result as JSON text, with every digit. */
  result?: string | undefined;
}

/** A client's webhook, as far as dialects show it. */
export interface DialectWebhook {
  id: string;
  url: string;
  payloadMode: PayloadMode;
  status: "active" | "disabled";
  /** Types or filters such as `workflow.*`; absent: every type. */
  eventTypes?: readonly string[] | undefined;
  /** The headers that are added to each delivery, in lower case; their values are not shown. */
  headerNames?: readonly string[] | undefined;
  /** Whether deliveries are signed in the provider's own scheme too. */
  isSignedAsProvider: boolean;
  createdAt: string;
}

/** The settings of a webhook that a dialect may set. */
export interface DialectWebhookSettings {
  url?: string | undefined;
  payloadMode?: PayloadMode | undefined;
  /** As `eventTypeFilter`; `null`: every type. */
  eventTypes?: readonly string[] | null | undefined;
  /** As `webhookHeaders`, replacing all of them; `null`: none. */
  headers?: Readonly<Record<string, string>> | null | undefined;
  /** Sets one header, or removes it where the value is `null`; the others stay. */
  header?: { name: string; value: string | null } | undefined;
  isSignedAsProvider?: boolean | undefined;
}

export interface DialectWebhooks {
  /**
   * Idempotent: where the active webhook has this URL and these settings already, it is
   * returned; its signature in the provider's scheme stays as it is.
   *
   * @throws REQUEST_INVALID, CONFLICT, DEPENDENCY_DOWN
   */
  register(
    clientId: string,
    webhook: {
      url: string;
      payloadMode?: PayloadMode | undefined;
      eventTypes?: readonly string[] | undefined;
      headers?: Readonly<Record<string, string>> | undefined;
      isSignedAsProvider?: boolean | undefined;
      origin: string;
    },
  ): Promise<DialectWebhook & { secret: string }>;
  /** @throws NOT_FOUND, DEPENDENCY_DOWN */
  get(clientId: string): Promise<DialectWebhook>;
  /** @throws NOT_FOUND, where the client's webhook has another id too; CONFLICT; DEPENDENCY_DOWN */
  update(
    clientId: string,
    change: DialectWebhookSettings & { origin?: string | undefined },
    webhookId: string,
  ): Promise<DialectWebhook>;
  /** @throws NOT_FOUND, where the client's webhook has another id too; CONFLICT; DEPENDENCY_DOWN */
  delete(clientId: string, webhookId: string): Promise<void>;
  /** Returns the current secret. @throws NOT_FOUND, where the client's webhook has another id too; DEPENDENCY_DOWN */
  revealSecret(clientId: string, webhookId: string): Promise<DialectWebhook & { secret: string }>;
  /**
   * Replaces the secret; for 24 hours deliveries are signed with both, where the scheme allows it.
   *
   * @throws NOT_FOUND, where the client's webhook has another id too; CONFLICT; DEPENDENCY_DOWN
   */
  rotateSecret(clientId: string, webhookId: string): Promise<DialectWebhook & { secret: string }>;
  /** @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN */
  test(clientId: string): Promise<{ deliveryId: string }>;
}

/** A delivery, as far as dialects show it. */
export interface DialectDelivery {
  deliveryId: string;
  eventId: string;
  eventType: string;
  status: DeliveryStatus;
  reason?: string | undefined;
  attemptHistory: readonly {
    httpStatus?: number | undefined;
    error?: string | undefined;
    atMs: number;
  }[];
  createdMs: number;
  endedMs?: number | undefined;
}

export interface DialectDeliveries {
  /** The client's deliveries, newest first. @throws DEPENDENCY_DOWN */
  newest(clientId: string, count: number): Promise<readonly DialectDelivery[]>;
  /** @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN */
  resend(clientId: string, deliveryId: string): Promise<{ id: string }>;
}
