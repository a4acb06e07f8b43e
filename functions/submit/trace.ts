import type { SQSRecord } from "aws-lambda";
import type { FunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import type { SubmitBatchResult } from "../../shared/core/requests/submission/handle-submit-messages.ts";
import type {
  Attempted,
  SubmitRequestResult,
} from "../../shared/core/requests/submission/submit-request.ts";
import { rootSpanId, submissionSpanId } from "../../shared/core/tracing/derived-ids.ts";
import { acceptanceSpan, linkedBatch, type Span, spanIn } from "../../shared/core/tracing/span.ts";

/**
 * Sends the spans of one batch: the acceptance of each request, in the name of `api`, which so
 * answers without waiting for a collector; and each call to a provider.
 */
export async function trace(
  tracer: FunctionTracer,
  run: SubmitBatchResult,
  records: readonly Pick<SQSRecord, "attributes">[],
): Promise<void> {
  const batchSize = records.length;
  const accepted = run.accepted.flatMap(({ index, request }) => {
    const isDone = run.messages[index]?.kind === "done";
    const sentMs = Number(records[index]?.attributes.SentTimestamp ?? Date.now());
    const startMs = tracer.toRealMs(request.createdMs);
    return isDone ? [acceptanceSpan(request, { startMs, endMs: sentMs, batchSize })] : [];
  });
  await tracer.send(
    linkedBatch([...accepted, ...run.submissions.map((one) => submission(one, batchSize))]),
  );
}

function submission(result: SubmitRequestResult, batchSize: number): Span | undefined {
  if (result.kind !== "attempted" || !result.call) return undefined;
  const { request, call, outcome } = result;
  const { requestId } = request;
  const { attempts, startedRealMs: startMs, endedRealMs: endMs } = call;
  return spanIn(request.traceparent, {
    spanId: submissionSpanId({ requestId, attempts }),
    parentSpanId: rootSpanId(requestId),
    name: `submit to ${request.provider}`,
    kind: "client",
    service: "submit",
    startMs,
    endMs,
    isFailed: outcome.kind !== "accepted",
    attributes: { ...idsOf(request), code: codeOf(outcome), attempt: attempts, batchSize },
  });
}

function codeOf(outcome: Attempted["outcome"]): string {
  return outcome.kind === "accepted" ? "accepted" : outcome.kind;
}

function idsOf({ requestId, connectionId, clientId, provider }: RequestRecord) {
  return { requestId, connectionId, clientId, provider };
}
