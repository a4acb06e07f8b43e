import { type LogMessage, logMessages } from "../../shared/contracts/log-messages.ts";
import type { SendOutcome } from "../../shared/core/requests/state/submission-transitions.ts";
import type { SubmitBatchResult } from "../../shared/core/requests/submission/handle-submit-messages.ts";
import type { SubmitRequestResult } from "../../shared/core/requests/submission/submit-request.ts";
import { reportFailure, reportUnpublished } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

const messageOf = {
  accepted: logMessages.submissionAccepted,
  rejected: logMessages.submissionRejected,
  rateLimited: logMessages.submissionRateLimited,
  credentialsRefused: logMessages.submissionCredentialsRefused,
  forbidden: logMessages.submissionForbidden,
  accountBlocked: logMessages.submissionAccountBlocked,
  temporarilyUnavailable: logMessages.submissionTemporarilyUnavailable,
  notSent: logMessages.submissionNotSent,
  unknown: logMessages.submissionOutcomeUnknown,
} satisfies Record<SendOutcome["kind"], LogMessage>;

/** Logs and counts one batch. */
export function report(telemetry: Telemetry, run: SubmitBatchResult): void {
  for (const outcome of run.messages) {
    if (outcome.kind === "done") continue;
    reportFailure(telemetry, logMessages.messageProcessingFailed, outcome);
  }
  for (const submission of run.submissions) reportSubmission(telemetry, submission);
  if (run.longestWaitMs > 0) telemetry.seconds("LaneWait", run.longestWaitMs / 1_000);
  reportUnpublished(telemetry, run.outbox.failures);
}

function reportSubmission(telemetry: Telemetry, submission: SubmitRequestResult): void {
  if (submission.kind === "conflict") return;
  if (submission.kind === "unsubmittable") {
    const { error, request, cause } = submission;
    const { code } = error;
    const { requestId, connectionId } = request;
    telemetry.log("warn", logMessages.requestEndedUnsubmitted, {
      requestId,
      connectionId,
      code,
      ...(cause instanceof Error ? { error: cause } : {}),
    });
    telemetry.count(
      code === "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" ? "RequestTimedOut" : "SubmitFailed",
    );
    return;
  }
  const { request, outcome, pause, hasPausedConnection, hasKeptUnclear } = submission;
  const { requestId, connectionId } = request;
  const code = codeOf(outcome);
  const level = outcome.kind === "accepted" ? "debug" : "warn";
  telemetry.log(level, messageOf[outcome.kind], { requestId, connectionId, code });
  if (outcome.kind === "rejected") telemetry.count("SubmitFailed");
  if (outcome.kind === "forbidden" && request.status === "FAILED") telemetry.count("SubmitFailed");
  if (hasKeptUnclear) telemetry.count("UnclearReport");
  if (outcome.kind === "unknown") telemetry.count("RequestUnknown");
  if (pause && pause.untilMs === undefined) telemetry.count("AccountPaused");
  if (hasPausedConnection) telemetry.count("ConnectionPaused");
}

function codeOf(outcome: SendOutcome): string {
  if ("code" in outcome) return outcome.code;
  return "error" in outcome ? outcome.error.code : outcome.kind;
}
