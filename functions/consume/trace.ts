import type { SQSRecord } from "aws-lambda";
import type { FunctionTracer } from "../../shared/composition/function-tracer.ts";
import { parseJsonOrUndefined } from "../../shared/contracts/json-text.ts";
import { type InboundMessage, inboundMessage } from "../../shared/contracts/messages/inbound.ts";
import { spanContextOf } from "../../shared/contracts/traceparent.ts";
import type { ConsumeOutcome } from "../../shared/core/inbound/consume-outcomes.ts";
import { ownTrace, rootSpanId, spanId } from "../../shared/core/tracing/derived-ids.ts";
import { linkedBatch, type Span, spanIn } from "../../shared/core/tracing/span.ts";

type Message = Pick<SQSRecord, "messageId" | "body" | "attributes">;

/**
 * Sends the spans of one batch: the receipt of each webhook, in the name of `ingest`, which so acks
 * without waiting for a collector, and what became of it. Both belong to the trace of the request
 * that the webhook is about, of which `ingest` does not know. A message that stays in the queue has
 * no span yet.
 */
export async function trace(
  tracer: FunctionTracer,
  paired: readonly { record: Message; outcome: ConsumeOutcome }[],
  startMs: number,
): Promise<void> {
  const endMs = Date.now();
  const spans = paired.flatMap(({ record, outcome }) => {
    const message = inboundMessage.safeParse(parseJsonOrUndefined(record.body)).data;
    const target = message && targetOf(message, outcome, record.messageId);
    if (!target) return [];
    const of = { tracer, record, message, outcome, target };
    const { connectionId, clientId, provider } = message;
    const common = { connectionId, clientId, provider, ...target.ids };
    return [
      received(of, common),
      spanIn(target.traceparent, {
        spanId: spanId("consume", record.messageId),
        parentSpanId: target.receivedSpanId,
        name: "consume webhook",
        kind: "consumer",
        service: "consume",
        startMs,
        endMs,
        attributes: {
          ...common,
          messageId: record.messageId,
          code: outcome.kind,
          batchSize: paired.length,
        },
      }),
    ];
  });
  await tracer.send(linkedBatch(spans));
}

/** Where the spans of a webhook belong. */
interface Target {
  traceparent: string | undefined;
  receivedSpanId: string;
  /** The span below which the receipt is; absent where it is the root. */
  parentSpanId: string | undefined;
  ids: { requestId?: string; eventId?: string };
}

function targetOf(
  { traceparent: given }: InboundMessage,
  outcome: ConsumeOutcome,
  messageId: string,
): Target | undefined {
  const receivedSpanId = spanId("receive", messageId);
  if (outcome.kind === "matched") {
    const { requestId, traceparent } = outcome;
    const parentSpanId = rootSpanId(requestId);
    return { traceparent, receivedSpanId, parentSpanId, ids: { requestId } };
  }
  if (outcome.kind !== "published" && outcome.kind !== "duplicate") return undefined;
  const { eventId } = outcome;
  const { traceparent, parentSpanId } = ownTrace(eventId, given, { isTracing: true });
  const ids = { eventId };
  // The first webhook is the event's root; its copies are below.
  return outcome.kind === "published"
    ? { traceparent, receivedSpanId: rootSpanId(eventId), parentSpanId, ids }
    : { traceparent, receivedSpanId, parentSpanId: rootSpanId(eventId), ids };
}

function received(
  of: { tracer: FunctionTracer; record: Message; message: InboundMessage; target: Target },
  attributes: Span["attributes"],
): Span | undefined {
  const { tracer, record, message, target } = of;
  const startMs = tracer.toRealMs(message.receivedAtMs);
  // A message that has waited was sent again.
  const isFirstSend = message.waits === undefined;
  const endMs = isFirstSend ? Number(record.attributes.SentTimestamp) : startMs;
  const given = message.traceparent && spanContextOf(message.traceparent);
  const isOther = given && target.traceparent && !target.traceparent.includes(given.traceId);
  return spanIn(target.traceparent, {
    spanId: target.receivedSpanId,
    parentSpanId: target.parentSpanId,
    name: "receive webhook",
    kind: "server",
    service: "ingest",
    startMs,
    endMs: Math.max(startMs, endMs),
    attributes,
    links: isOther ? [given] : [],
  });
}
