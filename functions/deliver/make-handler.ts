import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { earlyRetries, failedRecords, parseMessage, sourceQueue } from "./records.ts";
import { makeObserver, report } from "./report.ts";

/**
 * Makes the handler of this function, as a cold start does.
 *
 * @param runtimeApi host and port of Lambda's runtime API, to which no webhook is posted
 */
export function makeHandler(
  env: ParsedEnvironment<"deliver">,
  telemetry: Telemetry,
  runtimeApi: string | undefined,
) {
  const observer = makeObserver(telemetry);
  const { processMessages, setRetryVisibility } = compose(env, observer, runtimeApi);
  const tracer = makeFunctionTracer(env, observer.onNonFatalError);

  return makeQueueFunction(telemetry, async (records, context) => {
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
}
