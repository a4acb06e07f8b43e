import type { SQSRecord } from "aws-lambda";
import { type LogMessage, logMessages } from "../../shared/contracts/log-messages.ts";
import type { ConsumeOutcome } from "../../shared/core/inbound/consume-outcomes.ts";
import { subjectOf } from "../../shared/runtime/message-subject.ts";
import { reportFailedMessage } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

const matchedMessageOf = {
  applied: logMessages.requestUpdated,
  duplicate: logMessages.requestAlreadyUpdated,
  late: logMessages.lateResultReceived,
  needsPoll: logMessages.updateNeedsPoll,
  unrecognised: logMessages.updateNeedsPoll,
} satisfies Record<Extract<ConsumeOutcome, { kind: "matched" }>["verdict"], LogMessage>;

/** Logs and counts one message. A line that needs attention says whose webhook it is. */
export function report(
  telemetry: Telemetry,
  { messageId, body }: Pick<SQSRecord, "messageId" | "body">,
  outcome: ConsumeOutcome,
): void {
  const subject = () => ({ messageId, ...subjectOf(body) });
  if (outcome.kind === "failed") {
    const { code, eventId, matched } = outcome;
    const fields = { ...subject(), ...(eventId ? { eventId } : {}) };
    reportFailedMessage(telemetry, outcome, fields);
    if (code === "PUBLISH_FAILED" || code === "PUBLISH_REFUSED") telemetry.count("PublishFailed");
    // The next receive finds the request as this one has left it, and could not tell it.
    if (matched) report(telemetry, { messageId, body }, matched);
    return;
  }
  if (outcome.kind === "waiting") {
    telemetry.log("debug", logMessages.webhookWaitsForSubmission, {
      messageId,
      connectionId: outcome.connectionId,
    });
    return;
  }
  if (outcome.kind === "matched") {
    const { requestId, verdict, hasPausedAccount, hasStoredUnclearReport } = outcome;
    const { publishedEventId: eventId } = outcome;
    if (eventId !== undefined) {
      telemetry.log("debug", logMessages.eventPublished, { messageId, eventId });
      telemetry.count("EventPublished");
    }
    if (verdict === "late") {
      telemetry.log("warn", matchedMessageOf.late, { ...subject(), requestId });
      telemetry.count("LateResult");
    } else {
      telemetry.log("debug", matchedMessageOf[verdict], { messageId, requestId });
    }
    if (hasStoredUnclearReport) {
      telemetry.log("warn", logMessages.unclearReportStored, { ...subject(), requestId });
      telemetry.count("UnclearReport");
    }
    if (hasPausedAccount) {
      telemetry.log("warn", logMessages.accountPaused, { ...subject(), requestId });
      telemetry.count("AccountPaused");
    }
    return;
  }
  const { eventId } = outcome;
  const message =
    outcome.kind === "published" ? logMessages.eventPublished : logMessages.duplicateWebhookIgnored;
  if (outcome.kind === "published") telemetry.count("EventPublished");
  telemetry.log("debug", message, { messageId, eventId });
  if (outcome.kind === "published" && outcome.isUnclear) {
    telemetry.log("warn", logMessages.unclearReportStored, { ...subject(), eventId });
    telemetry.count("UnclearReport");
  }
  if (outcome.kind === "duplicate" && outcome.contentDiffers) {
    telemetry.log("warn", logMessages.duplicateDataDiffers, { ...subject(), eventId });
    telemetry.count("DedupeConflict");
  }
}
