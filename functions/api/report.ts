import { failures } from "../../shared/contracts/failures.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import type { ApiOutcome } from "../../shared/core/api/serve-api.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** Logs and counts one call. Routes and statuses are in the access log of API Gateway. */
export function report(telemetry: Telemetry, outcome: ApiOutcome, apiRequestId: string): void {
  if (outcome.kind === "answered") {
    const { keyId } = outcome;
    telemetry.log("debug", logMessages.apiCallAnswered, {
      apiRequestId,
      ...(keyId ? { keyId } : {}),
    });
    return;
  }
  const { code, detail, errors, caller } = outcome;
  telemetry.log(failures[code].logLevel, logMessages.apiCallRejected, {
    apiRequestId,
    code,
    detail,
    ...caller,
    ...(errors ? { count: errors.length } : {}),
  });
  if (code === "UNAUTHENTICATED") telemetry.count("ApiKeyRejected");
}
