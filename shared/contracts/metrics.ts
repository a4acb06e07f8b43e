/** The CloudWatch namespace of every metric that a function emits. */
export const metricNamespace = "Ackwire";

/**
 * Returns the dimensions of every metric of a function: the name of its stack, for example
 * `ackwire-prod`, and its own name, for example `ingest`. CloudWatch identifies a metric by
 * its namespace, its name and all of its dimensions, so an alarm with fewer dimensions would
 * never go off.
 */
export const metricDimensions = (stack: string, functionName: string) => ({
  service: functionName,
  stack,
});

/** Counts. `infra/monitoring` has an alarm on each, or a graph. */
export const metrics = {
  /** A webhook with a valid address and a wrong signature was answered 401. */
  SignatureRejected: "SignatureRejected",
  /** A webhook with a wrong signature was stored aside, on a connection that quarantines. */
  Quarantined: "Quarantined",
  /** A provider's time of an event was missing, unreadable or impossible, and the time of receipt took its place (`ingest`). */
  CreatedAtReplaced: "CreatedAtReplaced",
  /** An API call with an unknown or revoked key was answered 401. */
  ApiKeyRejected: "ApiKeyRejected",
  /** An error without a failure code: a bug. The call or message is retried. */
  InternalError: "InternalError",
  /**
   * A message could not be processed and is received again (`consume`, `submit`, `deliver`). Each
   * receive counts. What another worker has claimed, and what no retry mends, does not.
   */
  MessageFailed: "MessageFailed",
  /** The schedule of a request could not be created (`api`). `reconcile` joins the request to its lane when it is due. */
  ScheduleFailed: "ScheduleFailed",
  /** EventBridge did not accept an event, which stays in its outbox. */
  PublishFailed: "PublishFailed",
  /** Two webhooks with the same event id had different data; the second was ignored. */
  DedupeConflict: "DedupeConflict",
  /** A provider rejected a request, or a request could not be submitted (`submit`). */
  SubmitFailed: "SubmitFailed",
  /** The outcome of a submission is unknown, because its answer was lost (`submit`, `reconcile`). */
  RequestUnknown: "RequestUnknown",
  /** A request timed out (`submit`, `reconcile`). */
  RequestTimedOut: "RequestTimedOut",
  /** A connection was paused because a provider refused its credentials (`submit`, `reconcile`). */
  ConnectionPaused: "ConnectionPaused",
  /** An account was paused until a login succeeds or a person resumes it (`submit`, `consume`, `reconcile`). */
  AccountPaused: "AccountPaused",
  /** A result arrived for a request that had already ended otherwise (`consume`). */
  LateResult: "LateResult",
  /** A provider's report had a status or code that is not listed, or contradicted itself (`consume`, `submit`, `reconcile`). */
  UnclearReport: "UnclearReport",
  /** A delivery failed permanently, and its `delivery.failed` was published (`deliver`, `reconcile`). */
  DeliveryFailed: "DeliveryFailed",
  /** The circuit of an endpoint opened after consecutive failures (`deliver`). */
  BreakerOpened: "BreakerOpened",
  /** A webhook was disabled because its endpoint answered 410 (`deliver`). */
  WebhookDisabled: "WebhookDisabled",
  /** The message of an accepted request was processed (`submit`). */
  RequestAccepted: "RequestAccepted",
  /** Events were published on the bus (`consume`, `submit`, `reconcile`). */
  EventPublished: "EventPublished",
  /** A lane could submit nothing, because a limit of its account is used up (`submit`). */
  BudgetExhausted: "BudgetExhausted",
  /** A webhook's endpoint answered 2xx (`deliver`). */
  AttemptSucceeded: "AttemptSucceeded",
  /** A webhook's endpoint answered something else, or not at all (`deliver`). */
  AttemptFailed: "AttemptFailed",
  /** An attempt was postponed, because its endpoint's circuit is open (`deliver`). */
  AttemptHeld: "AttemptHeld",
} as const;

/** Durations in seconds. */
export const durations = {
  /**
   * Wait of the request at the head of a lane, each time that the lane is worked (`submit`),
   * without the time in which hours, limits or a pause kept its category from being submitted.
   */
  LaneWait: "LaneWait",
  /** From the time at which a request may be submitted to the call to its provider (`submit`). */
  DueToSubmitted: "DueToSubmitted",
  /** From the creation of a delivery to the start of its first POST (`deliver`). */
  EventToFirstPost: "EventToFirstPost",
} as const;

export type MetricName = keyof typeof metrics | keyof typeof durations;
