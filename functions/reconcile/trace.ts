import type { FunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { RequestSweepResult } from "../../shared/core/requests/sweep-result.ts";
import { acceptanceSpan, linkedBatch } from "../../shared/core/tracing/span.ts";

/** Sends the acceptance of each request of which `submit` has had no message, so that its spans have their root. */
export async function trace(
  tracer: FunctionTracer,
  { lostAccepts }: RequestSweepResult,
): Promise<void> {
  const spans = lostAccepts.map((request) => {
    const startMs = tracer.toRealMs(request.createdMs);
    return acceptanceSpan(request, { startMs, endMs: startMs });
  });
  await tracer.send(linkedBatch(spans));
}
