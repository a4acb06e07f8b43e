import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import { deliverEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { earlyRetries, failedRecords, parseMessage, sourceQueue } from "./records.ts";
import { makeObserver, report } from "./report.ts";

const env = readEnvironment("deliver", deliverEnv, process.env);
const telemetry = makeTelemetry("deliver", env.STACK);
const observer = makeObserver(telemetry);
const { processMessages, setRetryVisibility } = compose(
  env,
  observer,
  process.env.AWS_LAMBDA_RUNTIME_API,
);
const tracer = makeFunctionTracer(env, observer.onNonFatalError);

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const startMs = Date.now();
  const queue = sourceQueue(records, env);
  const messages = records.map((record) => parseMessage(record, queue));
  const remainingMs = () => context.getRemainingTimeInMillis();
  const outcomes = await processMessages(messages, { queue, remainingMs });
  for (const [index, record] of records.entries()) {
    const outcome = outcomes[index];
    if (outcome) report(telemetry, record, outcome);
  }
  const failed = failedRecords(records, outcomes);
  if (queue === "fanout") await setRetryVisibility(earlyRetries(failed, Date.now()));
  if (tracer) {
    const { trace } = await import("./trace.ts");
    await trace(tracer, records, outcomes, startMs);
  }
  return failed;
});
