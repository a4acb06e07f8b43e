import { apiEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose, deadlineMsOf } from "./compose.ts";
import { report } from "./report.ts";
import { toCall, toResult } from "./request.ts";

const env = readEnvironment("api", apiEnv, process.env);
const telemetry = makeTelemetry("api", env.STACK);
const { serveApi } = compose(env, {
  onNonFatalError: (error) => reportNonFatalError(telemetry, error),
  onScheduleFailed: () => telemetry.count("ScheduleFailed"),
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await serveApi(toCall(event, AbortSignal.timeout(deadlineMsOf(event.routeKey))));
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
