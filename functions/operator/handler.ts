import { composeOperator } from "../../shared/composition/operator.ts";
import { operatorEnv } from "../../shared/contracts/env.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportCall } from "../../shared/runtime/report-call.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";

/** Real time for a call, less than the function's timeout: the caller gets a 503 from us. */
const DEADLINE_MS = 25_000;

const env = readEnvironment("operator", operatorEnv, process.env);
const telemetry = makeTelemetry("operator", env);
const { serveOperator } = composeOperator(env, {
  onNonFatalError: (error) => reportNonFatalError(telemetry, error),
  // An operator makes no request.
  onScheduleFailed: () => undefined,
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await serveOperator(toCall(event, AbortSignal.timeout(DEADLINE_MS)));
  reportCall(telemetry, outcome, {
    apiRequestId: event.requestContext.requestId,
    answered: logMessages.operatorCallAnswered,
    rejected: logMessages.operatorCallRejected,
  });
  return toResult(outcome);
});
