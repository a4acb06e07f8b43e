import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportCall } from "../../shared/runtime/report-call.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose, deadlineMsOf } from "./compose.ts";

/** Makes the handler of this function, as a cold start does. */
export function makeHandler(env: ParsedEnvironment<"api">, telemetry: Telemetry) {
  const { serveApi } = compose(env, {
    onNonFatalError: (error) => reportNonFatalError(telemetry, error),
    onScheduleFailed: () => telemetry.count("ScheduleFailed"),
  });

  return makeHttpFunction(telemetry, async (event) => {
    const outcome = await serveApi(
      toCall(event, AbortSignal.timeout(deadlineMsOf(event.routeKey))),
    );
    reportCall(telemetry, outcome, {
      apiRequestId: event.requestContext.requestId,
      answered: logMessages.apiCallAnswered,
      rejected: logMessages.apiCallRejected,
    });
    return toResult(outcome);
  });
}
