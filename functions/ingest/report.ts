import { failures } from "../../shared/contracts/failures.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import type { IngestOutcome } from "../../shared/core/inbound/ingest-webhook.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** Logs one webhook and emits the metrics of those that need attention. */
export function report(telemetry: Telemetry, outcome: IngestOutcome, apiRequestId: string): void {
  if (outcome.kind === "accepted") {
    const { connectionId, bytes, form, formObservation } = outcome;
    telemetry.log("debug", logMessages.webhookAccepted, {
      apiRequestId,
      connectionId,
      bytes,
      form,
    });
    if (formObservation.isUnsettled) {
      telemetry.log("info", logMessages.webhookFormNotSettled, {
        apiRequestId,
        connectionId,
        form,
      });
    }
    if (formObservation.differsFrom) {
      telemetry.log("warn", logMessages.webhookHasOtherForm, {
        ...{ apiRequestId, connectionId, form },
        detail: `the connection's webhooks had the form ${formObservation.differsFrom}`,
      });
    }
    if (formObservation.error) reportNonFatalError(telemetry, formObservation.error);
    if (outcome.isTimeReplaced) {
      telemetry.log("warn", logMessages.webhookTimeReplaced, { apiRequestId, connectionId });
      telemetry.count("CreatedAtReplaced");
    }
    return;
  }
  if (outcome.kind === "quarantined") {
    const { connectionId, bytes } = outcome;
    telemetry.log("warn", logMessages.webhookQuarantined, { apiRequestId, connectionId, bytes });
    telemetry.count("Quarantined");
    return;
  }
  const { code, detail, addressee } = outcome;
  telemetry.log(failures[code].logLevel, logMessages.webhookRejected, {
    ...{ apiRequestId, code, detail },
    ...addressee,
  });
  if (code === "SIGNATURE_REJECTED") telemetry.count("SignatureRejected");
}
