import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { failedRecords } from "./records.ts";
import { report, reportAbandoned } from "./report.ts";

/** Makes the handler of this function, as a cold start does. */
export function makeHandler(env: ParsedEnvironment<"submit">, telemetry: Telemetry) {
  const onNonFatalError = (error: unknown) => reportNonFatalError(telemetry, error);
  const { handleSubmitMessages } = compose(env, {
    onNonFatalError,
    onAbandoned: (request) => reportAbandoned(telemetry, request),
  });
  const tracer = makeFunctionTracer(env, onNonFatalError);

  return makeQueueFunction(telemetry, async (records, context) => {
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
}
