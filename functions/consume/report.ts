import { failures } from "../../shared/contracts/failures.ts";
import type { ConsumeOutcome } from "../../shared/core/inbound/consume-webhooks.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** What an operator learns of one message. */
export function report(telemetry: Telemetry, messageId: string, outcome: ConsumeOutcome): void {
  if (outcome.kind === "failed") {
    const { code, detail, eventId } = outcome;
    const fields = { messageId, code, detail, ...(eventId ? { eventId } : {}) };
    telemetry.log(failures[code].logLevel, "message not done", fields);
    if (code === "PUBLISH_FAILED" || code === "PUBLISH_REFUSED") telemetry.count("PublishFailed");
    return;
  }
  if (outcome.kind === "waiting") {
    telemetry.log("debug", "its submission is under way", { messageId });
    return;
  }
  if (outcome.kind === "joined") {
    const { requestId, verdict, hasPausedAccount } = outcome;
    const isNews = verdict === "late" || hasPausedAccount;
    telemetry.log(isNews ? "warn" : "debug", `joined: ${verdict}`, { messageId, requestId });
    if (verdict === "late") telemetry.count("LateResult");
    if (hasPausedAccount) telemetry.count("AccountPaused");
    return;
  }
  const { eventId } = outcome;
  telemetry.log("debug", outcome.kind, { messageId, eventId });
  if (outcome.kind === "duplicate" && outcome.conflict) {
    telemetry.log("warn", "same key, another body: kept the first", { messageId, eventId });
    telemetry.count("DedupeConflict");
  }
}
