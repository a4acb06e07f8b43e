/**
 * Limits that several parts share. What one part accepts, the next one can carry.
 * Limits that a deployer may change are in `settings.ts`; `docs/limits.md` gives
 * the reason of each.
 */
export const limits = {
  /** The exact bytes of a webhook beside its event, in one item: DynamoDB holds 400 KB. */
  maxRawBytes: 240_000,
  /** Nesting of a body: every parser and serializer after `ingest` is safe at this depth. */
  maxJsonDepth: 64,
  /** A larger body or envelope is stored in the bucket, because SQS and DynamoDB charge by size. */
  maxInlineBytes: 60_000,
  /** Entries and bytes of one PutEvents call. AWS accepts 10 entries and 1 MB by its own counting. */
  maxPutEventsEntries: 10,
  maxPutEventsBytes: 900_000,
  /** Length of a provider's id, which occurs several times in an event. */
  maxIdLength: 512,
  /** Length of a status, an event's name or an account, each of which occurs several times in an event. */
  maxNameLength: 256,
  /** Params of a request: with its frame it stays a body that every part can carry. */
  maxParamsBytes: 240_000,
  /** Params that contain a secret. They are stored sealed, always in the item. */
  maxSecretBytes: 16_000,
  /** Params of a recurring request, which are stored in its item. */
  maxRecurringBytes: 16_000,
  /** Bytes of a provider's answer. */
  maxAnswerBytes: 4_000_000,
  /** Delay of an SQS message: the maximum of SQS. */
  maxSqsDelaySeconds: 900,
  /** A POST without a response for this real time marks its endpoint as slow. */
  slowEndpointMs: 500,
  /** Requests of one batch. */
  maxBatchItems: 1_000,
  /** Body of a batch: as the text in an event of Lambda, whose limit is 6 MB, it is longer. */
  maxBatchBytes: 4_000_000,
  /** Requests that one message of the submit queue names. One worker publishes their events. */
  maxAcceptedPerMessage: 50,
  /** Length of the name of a group of requests, which is part of an index key. */
  maxGroupLength: 128,
  /** Webhooks in a row of one form of `hash` after which that form is stored with the connection. */
  settledFormWebhooks: 10,
  /** How long (business) a function remembers an account, and so what the account was before a change. */
  accountCacheSeconds: 60,
  /** Items of one page of a list. */
  maxPageSize: 100,
} as const;

/** `limits.maxSqsDelaySeconds` in milliseconds. A sweep sends the messages of later times. */
export const MAX_SQS_DELAY_MS: number = limits.maxSqsDelaySeconds * 1_000;

/** `limits.accountCacheSeconds` in milliseconds. */
export const ACCOUNT_CACHE_MS: number = limits.accountCacheSeconds * 1_000;
