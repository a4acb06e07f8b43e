import type { SQSRecord } from "aws-lambda";
import { type LogMessage, logMessages } from "../../shared/contracts/log-messages.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import type { SendOutcome } from "../../shared/core/requests/state/submission-transitions.ts";
import type { SubmitBatchResult } from "../../shared/core/requests/submission/handle-submit-messages.ts";
import type { SubmitRequestResult } from "../../shared/core/requests/submission/submit-request.ts";
import { subjectOf } from "../../shared/runtime/message-subject.ts";
import { reportFailedMessage, reportPublished } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { submissionDelays } from "./delays.ts";

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
export function report(
  telemetry: Telemetry,
  run: SubmitBatchResult,
  records: readonly Pick<SQSRecord, "messageId" | "body">[],
): void {
  run.messages.forEach((outcome, index) => {
    if (outcome.kind === "done") return;
    const { messageId = "", body = "" } = records[index] ?? {};
    const fields = { messageId, ...subjectOf(body) };
    reportFailedMessage(telemetry, outcome, fields);
  });
  for (const submission of run.submissions) reportSubmission(telemetry, submission);
  const { longestWait } = run;
  if (longestWait && longestWait.ms > 0) {
    telemetry.seconds("LaneWait", longestWait.ms / 1_000, idsOf(longestWait.request));
  }
  const accepted = run.accepted.filter(({ index }) => run.messages[index]?.kind === "done");
  if (accepted.length > 0) telemetry.count("RequestAccepted", accepted.length);
  if (run.exhaustedBudgets > 0) telemetry.count("BudgetExhausted", run.exhaustedBudgets);
  for (const ms of submissionDelays(run, records)) telemetry.seconds("DueToSubmitted", ms / 1_000);
  reportPublished(telemetry, run.outbox);
}

/** Logs and counts a request that became UNKNOWN, because its worker died while it submitted it. */
export function reportAbandoned(telemetry: Telemetry, request: RequestRecord): void {
  telemetry.log("warn", logMessages.submissionOutcomeUnknown, idsOf(request));
  telemetry.count("RequestUnknown");
}

function reportSubmission(telemetry: Telemetry, submission: SubmitRequestResult): void {
  if (submission.kind === "conflict") return;
  if (submission.kind === "unsubmittable") {
    const { error, request, cause } = submission;
    const { code } = error;
    telemetry.log("warn", logMessages.requestEndedUnsubmitted, {
      ...idsOf(request),
      code,
      ...(cause instanceof Error ? { error: cause } : {}),
    });
    telemetry.count(
      code === "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" ? "RequestTimedOut" : "SubmitFailed",
    );
    return;
  }
  const { request, outcome, pause, hasPausedConnection, hasStoredUnclearReport } = submission;
  const code = codeOf(outcome);
  const level = outcome.kind === "accepted" ? "debug" : "warn";
  telemetry.log(level, messageOf[outcome.kind], { ...idsOf(request), code });
  if (outcome.kind === "rejected") telemetry.count("SubmitFailed");
  if (outcome.kind === "forbidden" && request.status === "FAILED") telemetry.count("SubmitFailed");
  if (hasStoredUnclearReport) {
    telemetry.log("warn", logMessages.unclearReportStored, idsOf(request));
    telemetry.count("UnclearReport");
  }
  if (outcome.kind === "unknown") telemetry.count("RequestUnknown");
  if (pause && pause.untilMs === undefined) telemetry.count("AccountPaused");
  if (hasPausedConnection) telemetry.count("ConnectionPaused");
}

/** Whose request it is. Its account is read through the API: the id can be an address of a person. */
function idsOf({ requestId, connectionId, clientId, provider }: RequestRecord) {
  return { requestId, connectionId, clientId, provider };
}

function codeOf(outcome: SendOutcome): string {
  if ("code" in outcome) return outcome.code;
  return "error" in outcome ? outcome.error.code : outcome.kind;
}
