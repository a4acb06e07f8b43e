import { failures } from "../../shared/contracts/failures.ts";
import type { IngestOutcome } from "../../shared/core/inbound/ingest-webhook.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** What an operator learns of one webhook. Accepted ones are counted by API Gateway already. */
export function report(telemetry: Telemetry, outcome: IngestOutcome, requestId: string): void {
  if (outcome.kind === "accepted") {
    const { connectionId, bytes, form } = outcome;
    const level = outcome.isCalibrating ? "info" : "debug";
    telemetry.log(level, "webhook accepted", { requestId, connectionId, bytes, form });
    return;
  }
  if (outcome.kind === "quarantined") {
    const { connectionId, bytes } = outcome;
    telemetry.log("warn", "webhook quarantined", { requestId, connectionId, bytes });
    telemetry.count("Quarantined");
    return;
  }
  const { code, detail } = outcome;
  telemetry.log(failures[code].logLevel, "webhook refused", { requestId, code, detail });
  if (code === "SIGNATURE_REJECTED") telemetry.count("SignatureRejected");
}
