import { failures } from "../../shared/contracts/failures.ts";
import type { ApiOutcome } from "../../shared/core/api/serve-api.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** What an operator learns of one call. Routes and statuses are in API Gateway's access log. */
export function report(telemetry: Telemetry, outcome: ApiOutcome, requestId: string): void {
  if (outcome.kind === "answered") {
    const { keyId } = outcome;
    telemetry.log("debug", "call answered", { requestId, ...(keyId ? { keyId } : {}) });
    return;
  }
  const { code, detail, errors } = outcome;
  telemetry.log(failures[code].logLevel, "call refused", {
    requestId,
    code,
    detail,
    ...(errors ? { count: errors.length } : {}),
  });
  if (code === "UNAUTHENTICATED") telemetry.count("ApiKeyRejected");
}
