/**
 * The size limits of each hop, in one place: what one hop accepts, the next can
 * carry. Sizes that a deployer may change are in `settings.ts`; `docs/limits.md`
 * says where each comes from.
 */
export const limits = {
  /** Nesting of a body: every parser and writer behind `ingest` is safe with it. */
  maxJsonDepth: 64,
  /** A larger body or envelope lies in the bucket: SQS and DynamoDB charge by size. */
  maxInlineBytes: 60_000,
  /** Entries and bytes of one PutEvents call; AWS takes 10, and 1 MB by its own counting. */
  maxPutEventsEntries: 10,
  maxPutEventsBytes: 900_000,
  /** A provider's id, which stands several times in an event. */
  maxIdLength: 512,
  /** A status, an event's name, an account: the same. */
  maxNameLength: 256,
  /** Params of a request: with its frame it stays a body that every hop carries. */
  maxParamsBytes: 240_000,
  /** Params that hold a secret: sealed, they never leave the item. */
  maxSecretBytes: 16_000,
  /** A provider's answer that is read. */
  maxAnswerBytes: 4_000_000,
  /** Delay of an SQS message: the maximum of SQS. */
  maxSqsDelaySeconds: 900,
  /** A POST without a response for this real time marks its endpoint as slow. */
  slowEndpointMs: 500,
  /** Items of one page of a list. */
  maxPageSize: 100,
} as const;
