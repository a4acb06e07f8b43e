// Generated from docs/contracts/openapi.json by `npm run docs`: do not edit.

export type ResolveRequestBody =
  | {
      as: "submitted";
      providerRequestId?: string | null;
    }
  | {
      as: "not-submitted";
    };

export interface GetHealthAnswer {
  status: "ok";
}
export interface ListEventsQuery {
  limit?: number;
  cursor?: string;
  type?:
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "delivery.failed"
    | "webhook.disabled";
}
export interface ListEventsAnswer {
  items: Event[];
  nextCursor?: string;
}
export interface Event {
  id: string;
  type:
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "delivery.failed"
    | "webhook.disabled";
  createdAt: string;
  data: {
    [k: string]: unknown;
  };
  publishedAt?: string;
}
export interface CreateConnectionBody {
  provider: "we-link" | "linked-api";
  webhookSecret?: string | null;
  /**
   * Headers that authenticate you at the provider. Stored encrypted, never shown.
   */
  credentials?: {
    [k: string]: string;
  } | null;
  status?: "active" | "paused" | null;
  signature?: "enforce" | "quarantine" | null;
  hashForms?: ("raw" | "json" | "python" | "jwt")[] | null;
  allowUnboundJwt?: boolean | null;
  verifyByFetch?: boolean | null;
}
export interface ListConnectionsQuery {
  limit?: number;
  cursor?: string;
}
export interface ListConnectionsAnswer {
  items: Connection[];
  nextCursor?: string;
}
export interface Connection {
  connectionId: string;
  provider: "we-link" | "linked-api";
  createdAt: string;
  status: "active" | "paused";
  signature: "enforce" | "quarantine";
  hashForms: ("raw" | "json" | "python" | "jwt")[];
  allowUnboundJwt: boolean;
  verifyByFetch: boolean;
  /**
   * Without credentials nothing can be submitted.
   */
  hasCredentials?: boolean;
  /**
   * Absent when a person paused the connection.
   */
  pausedBecause?: "CREDENTIALS_REFUSED";
}
export interface UpdateConnectionBody {
  status?: "active" | "paused" | null;
  signature?: "enforce" | "quarantine" | null;
  hashForms?: ("raw" | "json" | "python" | "jwt")[] | null;
  allowUnboundJwt?: boolean | null;
  verifyByFetch?: boolean | null;
  /**
   * Headers that authenticate you at the provider. Stored encrypted, never shown.
   */
  credentials?: {
    [k: string]: string;
  } | null;
}
export interface RotateConnectionTokenQuery {
  /**
   * Hours for which the replaced value is still used, by default 24; 0 cuts it at once.
   */
  overlapHours?: number;
}
export interface RotateConnectionTokenAnswer {
  connectionId: string;
  /**
   * Contains a secret. Shown only here.
   */
  inboundUrl: string;
  previousValidUntil?: string;
}
export interface RotateConnectionSecretBody {
  webhookSecret: string;
}
export interface RotateConnectionSecretQuery {
  /**
   * Hours for which the replaced value is still used, by default 24; 0 cuts it at once.
   */
  overlapHours?: number;
}
export interface RotateConnectionSecretAnswer {
  connectionId: string;
  previousValidUntil?: string;
}
export interface CreateKeyQuery {
  /**
   * `read` only looks. Absent: a key that may do everything.
   */
  scope?: "read" | "write";
  /**
   * It is refused from then on. Absent, and at the latest: the end of this call's key.
   */
  expiresAt?: string;
}
export interface CreateKeyAnswer {
  keyId: string;
  /**
   * Shown only here.
   */
  apiKey: string;
  createdAt: string;
  /**
   * Absent: every scope.
   */
  scopes?: ("read" | "write")[];
  /**
   * Absent: never.
   */
  expiresAt?: string;
}
export interface ListKeysQuery {
  limit?: number;
  cursor?: string;
}
export interface ListKeysAnswer {
  items: ApiKey[];
  nextCursor?: string;
}
export interface ApiKey {
  keyId: string;
  scopes?: ("read" | "write")[];
  createdAt: string;
  expiresAt?: string;
  revokedAt?: string;
  lastUsedAt?: string;
}
export interface CreateRequestBody {
  provider: "we-link" | "linked-api";
  accountId: string;
  action: string;
  /**
   * The rest of the provider's own body, passed on unchanged.
   */
  params:
    | {
        [k: string]: unknown;
      }
    | {
        [k: string]: unknown;
      }[];
  /**
   * YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.
   */
  scheduled?: string | null;
  /**
   * YYYY-MM-DDTHH:mm:ss.sssZ in UTC. The request is refused when it cannot be submitted by then, and ends FAILED with EXPIRED_NOT_AFTER when it was not.
   */
  notAfter?: string | null;
  connectionId?: string | null;
  /**
   * A name of yours by which requests are listed, counted and cancelled.
   */
  group?: string | null;
  /**
   * `high`: before the account's waiting requests of normal priority.
   */
  priority?: "high" | "normal" | null;
  /**
   * What must happen before the request takes its place in the lane.
   */
  dependsOn?: {
    /**
     * An earlier request of the same account.
     */
    requestId: string;
    /**
     * `succeeded`: the earlier request succeeds; `event`: the provider reports it.
     */
    on: "succeeded" | "event";
    /**
     * With `on: event`: its type, or the provider's name of it.
     */
    event?:
      "connection.accepted" | "message.reply" | "CONNECTION_ACCEPTED" | "MESSAGE_REPLY" | null;
    /**
     * Until when it must happen, from now on: seconds, or a duration such as P14D.
     */
    within: number | string;
    /**
     * Delay between that and this request: seconds, or a duration such as P3D.
     */
    after?: (number | string) | null;
    /**
     * The request is not sent after such an event about the sequence.
     */
    unless?: "message.reply" | null;
  } | null;
}
export interface ListRequestsQuery {
  limit?: number;
  cursor?: string;
  accountId?: string;
  status?:
    | "SCHEDULED"
    | "QUEUED"
    | "SUBMITTING"
    | "RUNNING"
    | "ACTION_REQUIRED"
    | "UNKNOWN"
    | "SUCCEEDED"
    | "FAILED"
    | "CANCELLED";
  waitsFor?:
    | "schedule"
    | "dependency"
    | "pace"
    | "hours"
    | "budget"
    | "lane"
    | "account_paused"
    | "connection_paused"
    | "provider";
  group?: string;
}
export interface ListRequestsAnswer {
  items: Request[];
  nextCursor?: string;
}
export interface Request {
  requestId: string;
  status:
    | "SCHEDULED"
    | "QUEUED"
    | "SUBMITTING"
    | "RUNNING"
    | "ACTION_REQUIRED"
    | "UNKNOWN"
    | "SUCCEEDED"
    | "FAILED"
    | "CANCELLED";
  provider: "we-link" | "linked-api";
  accountId: string;
  action: string;
  group?: string;
  priority: "high" | "normal";
  scheduled?: string;
  /**
   * The recurring request that made this one.
   */
  recurringId?: string;
  dependsOn?: Dependency;
  createdAt: string;
  joinedAt?: string;
  submittedAt?: string;
  finishedAt?: string;
  providerRequestId?: string;
  /**
   * While the provider has the request and has not started it: why, in the provider's words, such as `queued` or `outsideWorkingHours`.
   */
  pendingReason?: string;
  attempts: number;
  /**
   * What it counts as against the account's limits.
   */
  category?:
    | "stPersonProfileViews"
    | "stCompanyPageViews"
    | "stConnectionRequests"
    | "stMessages"
    | "stSearchQueries"
    | "stReactions"
    | "stEndorsements"
    | "stComments"
    | "stPosts"
    | "nvPersonProfileViews"
    | "nvCompanyPageViews"
    | "nvMessages"
    | "other";
  notAfter?: string;
  waitsFor?:
    | "schedule"
    | "dependency"
    | "pace"
    | "hours"
    | "budget"
    | "lane"
    | "account_paused"
    | "connection_paused"
    | "provider";
  /**
   * What it waits for, as a sentence.
   */
  waitReason?: string;
  /**
   * Its place among the account's waiting requests; 1 is the next.
   */
  position?: number;
  /**
   * When it will be submitted, unless something changes.
   */
  expectedAt?: string;
  result?: unknown;
  /**
   * A number of `result` that consumers could not read exactly is text.
   */
  numbersAsText?: true;
  error?: {
    code: string;
    message: string;
  };
  /**
   * The last outcome that came after the request had ended otherwise.
   */
  lateResult?: {
    [k: string]: unknown;
  };
  /**
   * Those before `lateResult`, oldest first.
   */
  earlierLateResults?: unknown[];
  /**
   * Reports of the provider with a word that Ackwire does not know, or that contradict themselves. An unknown word ends no request.
   */
  unclearReports?: {
    at: string;
    source: "webhook" | "answer";
    kind: "unrecognised" | "contradictory";
    status?: string;
    eventType?: string;
    body: string;
  }[];
}
export interface Dependency {
  requestId: string;
  on: "succeeded" | "event";
  event?: "connection.accepted" | "message.reply";
  /**
   * When the request ends unless the condition is met by then.
   */
  until: string;
  afterSeconds: number;
  unless?: "message.reply";
  /**
   * When the condition was met.
   */
  metAt?: string;
}
export interface CancelRequestAnswer {
  requestId: string;
  status: "CANCELLED";
}
export interface ContinueRequestBody {
  /**
   * Stored encrypted until it is sent, never shown.
   */
  input: string;
}
export interface CreateBatchBody {
  requests: {
    provider: "we-link" | "linked-api";
    accountId: string;
    action: string;
    /**
     * The rest of the provider's own body, passed on unchanged.
     */
    params:
      | {
          [k: string]: unknown;
        }
      | {
          [k: string]: unknown;
        }[];
    /**
     * YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.
     */
    scheduled?: string | null;
    /**
     * YYYY-MM-DDTHH:mm:ss.sssZ in UTC. The request is refused when it cannot be submitted by then, and ends FAILED with EXPIRED_NOT_AFTER when it was not.
     */
    notAfter?: string | null;
    connectionId?: string | null;
    /**
     * A name of yours by which requests are listed, counted and cancelled.
     */
    group?: string | null;
    /**
     * `high`: before the account's waiting requests of normal priority.
     */
    priority?: "high" | "normal" | null;
    /**
     * What must happen before the request takes its place in the lane.
     */
    dependsOn?: {
      /**
       * An earlier request of the same account.
       */
      requestId: string;
      /**
       * `succeeded`: the earlier request succeeds; `event`: the provider reports it.
       */
      on: "succeeded" | "event";
      /**
       * With `on: event`: its type, or the provider's name of it.
       */
      event?:
        "connection.accepted" | "message.reply" | "CONNECTION_ACCEPTED" | "MESSAGE_REPLY" | null;
      /**
       * Until when it must happen, from now on: seconds, or a duration such as P14D.
       */
      within: number | string;
      /**
       * Delay between that and this request: seconds, or a duration such as P3D.
       */
      after?: (number | string) | null;
      /**
       * The request is not sent after such an event about the sequence.
       */
      unless?: "message.reply" | null;
    } | null;
    /**
     * As the header `Idempotency-Key` of a call for this request alone.
     */
    idempotencyKey?: string | null;
  }[];
  /**
   * A name of yours by which requests are listed, counted and cancelled.
   */
  group?: string | null;
  /**
   * `high`: before the account's waiting requests of normal priority.
   */
  priority?: "high" | "normal" | null;
}
export interface CancelGroupQuery {
  cursor?: string;
}
export interface ListAccountsQuery {
  limit?: number;
  cursor?: string;
}
export interface ListAccountsAnswer {
  items: Account[];
  nextCursor?: string;
}
export interface Account {
  accountId: string;
  provider: "we-link" | "linked-api";
  connectionId: string;
  createdAt: string;
  status: "active" | "paused";
  pausedBecause?: string;
  pausedUntil?: string;
  pace?: {
    /**
     * Rounded to milliseconds.
     */
    minSeconds: number;
    /**
     * Rounded to milliseconds.
     */
    maxSeconds: number;
  };
  preset: "off" | "careful" | "standard";
  limits?: {
    category:
      | "stPersonProfileViews"
      | "stCompanyPageViews"
      | "stConnectionRequests"
      | "stMessages"
      | "stSearchQueries"
      | "stReactions"
      | "stEndorsements"
      | "stComments"
      | "stPosts"
      | "nvPersonProfileViews"
      | "nvCompanyPageViews"
      | "nvMessages"
      | "other"
      | "any";
    per: "hour" | "day" | "week" | "month";
    /**
     * Submissions in any window of this length; 0 allows none.
     */
    max: number;
    /**
     * `false`: there is no limit for this category and window, not even the preset's; `max` is kept for later.
     */
    isEnabled?: boolean;
  }[];
  hours?: {
    timeZone: string;
    days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
    from: string;
    to: string;
  };
  warmUp?: {
    /**
     * Days until the limits are in full.
     */
    days: number;
    /**
     * The part of each limit with which it starts; rounded to thousandths.
     */
    from: number;
  };
  /**
   * Identifies this account to Ackwire in the provider's own protocol.
   */
  identificationToken?: string;
}
export interface PutAccountBody {
  provider: "we-link" | "linked-api";
  connectionId?: string | null;
  /**
   * Interval between the answer to one submission and the next submission; drawn at random.
   */
  pace?: {
    /**
     * Rounded to milliseconds.
     */
    minSeconds: number;
    /**
     * Rounded to milliseconds.
     */
    maxSeconds: number;
  } | null;
  /**
   * A set of limits: `off`, `careful` (of a new account) or `standard`.
   */
  preset?: "off" | "careful" | "standard" | null;
  /**
   * Limits of its own; each replaces the preset's of that category and window.
   */
  limits?:
    | {
        category:
          | "stPersonProfileViews"
          | "stCompanyPageViews"
          | "stConnectionRequests"
          | "stMessages"
          | "stSearchQueries"
          | "stReactions"
          | "stEndorsements"
          | "stComments"
          | "stPosts"
          | "nvPersonProfileViews"
          | "nvCompanyPageViews"
          | "nvMessages"
          | "other"
          | "any";
        per: "hour" | "day" | "week" | "month";
        /**
         * Submissions in any window of this length; 0 allows none.
         */
        max: number;
        /**
         * `false`: there is no limit for this category and window, not even the preset's; `max` is kept for later.
         */
        isEnabled?: boolean | null;
      }[]
    | null;
  /**
   * When requests may be submitted; `null`: always.
   */
  hours?: {
    timeZone: string;
    days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
    from: string;
    to: string;
  } | null;
  /**
   * Starts with a part of each limit and grows to all of it in a straight line; `null`: no warm-up. It begins with the first submission, and again after the provider has restricted the account.
   */
  warmUp?: {
    /**
     * Days until the limits are in full.
     */
    days: number;
    /**
     * The part of each limit with which it starts; rounded to thousandths.
     */
    from: number;
  } | null;
  /**
   * The provider's token of this account. Stored encrypted, never shown.
   */
  identificationToken?: string | null;
}
export interface GetAccountQuery {
  provider?: "we-link" | "linked-api";
  connectionId?: string;
}
export interface DeleteAccountQuery {
  provider?: "we-link" | "linked-api";
  connectionId?: string;
}
export interface GetAccountBudgetQuery {
  provider?: "we-link" | "linked-api";
  connectionId?: string;
}
export interface PauseAccountQuery {
  provider?: "we-link" | "linked-api";
  connectionId?: string;
}
export interface ResumeAccountQuery {
  provider?: "we-link" | "linked-api";
  connectionId?: string;
}
export interface PutRecurringRequestBody {
  every: {
    /**
     * Six fields as EventBridge Scheduler reads them, without `cron()`: `0 9 ? * MON-FRI *`.
     */
    cron: string;
    /**
     * A time zone of the IANA database, in which `cron` is read.
     */
    timeZone: string;
  };
  /**
   * As for `POST /v1/requests`, without `scheduled`, `notAfter` and `dependsOn`.
   */
  request: {
    provider: "we-link" | "linked-api";
    accountId: string;
    action: string;
    /**
     * The rest of the provider's own body, passed on unchanged.
     */
    params:
      | {
          [k: string]: unknown;
        }
      | {
          [k: string]: unknown;
        }[];
    /**
     * YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.
     */
    scheduled?: string | null;
    /**
     * YYYY-MM-DDTHH:mm:ss.sssZ in UTC. The request is refused when it cannot be submitted by then, and ends FAILED with EXPIRED_NOT_AFTER when it was not.
     */
    notAfter?: string | null;
    connectionId?: string | null;
    /**
     * A name of yours by which requests are listed, counted and cancelled.
     */
    group?: string | null;
    /**
     * `high`: before the account's waiting requests of normal priority.
     */
    priority?: "high" | "normal" | null;
    /**
     * What must happen before the request takes its place in the lane.
     */
    dependsOn?: {
      /**
       * An earlier request of the same account.
       */
      requestId: string;
      /**
       * `succeeded`: the earlier request succeeds; `event`: the provider reports it.
       */
      on: "succeeded" | "event";
      /**
       * With `on: event`: its type, or the provider's name of it.
       */
      event?:
        "connection.accepted" | "message.reply" | "CONNECTION_ACCEPTED" | "MESSAGE_REPLY" | null;
      /**
       * Until when it must happen, from now on: seconds, or a duration such as P14D.
       */
      within: number | string;
      /**
       * Delay between that and this request: seconds, or a duration such as P3D.
       */
      after?: (number | string) | null;
      /**
       * The request is not sent after such an event about the sequence.
       */
      unless?: "message.reply" | null;
    } | null;
  };
  /**
   * `true`: it fires only after it was resumed. Default: `false`.
   */
  isPaused?: boolean | null;
}
export interface ListRecurringRequestsQuery {
  limit?: number;
  cursor?: string;
}
export interface ListRecurringRequestsAnswer {
  items: RecurringRequest[];
  nextCursor?: string;
}
export interface RecurringRequest {
  recurringId: string;
  status: "active" | "paused";
  provider: "we-link" | "linked-api";
  accountId: string;
  connectionId: string;
  action: string;
  group?: string;
  priority: "high" | "normal";
  every: {
    cron: string;
    timeZone: string;
  };
  createdAt: string;
  changedAt: string;
}
export interface PutWebhookBody {
  /**
   * https, on port 443 or 8443, at a public address.
   */
  url: string;
  payloadMode?: "fat" | "thin" | null;
  format?: "standard" | "we-link" | null;
  hashFormat?: "hmac-hex" | "jwt" | "python" | "php" | null;
  /**
   * Only these types; `*` stands for one segment, as in `workflow.*`. Absent: all types that the format carries.
   */
  eventTypes?:
    | (
        | "workflow.created"
        | "workflow.started"
        | "workflow.actionRequired"
        | "workflow.completed"
        | "workflow.lateResult"
        | "account.active"
        | "account.reconnectionRequired"
        | "account.frozen"
        | "account.deleted"
        | "message.reply"
        | "message.sent"
        | "connection.accepted"
        | "connection.added"
        | "connection.requestReceived"
        | "webhook.test"
        | "event.unrecognised"
        | "*"
        | "workflow.*"
        | "*.created"
        | "*.*"
        | "*.started"
        | "*.actionRequired"
        | "*.completed"
        | "*.lateResult"
        | "account.*"
        | "*.active"
        | "*.reconnectionRequired"
        | "*.frozen"
        | "*.deleted"
        | "message.*"
        | "*.reply"
        | "*.sent"
        | "connection.*"
        | "*.accepted"
        | "*.added"
        | "*.requestReceived"
        | "webhook.*"
        | "*.test"
        | "event.*"
        | "*.unrecognised"
      )[]
    | null;
  description?: string | null;
  /**
   * Added to each delivery. Stored encrypted; only the names are shown.
   */
  headers?: {
    [k: string]: string;
  } | null;
}
export interface UpdateWebhookBody {
  /**
   * Waiting deliveries are sent to it too, each when its next attempt is due.
   */
  url?: string | null;
  payloadMode?: "fat" | "thin" | null;
  /**
   * `null`: all types that the format carries.
   */
  eventTypes?:
    | (
        | "workflow.created"
        | "workflow.started"
        | "workflow.actionRequired"
        | "workflow.completed"
        | "workflow.lateResult"
        | "account.active"
        | "account.reconnectionRequired"
        | "account.frozen"
        | "account.deleted"
        | "message.reply"
        | "message.sent"
        | "connection.accepted"
        | "connection.added"
        | "connection.requestReceived"
        | "webhook.test"
        | "event.unrecognised"
        | "*"
        | "workflow.*"
        | "*.created"
        | "*.*"
        | "*.started"
        | "*.actionRequired"
        | "*.completed"
        | "*.lateResult"
        | "account.*"
        | "*.active"
        | "*.reconnectionRequired"
        | "*.frozen"
        | "*.deleted"
        | "message.*"
        | "*.reply"
        | "*.sent"
        | "connection.*"
        | "*.accepted"
        | "*.added"
        | "*.requestReceived"
        | "webhook.*"
        | "*.test"
        | "event.*"
        | "*.unrecognised"
      )[]
    | null;
  description?: string | null;
  /**
   * Replaces all of them; `null` removes them.
   */
  headers?: {
    [k: string]: string;
  } | null;
  status?: "active" | "disabled" | null;
}
export interface TestWebhookAnswer {
  deliveryId: string;
  eventId: string;
}
export interface RotateWebhookSecretQuery {
  /**
   * Hours for which the replaced value is still used, by default 24; 0 cuts it at once.
   */
  overlapHours?: number;
}
export interface RotateWebhookSecretAnswer {
  /**
   * whsec_…, verifies the signatures of deliveries. Shown only here.
   */
  secret: string;
  previousValidUntil?: string;
}
export interface ListDeliveriesQuery {
  limit?: number;
  cursor?: string;
  status?: "waiting" | "delivering" | "delivered" | "failed" | "cancelled";
  eventType?:
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "*"
    | "workflow.*"
    | "*.created"
    | "*.*"
    | "*.started"
    | "*.actionRequired"
    | "*.completed"
    | "*.lateResult"
    | "account.*"
    | "*.active"
    | "*.reconnectionRequired"
    | "*.frozen"
    | "*.deleted"
    | "message.*"
    | "*.reply"
    | "*.sent"
    | "connection.*"
    | "*.accepted"
    | "*.added"
    | "*.requestReceived"
    | "webhook.*"
    | "*.test"
    | "event.*"
    | "*.unrecognised";
  eventId?: string;
  webhookId?: string;
  since?: string;
  until?: string;
}
export interface ListDeliveriesAnswer {
  items: Delivery[];
  nextCursor?: string;
}
export interface Delivery {
  id: string;
  webhookId: string;
  eventId: string;
  eventType:
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "delivery.failed"
    | "webhook.disabled";
  status: "waiting" | "delivering" | "delivered" | "failed" | "cancelled";
  reason?: string;
  cycle: number;
  attempts: {
    cycle: number;
    n: number;
    at: string;
    httpStatus?: number;
    error?: string;
    durationMs: number;
    bodyStart?: string;
    /**
     * Where a redirect points to; it is not followed.
     */
    location?: string;
  }[];
  nextAttemptAt?: string;
  createdAt: string;
}
export interface RecoverDeliveriesBody {
  since: string;
  until?: string | null;
  eventTypes?:
    | (
        | "workflow.created"
        | "workflow.started"
        | "workflow.actionRequired"
        | "workflow.completed"
        | "workflow.lateResult"
        | "account.active"
        | "account.reconnectionRequired"
        | "account.frozen"
        | "account.deleted"
        | "message.reply"
        | "message.sent"
        | "connection.accepted"
        | "connection.added"
        | "connection.requestReceived"
        | "webhook.test"
        | "event.unrecognised"
        | "*"
        | "workflow.*"
        | "*.created"
        | "*.*"
        | "*.started"
        | "*.actionRequired"
        | "*.completed"
        | "*.lateResult"
        | "account.*"
        | "*.active"
        | "*.reconnectionRequired"
        | "*.frozen"
        | "*.deleted"
        | "message.*"
        | "*.reply"
        | "*.sent"
        | "connection.*"
        | "*.accepted"
        | "*.added"
        | "*.requestReceived"
        | "webhook.*"
        | "*.test"
        | "event.*"
        | "*.unrecognised"
      )[]
    | null;
}
export interface Recovery {
  recoveryId: string;
  status: "running" | "done";
  since: string;
  until: string;
  eventTypes?: string[];
  examined: number;
  recovered: number;
  skipped: number;
  createdAt: string;
  finishedAt?: string;
}
export interface Webhook {
  id: string;
  url: string;
  status: "active" | "disabled";
  disabledReason?: string;
  payloadMode: "fat" | "thin";
  format: "standard" | "we-link";
  hashFormat?: "hmac-hex" | "jwt" | "python" | "php";
  eventTypes?: (
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "*"
    | "workflow.*"
    | "*.created"
    | "*.*"
    | "*.started"
    | "*.actionRequired"
    | "*.completed"
    | "*.lateResult"
    | "account.*"
    | "*.active"
    | "*.reconnectionRequired"
    | "*.frozen"
    | "*.deleted"
    | "message.*"
    | "*.reply"
    | "*.sent"
    | "connection.*"
    | "*.accepted"
    | "*.added"
    | "*.requestReceived"
    | "webhook.*"
    | "*.test"
    | "event.*"
    | "*.unrecognised"
  )[];
  description?: string;
  /**
   * The headers that are added to each delivery, in lower case.
   */
  headerNames?: string[];
  /**
   * The provider in whose own scheme deliveries are signed, besides Standard Webhooks.
   */
  signedAs?: "we-link" | "linked-api";
  createdAt: string;
}
export interface WebhookWithSecret {
  id: string;
  url: string;
  status: "active" | "disabled";
  disabledReason?: string;
  payloadMode: "fat" | "thin";
  format: "standard" | "we-link";
  hashFormat?: "hmac-hex" | "jwt" | "python" | "php";
  eventTypes?: (
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "*"
    | "workflow.*"
    | "*.created"
    | "*.*"
    | "*.started"
    | "*.actionRequired"
    | "*.completed"
    | "*.lateResult"
    | "account.*"
    | "*.active"
    | "*.reconnectionRequired"
    | "*.frozen"
    | "*.deleted"
    | "message.*"
    | "*.reply"
    | "*.sent"
    | "connection.*"
    | "*.accepted"
    | "*.added"
    | "*.requestReceived"
    | "webhook.*"
    | "*.test"
    | "event.*"
    | "*.unrecognised"
  )[];
  description?: string;
  /**
   * The headers that are added to each delivery, in lower case.
   */
  headerNames?: string[];
  /**
   * The provider in whose own scheme deliveries are signed, besides Standard Webhooks.
   */
  signedAs?: "we-link" | "linked-api";
  createdAt: string;
  /**
   * whsec_…, verifies the signatures of deliveries. Shown only here.
   */
  secret: string;
}
export interface Budget {
  limits: {
    category:
      | "stPersonProfileViews"
      | "stCompanyPageViews"
      | "stConnectionRequests"
      | "stMessages"
      | "stSearchQueries"
      | "stReactions"
      | "stEndorsements"
      | "stComments"
      | "stPosts"
      | "nvPersonProfileViews"
      | "nvCompanyPageViews"
      | "nvMessages"
      | "other"
      | "any";
    /**
     * Rolling: the last 60 minutes, 24 hours, 7 days or 30 days.
     */
    per: "hour" | "day" | "week" | "month";
    /**
     * Lower than the limit while the account warms up.
     */
    max: number;
    used: number;
    left: number;
    /**
     * When this limit allows a submission; absent where it allows none.
     */
    availableAt?: string;
  }[];
  categories: {
    category:
      | "stPersonProfileViews"
      | "stCompanyPageViews"
      | "stConnectionRequests"
      | "stMessages"
      | "stSearchQueries"
      | "stReactions"
      | "stEndorsements"
      | "stComments"
      | "stPosts"
      | "nvPersonProfileViews"
      | "nvCompanyPageViews"
      | "nvMessages"
      | "other";
    /**
     * When all of the account's rules allow a submission.
     */
    nextAt?: string;
    waitsFor: "now" | "pace" | "hours" | "budget";
  }[];
  hours?: {
    timeZone: string;
    days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
    from: string;
    to: string;
  };
  isOpen: boolean;
  /**
   * The next opening of the hours; absent while they are open.
   */
  opensAt?: string;
  warmUpStartedAt?: string;
  /**
   * The end of the account's gap.
   */
  nextSubmissionNotBefore?: string;
}
export interface GroupCancellation {
  group: string;
  /**
   * Requests that this call has cancelled.
   */
  cancelled: number;
  /**
   * Submitted ones that can no longer be cancelled.
   */
  tooLate: number;
  /**
   * Those whose provider did not answer: cancel again.
   */
  failed: number;
  /**
   * Those read so far that the next call may cancel.
   */
  remaining: number;
  /**
   * Present until all were looked at, also if `remaining` is 0: the next call's `cursor`.
   */
  nextCursor?: string;
}
export interface Group {
  group: string;
  total: number;
  /**
   * The number of its requests in each status.
   */
  counts: {
    SCHEDULED: number;
    QUEUED: number;
    SUBMITTING: number;
    RUNNING: number;
    ACTION_REQUIRED: number;
    UNKNOWN: number;
    SUCCEEDED: number;
    FAILED: number;
    CANCELLED: number;
  };
  /**
   * `false`: the group has more requests; these are its oldest.
   */
  isComplete: boolean;
  firstCreatedAt: string;
  lastCreatedAt: string;
  firstSubmittedAt?: string;
  lastSubmittedAt?: string;
  lastFinishedAt?: string;
  /**
   * When its last waiting request is expected to be submitted.
   */
  expectedAt?: string;
}
export interface BatchResult {
  accepted: number;
  refused: number;
  /**
   * One for each request, in order.
   */
  items: BatchItemResult[];
}
export interface BatchItemResult {
  /**
   * As a call for this request alone is answered: 202 or 4xx.
   */
  status: number;
  request?: Request;
  problem?: Problem;
}
export interface Problem {
  type: "about:blank";
  /**
   * The same for every answer with this code.
   */
  title: string;
  status: number;
  /**
   * What to mend: the first invalid field and its error, or a sentence.
   */
  detail?: string;
  /**
   * Stable: decide by it. docs/errors.md says what to do about each.
   */
  code:
    | "BODY_NOT_UTF8"
    | "BODY_NOT_JSON"
    | "BODY_TOO_DEEP"
    | "BODY_TOO_LARGE"
    | "FRAME_INVALID"
    | "REQUEST_INVALID"
    | "UNAUTHENTICATED"
    | "FORBIDDEN"
    | "NOT_FOUND"
    | "METHOD_NOT_ALLOWED"
    | "CONFLICT"
    | "IDEMPOTENCY_CONFLICT"
    | "NOT_AFTER_UNREACHABLE"
    | "TOO_MANY_REQUESTS"
    | "PREDECESSOR_UNKNOWN"
    | "CONNECTION_UNKNOWN"
    | "SIGNATURE_REJECTED"
    | "DEPENDENCY_DOWN"
    | "PROVIDER_UNANSWERED"
    | "INTERNAL_ERROR";
  /**
   * Every invalid field of the body, the query or the path.
   */
  errors?: {
    /**
     * Its path, joined by dots; empty: the whole body.
     */
    field: string;
    message: string;
  }[];
  /**
   * When the refused request would be submitted (NOT_AFTER_UNREACHABLE).
   */
  expectedAt?: string;
}
export interface PortalLink {
  /**
   * Authorizes as `Bearer`. A secret.
   */
  token: string;
  /**
   * The console with the token behind `#`; absent where there is no console.
   */
  url?: string;
  expiresAt: string;
}
export interface ConnectionWithInboundUrl {
  connectionId: string;
  provider: "we-link" | "linked-api";
  createdAt: string;
  status: "active" | "paused";
  signature: "enforce" | "quarantine";
  hashForms: ("raw" | "json" | "python" | "jwt")[];
  allowUnboundJwt: boolean;
  verifyByFetch: boolean;
  /**
   * Without credentials nothing can be submitted.
   */
  hasCredentials?: boolean;
  /**
   * Absent when a person paused the connection.
   */
  pausedBecause?: "CREDENTIALS_REFUSED";
  /**
   * Contains a secret. Shown only here.
   */
  inboundUrl: string;
}
export interface EventWithBytes {
  id: string;
  type:
    | "workflow.created"
    | "workflow.started"
    | "workflow.actionRequired"
    | "workflow.completed"
    | "workflow.lateResult"
    | "account.active"
    | "account.reconnectionRequired"
    | "account.frozen"
    | "account.deleted"
    | "message.reply"
    | "message.sent"
    | "connection.accepted"
    | "connection.added"
    | "connection.requestReceived"
    | "webhook.test"
    | "event.unrecognised"
    | "delivery.failed"
    | "webhook.disabled";
  createdAt: string;
  data: {
    [k: string]: unknown;
  };
  publishedAt?: string;
  /**
   * The webhook's exact bytes, Base64, where `data` could not carry each digit.
   */
  raw?: string;
}

/** The types of each operation. */
export interface Operations {
  getHealth: { path: undefined; query: undefined; body: undefined; answer: GetHealthAnswer };
  listEvents: { path: undefined; query: ListEventsQuery; body: undefined; answer: ListEventsAnswer };
  getEvent: { path: { id: string }; query: undefined; body: undefined; answer: EventWithBytes };
  createConnection: { path: undefined; query: undefined; body: CreateConnectionBody; answer: ConnectionWithInboundUrl };
  listConnections: { path: undefined; query: ListConnectionsQuery; body: undefined; answer: ListConnectionsAnswer };
  getConnection: { path: { connectionId: string }; query: undefined; body: undefined; answer: Connection };
  updateConnection: { path: { connectionId: string }; query: undefined; body: UpdateConnectionBody; answer: Connection };
  deleteConnection: { path: { connectionId: string }; query: undefined; body: undefined; answer: undefined };
  rotateConnectionToken: { path: { connectionId: string }; query: RotateConnectionTokenQuery; body: undefined; answer: RotateConnectionTokenAnswer };
  rotateConnectionSecret: { path: { connectionId: string }; query: RotateConnectionSecretQuery; body: RotateConnectionSecretBody; answer: RotateConnectionSecretAnswer };
  createKey: { path: undefined; query: CreateKeyQuery; body: undefined; answer: CreateKeyAnswer };
  listKeys: { path: undefined; query: ListKeysQuery; body: undefined; answer: ListKeysAnswer };
  revokeKey: { path: { keyId: string }; query: undefined; body: undefined; answer: undefined };
  createPortalLink: { path: undefined; query: undefined; body: undefined; answer: PortalLink };
  createRequest: { path: undefined; query: undefined; body: CreateRequestBody; answer: Request };
  listRequests: { path: undefined; query: ListRequestsQuery; body: undefined; answer: ListRequestsAnswer };
  getRequest: { path: { requestId: string }; query: undefined; body: undefined; answer: Request };
  cancelRequest: { path: { requestId: string }; query: undefined; body: undefined; answer: CancelRequestAnswer };
  continueRequest: { path: { requestId: string }; query: undefined; body: ContinueRequestBody; answer: Request };
  resolveRequest: { path: { requestId: string }; query: undefined; body: ResolveRequestBody; answer: Request };
  createBatch: { path: undefined; query: undefined; body: CreateBatchBody; answer: BatchResult };
  getGroup: { path: { group: string }; query: undefined; body: undefined; answer: Group };
  cancelGroup: { path: { group: string }; query: CancelGroupQuery; body: undefined; answer: GroupCancellation };
  listAccounts: { path: undefined; query: ListAccountsQuery; body: undefined; answer: ListAccountsAnswer };
  putAccount: { path: { accountId: string }; query: undefined; body: PutAccountBody; answer: Account };
  getAccount: { path: { accountId: string }; query: GetAccountQuery; body: undefined; answer: Account };
  deleteAccount: { path: { accountId: string }; query: DeleteAccountQuery; body: undefined; answer: undefined };
  getAccountBudget: { path: { accountId: string }; query: GetAccountBudgetQuery; body: undefined; answer: Budget };
  pauseAccount: { path: { accountId: string }; query: PauseAccountQuery; body: undefined; answer: Account };
  resumeAccount: { path: { accountId: string }; query: ResumeAccountQuery; body: undefined; answer: Account };
  putRecurringRequest: { path: { recurringId: string }; query: undefined; body: PutRecurringRequestBody; answer: RecurringRequest };
  getRecurringRequest: { path: { recurringId: string }; query: undefined; body: undefined; answer: RecurringRequest };
  deleteRecurringRequest: { path: { recurringId: string }; query: undefined; body: undefined; answer: undefined };
  listRecurringRequests: { path: undefined; query: ListRecurringRequestsQuery; body: undefined; answer: ListRecurringRequestsAnswer };
  pauseRecurringRequest: { path: { recurringId: string }; query: undefined; body: undefined; answer: RecurringRequest };
  resumeRecurringRequest: { path: { recurringId: string }; query: undefined; body: undefined; answer: RecurringRequest };
  putWebhook: { path: undefined; query: undefined; body: PutWebhookBody; answer: WebhookWithSecret };
  getWebhook: { path: undefined; query: undefined; body: undefined; answer: Webhook };
  updateWebhook: { path: undefined; query: undefined; body: UpdateWebhookBody; answer: Webhook };
  deleteWebhook: { path: undefined; query: undefined; body: undefined; answer: undefined };
  testWebhook: { path: undefined; query: undefined; body: undefined; answer: TestWebhookAnswer };
  rotateWebhookSecret: { path: undefined; query: RotateWebhookSecretQuery; body: undefined; answer: RotateWebhookSecretAnswer };
  listDeliveries: { path: undefined; query: ListDeliveriesQuery; body: undefined; answer: ListDeliveriesAnswer };
  getDelivery: { path: { id: string }; query: undefined; body: undefined; answer: Delivery };
  resendDelivery: { path: { id: string }; query: undefined; body: undefined; answer: Delivery };
  recoverDeliveries: { path: undefined; query: undefined; body: RecoverDeliveriesBody; answer: Recovery };
  getRecovery: { path: { recoveryId: string }; query: undefined; body: undefined; answer: Recovery };
}

/**
 * The method and path of each operation, and when a call is repeated whose outcome is not
 * known: `always`, with its idempotency `key`, or only if it was `refused` before it had
 * an effect.
 */
export const operations = {
  getHealth: { method: "GET", path: "/health", repeat: "always" },
  listEvents: { method: "GET", path: "/v1/events", repeat: "always" },
  getEvent: { method: "GET", path: "/v1/events/{id}", repeat: "always" },
  createConnection: { method: "POST", path: "/v1/connections", repeat: "refused" },
  listConnections: { method: "GET", path: "/v1/connections", repeat: "always" },
  getConnection: { method: "GET", path: "/v1/connections/{connectionId}", repeat: "always" },
  updateConnection: { method: "PATCH", path: "/v1/connections/{connectionId}", repeat: "always" },
  deleteConnection: { method: "DELETE", path: "/v1/connections/{connectionId}", repeat: "always" },
  rotateConnectionToken: { method: "POST", path: "/v1/connections/{connectionId}/rotate-token", repeat: "refused" },
  rotateConnectionSecret: { method: "POST", path: "/v1/connections/{connectionId}/rotate-secret", repeat: "refused" },
  createKey: { method: "POST", path: "/v1/keys", repeat: "refused" },
  listKeys: { method: "GET", path: "/v1/keys", repeat: "always" },
  revokeKey: { method: "DELETE", path: "/v1/keys/{keyId}", repeat: "always" },
  createPortalLink: { method: "POST", path: "/v1/portal-link", repeat: "refused" },
  createRequest: { method: "POST", path: "/v1/requests", repeat: "key" },
  listRequests: { method: "GET", path: "/v1/requests", repeat: "always" },
  getRequest: { method: "GET", path: "/v1/requests/{requestId}", repeat: "always" },
  cancelRequest: { method: "DELETE", path: "/v1/requests/{requestId}", repeat: "always" },
  continueRequest: { method: "POST", path: "/v1/requests/{requestId}/continue", repeat: "refused" },
  resolveRequest: { method: "POST", path: "/v1/requests/{requestId}/resolve", repeat: "refused" },
  createBatch: { method: "POST", path: "/v1/requests/batch", repeat: "key" },
  getGroup: { method: "GET", path: "/v1/groups/{group}", repeat: "always" },
  cancelGroup: { method: "DELETE", path: "/v1/groups/{group}", repeat: "always" },
  listAccounts: { method: "GET", path: "/v1/accounts", repeat: "always" },
  putAccount: { method: "PUT", path: "/v1/accounts/{accountId}", repeat: "always" },
  getAccount: { method: "GET", path: "/v1/accounts/{accountId}", repeat: "always" },
  deleteAccount: { method: "DELETE", path: "/v1/accounts/{accountId}", repeat: "always" },
  getAccountBudget: { method: "GET", path: "/v1/accounts/{accountId}/budget", repeat: "always" },
  pauseAccount: { method: "POST", path: "/v1/accounts/{accountId}/pause", repeat: "always" },
  resumeAccount: { method: "POST", path: "/v1/accounts/{accountId}/resume", repeat: "always" },
  putRecurringRequest: { method: "PUT", path: "/v1/recurring-requests/{recurringId}", repeat: "always" },
  getRecurringRequest: { method: "GET", path: "/v1/recurring-requests/{recurringId}", repeat: "always" },
  deleteRecurringRequest: { method: "DELETE", path: "/v1/recurring-requests/{recurringId}", repeat: "always" },
  listRecurringRequests: { method: "GET", path: "/v1/recurring-requests", repeat: "always" },
  pauseRecurringRequest: { method: "POST", path: "/v1/recurring-requests/{recurringId}/pause", repeat: "always" },
  resumeRecurringRequest: { method: "POST", path: "/v1/recurring-requests/{recurringId}/resume", repeat: "always" },
  putWebhook: { method: "PUT", path: "/v1/webhook", repeat: "always" },
  getWebhook: { method: "GET", path: "/v1/webhook", repeat: "always" },
  updateWebhook: { method: "PATCH", path: "/v1/webhook", repeat: "always" },
  deleteWebhook: { method: "DELETE", path: "/v1/webhook", repeat: "always" },
  testWebhook: { method: "POST", path: "/v1/webhook/test", repeat: "refused" },
  rotateWebhookSecret: { method: "POST", path: "/v1/webhook/rotate-secret", repeat: "key" },
  listDeliveries: { method: "GET", path: "/v1/deliveries", repeat: "always" },
  getDelivery: { method: "GET", path: "/v1/deliveries/{id}", repeat: "always" },
  resendDelivery: { method: "POST", path: "/v1/deliveries/{id}/resend", repeat: "refused" },
  recoverDeliveries: { method: "POST", path: "/v1/deliveries/recover", repeat: "refused" },
  getRecovery: { method: "GET", path: "/v1/recoveries/{recoveryId}", repeat: "always" },
} as const;
