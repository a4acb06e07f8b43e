/**
 * Every message that a function logs. The runbooks filter by these texts, and a
 * test compares each filter with this list. A change is a breaking change for
 * operators: it needs a line in the changelog.
 */
export const logMessages = {
  // Logged by the wrappers of the functions (`shared/runtime`).
  httpRequestFailed: "HTTP request failed",
  batchFailed: "batch failed",
  scheduledRunFailed: "scheduled run failed",
  messageProcessingFailed: "message processing failed",
  eventNotPublished: "publishing from the outbox failed",
  nonFatalError: "non-fatal error",

  // api
  apiCallAnswered: "API call answered",
  apiCallRejected: "API call rejected",

  // operator
  operatorCallAnswered: "operator call answered",
  operatorCallRejected: "operator call rejected",

  // ingest
  webhookAccepted: "webhook accepted",
  webhookFormNotSettled: "webhook accepted while its form is not settled",
  webhookHasOtherForm: "webhook is signed in another form",
  webhookTimeReplaced: "webhook has no usable time",
  webhookQuarantined: "webhook quarantined",
  webhookRejected: "webhook rejected",

  // consume
  eventPublished: "event published",
  duplicateWebhookIgnored: "duplicate webhook ignored",
  duplicateDataDiffers: "duplicate webhook has different data",
  webhookWaitsForSubmission: "webhook waits for a submission to finish",
  requestUpdated: "request updated by webhook",
  requestAlreadyUpdated: "request already had this update",
  lateResultReceived: "late result received",
  accountPaused: "account paused by a webhook",
  unclearReportStored: "unclear provider report stored",
  updateNeedsPoll: "update needs confirmation by a poll",

  // submit
  requestEndedUnsubmitted: "request ended without a submission",
  submissionAccepted: "submission accepted",
  submissionRejected: "submission rejected permanently",
  submissionRateLimited: "submission rate-limited",
  submissionCredentialsRefused: "submission refused: credentials",
  submissionForbidden: "submission refused: forbidden",
  submissionAccountBlocked: "submission refused: account blocked",
  submissionTemporarilyUnavailable: "submission refused: provider temporarily unavailable",
  submissionNotSent: "submission not sent",
  submissionOutcomeUnknown: "submission outcome unknown",

  // deliver
  deliveryMessageProcessed: "delivery message processed",
  deliveryWaiting: "delivery waiting for its next attempt",
  deliveryDelivered: "delivery delivered",
  deliveryFailed: "delivery failed",
  deliveryCancelled: "delivery cancelled",
  endpointCircuitOpened: "endpoint circuit opened",

  // reconcile
  auditSweepFinished: "audit sweep finished",
  outboxSweepFinished: "outbox sweep finished",
  requestSweepItemFailed: "request sweep item failed",
  requestTimedOut: "request timed out",
  connectionPausedByPoll: "connection paused after a poll",
  accountPausedByPoll: "account paused after a poll",
  requestSweepFinished: "request sweep finished",
  deliverySweepItemFailed: "delivery sweep item failed",
  deliverySweepFinished: "delivery sweep finished",
} as const;

export type LogMessage = (typeof logMessages)[keyof typeof logMessages];
