/** The CloudWatch namespace of every metric that a function emits. */
export const metricNamespace = "Ackwire";

/**
 * The one dimension of these metrics; its value is the function's name
 * (`ingest`, `consume`, `api`, `submit`, `deliver`, `reconcile`). An alarm that looks at another dimension
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
  /** An error without a failure code: a bug. The call or message is retried. */
  InternalError: "InternalError",
  /** EventBridge did not take an event; its outbox entry stays. */
  PublishFailed: "PublishFailed",
  /** A webhook came with the key of one that is known, and with another body. */
  DedupeConflict: "DedupeConflict",
  /** A provider refused a request for good, or a request could not be sent in time (`submit`). */
  SubmitFailed: "SubmitFailed",
  /** A submission's outcome is not known: its answer was lost (`submit`, `reconcile`). */
  RequestUnknown: "RequestUnknown",
  /** A request ended because a time limit had passed (`submit`, `reconcile`). */
  RequestTimedOut: "RequestTimedOut",
  /** A provider refused a connection's credentials: the connection was paused (`submit`, `reconcile`, `api`). */
  ConnectionPaused: "ConnectionPaused",
  /** An account was paused until a person resumes it or a login succeeds (`submit`, `consume`, `reconcile`). */
  AccountPaused: "AccountPaused",
  /** A result came for a request that had ended otherwise: kept as `lateResult` (`consume`). */
  LateResult: "LateResult",
  /** A delivery failed for good and its `delivery.failed` is published (`deliver`, `reconcile`). */
  DeliveryFailed: "DeliveryFailed",
  /** A webhook's endpoint failed so often in a row that its deliveries are held back (`deliver`). */
  BreakerOpened: "BreakerOpened",
  /** A webhook was disabled because its endpoint answered 410 (`deliver`). */
  WebhookDisabled: "WebhookDisabled",
} as const;

/** Each is in seconds. */
export const durations = {
  /** How long who is first in an account's lane has waited, each time the lane is looked at (`submit`). */
  LaneWait: "LaneWait",
} as const;

export type MetricName = keyof typeof metrics | keyof typeof durations;
