import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { report } from "./report.ts";
import { toCommand, toResult } from "./request.ts";

/** Makes the handler of this function, as a cold start does. */
export function makeHandler(env: ParsedEnvironment<"ingest">, telemetry: Telemetry) {
  const { ingestWebhook } = compose(env, (error) => reportNonFatalError(telemetry, error));

  return makeHttpFunction(telemetry, async (event) => {
    const outcome = await ingestWebhook(
      toCommand(event, AbortSignal.timeout(env.SETTINGS.inboundDeadlineMs)),
    );
    report(telemetry, outcome, event.requestContext.requestId);
    return toResult(outcome);
  });
}
