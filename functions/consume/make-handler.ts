import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { reportNonFatalError, reportPublished } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { failedRecords, pairWithOutcomes } from "./records.ts";
import { report } from "./report.ts";

/** Makes the handler of this function, as a cold start does. */
export function makeHandler(env: ParsedEnvironment<"consume">, telemetry: Telemetry) {
  const onNonFatalError = (error: unknown) => reportNonFatalError(telemetry, error);
  const { consumeWebhooks, setRetryVisibility } = compose(env, onNonFatalError);
  const tracer = makeFunctionTracer(env, onNonFatalError);

  return makeQueueFunction(telemetry, async (records, context) => {
    const startMs = Date.now();
    const { messages, outbox } = await consumeWebhooks(
      records.map(({ body }) => body),
      () => context.getRemainingTimeInMillis(),
    );
    const paired = pairWithOutcomes(records, messages);
    for (const { record, outcome } of paired) report(telemetry, record, outcome);
    reportPublished(telemetry, outbox);
    await setRetryVisibility(paired);
    if (tracer) {
      const { trace } = await import("./trace.ts");
      await trace(tracer, paired, startMs);
    }
    return failedRecords(paired);
  });
}
