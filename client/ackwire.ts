import type { Operations, Request } from "./api-types.ts";
import {
  type AckwireOptions,
  type Call,
  type CallOptions,
  type KeyedCallOptions,
  makeCall,
} from "./call.ts";
import { type List, listOf, type Page } from "./pages.ts";
import { type WaitOptions, waitForRequest } from "./wait-for-request.ts";
import type { AckwireEvent } from "./webhook-events.ts";

type Body<Name extends keyof Operations> = Operations[Name]["body"];
type Query<Name extends keyof Operations> = Operations[Name]["query"];

/** An event as `events.list` and `events.get` return it. */
export type StoredEvent = AckwireEvent & { publishedAt?: string };

/**
 * The client API. Every call is repeated as far as that cannot have a second effect: after 429,
 * 500, 502, 503 and without an answer, honouring `Retry-After`. Creating requests, batches and
 * webhook secrets is made repeatable by an idempotency key.
 *
 * Every method rejects with an {@link AckwireError}, or with the reason of the caller's signal.
 */
export class Ackwire {
  readonly #call: Call;

  /** @throws TypeError when `baseUrl` or `apiKey` is missing or has another form */
  constructor(options: AckwireOptions) {
    this.#call = makeCall(options);
  }

  /** Whether the API answers. Needs no valid key. */
  health(options?: CallOptions) {
    return this.#call("getHealth", {}, options);
  }

  readonly requests = {
    /** Accepts a request. The answer is `QUEUED` or `SCHEDULED`; `waitFor` returns its end. */
    create: (body: Body<"createRequest">, options?: KeyedCallOptions) =>
      this.#call("createRequest", { body }, options),
    /** Accepts up to 1,000 requests. Check the `status` of each item: some may be refused. */
    createBatch: (body: Body<"createBatch">, options?: KeyedCallOptions) =>
      this.#call("createBatch", { body }, options),
    get: (requestId: string, options?: CallOptions) =>
      this.#call("getRequest", { path: { requestId } }, options),
    list: (query: Query<"listRequests"> = {}, options?: CallOptions) =>
      this.#list("listRequests", query, options),
    cancel: (requestId: string, options?: CallOptions) =>
      this.#call("cancelRequest", { path: { requestId } }, options),
    /** Answers an `ACTION_REQUIRED`, for example with a PIN. */
    continue: (requestId: string, body: Body<"continueRequest">, options?: CallOptions) =>
      this.#call("continueRequest", { path: { requestId }, body }, options),
    /** Tells what happened to an `UNKNOWN` request. */
    resolve: (requestId: string, body: Body<"resolveRequest">, options?: CallOptions) =>
      this.#call("resolveRequest", { path: { requestId }, body }, options),
    /**
     * Reads the request until it has ended (`SUCCEEDED`, `FAILED`, `CANCELLED`) or a person must
     * act (`ACTION_REQUIRED`), and returns it. For many requests use a webhook.
     *
     * @throws AckwireError `TIMEOUT` when that is not so after `timeoutMs`
     */
    waitFor: (requestId: string, options?: WaitOptions): Promise<Request> =>
      waitForRequest(this.requests.get, requestId, options),
  };

  readonly groups = {
    get: (group: string, options?: CallOptions) =>
      this.#call("getGroup", { path: { group } }, options),
    /** Cancels some of its requests. Call it again with `nextCursor` while the answer has one. */
    cancel: (group: string, query: Query<"cancelGroup"> = {}, options?: CallOptions) =>
      this.#call("cancelGroup", { path: { group }, query }, options),
  };

  readonly recurringRequests = {
    put: (recurringId: string, body: Body<"putRecurringRequest">, options?: CallOptions) =>
      this.#call("putRecurringRequest", { path: { recurringId }, body }, options),
    get: (recurringId: string, options?: CallOptions) =>
      this.#call("getRecurringRequest", { path: { recurringId } }, options),
    list: (query: Query<"listRecurringRequests"> = {}, options?: CallOptions) =>
      this.#list("listRecurringRequests", query, options),
    pause: (recurringId: string, options?: CallOptions) =>
      this.#call("pauseRecurringRequest", { path: { recurringId } }, options),
    resume: (recurringId: string, options?: CallOptions) =>
      this.#call("resumeRecurringRequest", { path: { recurringId } }, options),
    delete: (recurringId: string, options?: CallOptions) =>
      this.#call("deleteRecurringRequest", { path: { recurringId } }, options),
  };

  readonly accounts = {
    put: (accountId: string, body: Body<"putAccount">, options?: CallOptions) =>
      this.#call("putAccount", { path: { accountId }, body }, options),
    get: (accountId: string, query: Query<"getAccount"> = {}, options?: CallOptions) =>
      this.#call("getAccount", { path: { accountId }, query }, options),
    list: (query: Query<"listAccounts"> = {}, options?: CallOptions) =>
      this.#list("listAccounts", query, options),
    budget: (accountId: string, query: Query<"getAccountBudget"> = {}, options?: CallOptions) =>
      this.#call("getAccountBudget", { path: { accountId }, query }, options),
    pause: (accountId: string, query: Query<"pauseAccount"> = {}, options?: CallOptions) =>
      this.#call("pauseAccount", { path: { accountId }, query }, options),
    resume: (accountId: string, query: Query<"resumeAccount"> = {}, options?: CallOptions) =>
      this.#call("resumeAccount", { path: { accountId }, query }, options),
    delete: (accountId: string, query: Query<"deleteAccount"> = {}, options?: CallOptions) =>
      this.#call("deleteAccount", { path: { accountId }, query }, options),
  };

  readonly connections = {
    /** Not repeated without an answer: a connection that was made then is in `list`. */
    create: (body: Body<"createConnection">, options?: CallOptions) =>
      this.#call("createConnection", { body }, options),
    get: (connectionId: string, options?: CallOptions) =>
      this.#call("getConnection", { path: { connectionId } }, options),
    list: (query: Query<"listConnections"> = {}, options?: CallOptions) =>
      this.#list("listConnections", query, options),
    update: (connectionId: string, body: Body<"updateConnection">, options?: CallOptions) =>
      this.#call("updateConnection", { path: { connectionId }, body }, options),
    rotateToken: (
      connectionId: string,
      query: Query<"rotateConnectionToken"> = {},
      options?: CallOptions,
    ) => this.#call("rotateConnectionToken", { path: { connectionId }, query }, options),
    rotateSecret: (
      connectionId: string,
      body: Body<"rotateConnectionSecret">,
      query: Query<"rotateConnectionSecret"> = {},
      options?: CallOptions,
    ) => this.#call("rotateConnectionSecret", { path: { connectionId }, body, query }, options),
    delete: (connectionId: string, options?: CallOptions) =>
      this.#call("deleteConnection", { path: { connectionId } }, options),
  };

  readonly portalLinks = {
    /** Creates a link to pages with the client's records. It is valid for 15 minutes. */
    create: (options?: CallOptions) => this.#call("createPortalLink", {}, options),
  };

  readonly keys = {
    /** The only answer that contains the key. Not repeated without an answer. */
    create: (options?: CallOptions) => this.#call("createKey", {}, options),
    list: (query: Query<"listKeys"> = {}, options?: CallOptions) =>
      this.#list("listKeys", query, options),
    revoke: (keyId: string, options?: CallOptions) =>
      this.#call("revokeKey", { path: { keyId } }, options),
  };

  /** The client's only webhook. */
  readonly webhook = {
    /** Returns its `secret`, also when the same webhook is put again. */
    put: (body: Body<"putWebhook">, options?: CallOptions) =>
      this.#call("putWebhook", { body }, options),
    get: (options?: CallOptions) => this.#call("getWebhook", {}, options),
    update: (body: Body<"updateWebhook">, options?: CallOptions) =>
      this.#call("updateWebhook", { body }, options),
    delete: (options?: CallOptions) => this.#call("deleteWebhook", {}, options),
    /** Sends a `webhook.test` to it. */
    test: (options?: CallOptions) => this.#call("testWebhook", {}, options),
    rotateSecret: (query: Query<"rotateWebhookSecret"> = {}, options?: KeyedCallOptions) =>
      this.#call("rotateWebhookSecret", { query }, options),
  };

  readonly events = {
    get: (id: string, options?: CallOptions) =>
      this.#call("getEvent", { path: { id } }, options) as unknown as Promise<StoredEvent>,
    list: (query: Query<"listEvents"> = {}, options?: CallOptions) =>
      this.#list("listEvents", query, options) as unknown as List<StoredEvent>,
  };

  readonly deliveries = {
    get: (id: string, options?: CallOptions) =>
      this.#call("getDelivery", { path: { id } }, options),
    list: (query: Query<"listDeliveries"> = {}, options?: CallOptions) =>
      this.#list("listDeliveries", query, options),
    resend: (id: string, options?: CallOptions) =>
      this.#call("resendDelivery", { path: { id } }, options),
    /** Resends all failed deliveries of a period, in the background. */
    recover: (body: Body<"recoverDeliveries">, options?: CallOptions) =>
      this.#call("recoverDeliveries", { body }, options),
    recovery: (recoveryId: string, options?: CallOptions) =>
      this.#call("getRecovery", { path: { recoveryId } }, options),
  };

  #list<Name extends ListName>(
    name: Name,
    query: NonNullable<Query<Name>>,
    options: CallOptions | undefined,
  ): List<ItemOf<Name>> {
    const read = (cursor: string | undefined) =>
      this.#call(
        name,
        { query: { ...query, ...(cursor === undefined ? {} : { cursor }) } },
        options,
      ) as Promise<Page<ItemOf<Name>>>;
    return listOf(read, query.cursor);
  }
}

type ListName = Extract<keyof Operations, `list${string}`>;

type ItemOf<Name extends ListName> = Operations[Name]["answer"]["items"][number];
