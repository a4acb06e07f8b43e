import { apiEnv } from "../../shared/contracts/env.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportCall } from "../../shared/runtime/report-call.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose, deadlineMsOf } from "./compose.ts";

const env = readEnvironment("api", apiEnv, process.env);
const telemetry = makeTelemetry("api", env.STACK);
const { serveApi } = compose(env, {
  onNonFatalError: (error) => reportNonFatalError(telemetry, error),
  onScheduleFailed: () => telemetry.count("ScheduleFailed"),
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await serveApi(toCall(event, AbortSignal.timeout(deadlineMsOf(event.routeKey))));
  reportCall(telemetry, outcome, {
    apiRequestId: event.requestContext.requestId,
    answered: logMessages.apiCallAnswered,
    rejected: logMessages.apiCallRejected,
  });
  return toResult(outcome);
});
