import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import { submitEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { failedRecords } from "./records.ts";
import { report } from "./report.ts";

const env = readEnvironment("submit", submitEnv, process.env);
const telemetry = makeTelemetry("submit", env.STACK);
const onNonFatalError = (error: unknown) => reportNonFatalError(telemetry, error);
const { handleSubmitMessages } = compose(env, onNonFatalError);
const tracer = makeFunctionTracer(env, onNonFatalError);

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const run = await handleSubmitMessages(
    records.map(({ body }) => body),
    () => context.getRemainingTimeInMillis(),
  );
  report(telemetry, run, records);
  if (tracer) {
    const { trace } = await import("./trace.ts");
    await trace(tracer, run, records);
  }
  return failedRecords(records, run.messages);
});
