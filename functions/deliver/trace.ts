import type { SQSRecord } from "aws-lambda";
import type { FunctionTracer } from "../../shared/composition/function-tracer.ts";
import { spanContextOf } from "../../shared/contracts/traceparent.ts";
import type { ParsedMessageOutcome } from "../../shared/core/deliveries/process-messages.ts";
import { traceparentIn } from "../../shared/core/events/envelope.ts";
import { attemptSpanId, spanId } from "../../shared/core/tracing/derived-ids.ts";
import { linkedBatch, type Span, spanIn } from "../../shared/core/tracing/span.ts";

type Message = Pick<SQSRecord, "messageId" | "body">;

/** Sends the spans of one batch: the creation of each delivery, and each POST to a webhook. */
export async function trace(
  tracer: FunctionTracer,
  records: readonly Message[],
  outcomes: readonly ParsedMessageOutcome[],
  startMs: number,
): Promise<void> {
  const endMs = Date.now();
  const batchSize = records.length;
  const spans = records.map((record, index) => {
    const outcome = outcomes[index];
    if (outcome?.kind === "created") {
      return creation(record, outcome.deliveryId, { startMs, endMs, batchSize });
    }
    return outcome?.kind === "attempted" ? attempt(tracer, outcome, batchSize) : undefined;
  });
  await tracer.send(linkedBatch(spans));
}

function creation(
  { messageId, body }: Message,
  deliveryId: string,
  { startMs, endMs, batchSize }: { startMs: number; endMs: number; batchSize: number },
): Span | undefined {
  const traceparent = traceparentIn(body);
  return spanIn(traceparent, {
    spanId: spanId("create delivery", messageId),
    parentSpanId: traceparent && spanContextOf(traceparent).spanId,
    name: "create delivery",
    kind: "consumer",
    service: "deliver",
    startMs,
    endMs,
    attributes: { deliveryId, messageId, batchSize },
  });
}

function attempt(
  { toRealMs }: FunctionTracer,
  { delivery, isSuccess }: Extract<ParsedMessageOutcome, { kind: "attempted" }>,
  batchSize: number,
): Span | undefined {
  const { traceparent, deliveryId, webhookId, clientId, eventId, requestId } = delivery;
  const made = delivery.attemptHistory.at(-1);
  if (traceparent === undefined || !made) return undefined;
  const { cycle, attemptNumber, atMs, durationMs } = made;
  const startMs = toRealMs(atMs);
  return spanIn(traceparent, {
    spanId: attemptSpanId({ deliveryId, cycle, attemptNumber }),
    parentSpanId: spanContextOf(traceparent).spanId,
    name: "POST webhook",
    kind: "client",
    service: "deliver",
    startMs,
    endMs: startMs + durationMs,
    isFailed: !isSuccess,
    attributes: {
      ...{ deliveryId, webhookId, clientId, eventId, requestId, batchSize },
      code: made.error ?? String(made.httpStatus ?? ""),
      attempt: attemptNumber,
    },
  });
}
