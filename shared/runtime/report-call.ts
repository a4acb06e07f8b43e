import { failures } from "../contracts/failures.ts";
import type { LogMessage } from "../contracts/log-messages.ts";
import type { ApiOutcome } from "../core/api/api-call.ts";
import type { Telemetry } from "./telemetry.ts";

/** Logs and counts one call. Routes and statuses are in the access log of API Gateway. */
export function reportCall(
  telemetry: Telemetry,
  outcome: ApiOutcome,
  of: { apiRequestId: string; answered: LogMessage; rejected: LogMessage },
): void {
  const { apiRequestId, answered, rejected } = of;
  if (outcome.kind === "answered") {
    const { keyId } = outcome;
    telemetry.log("debug", answered, {
      apiRequestId,
      ...(keyId ? { keyId } : {}),
    });
    return;
  }
  const { code, detail, errors, caller } = outcome;
  telemetry.log(failures[code].logLevel, rejected, {
    apiRequestId,
    code,
    detail,
    ...caller,
    ...(errors ? { count: errors.length } : {}),
  });
  if (code === "UNAUTHENTICATED") telemetry.count("ApiKeyRejected");
}
