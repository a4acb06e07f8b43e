/** The CloudWatch namespace of every metric that a function emits. */
export const metricNamespace = "Ackwire";

/**
 * The one dimension of these metrics; its value is the function's name
 * (`ingest`, `consume`, `api`, `reconcile`). An alarm that looks at another dimension
 * looks at a metric that does not exist.
 */
export const metricDimension = "service";

/** Each is a count. The alarms in `infra/monitoring/alarms.ts` look at them. */
export const metrics = {
  /** A webhook's secret URL was right and its signature was not: answered 401. */
  SignatureRejected: "SignatureRejected",
  /** A webhook's signature was wrong on a connection that quarantines: acked and kept aside. */
  Quarantined: "Quarantined",
  /** A call of the API came with a key that is none, or is revoked: answered 401. */
  ApiKeyRejected: "ApiKeyRejected",
  /** EventBridge did not take an event; its outbox entry stays. */
  PublishFailed: "PublishFailed",
  /** A webhook came with the key of one that is known, and with another body. */
  DedupeConflict: "DedupeConflict",
} as const;

export type MetricName = keyof typeof metrics;
