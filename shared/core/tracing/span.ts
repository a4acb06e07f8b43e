import { type SpanContext, spanContextOf } from "../../contracts/traceparent.ts";
import { rootSpanId } from "./derived-ids.ts";

/** The attributes that a span may have: ids, codes and sizes, and no content. */
export interface SpanAttributes {
  requestId?: string | undefined;
  eventId?: string | undefined;
  deliveryId?: string | undefined;
  webhookId?: string | undefined;
  connectionId?: string | undefined;
  clientId?: string | undefined;
  provider?: string | undefined;
  messageId?: string | undefined;
  /** What came of it: the name of an outcome, or an HTTP status. */
  code?: string | undefined;
  /** 1 for a first submission or attempt. */
  attempt?: number | undefined;
  /** Messages that were processed together. */
  batchSize?: number | undefined;
}

/** A span that has ended. Times are real, in epoch milliseconds. */
export interface Span extends SpanContext {
  name: string;
  /** `server`: a call was received. `client`: one was made. `consumer`: a message was processed. */
  kind: "server" | "client" | "consumer";
  /** The function whose work it is, which may be another one than the function that reports it. */
  service: string;
  parentSpanId?: string | undefined;
  startMs: number;
  endMs: number;
  isFailed?: boolean | undefined;
  attributes: SpanAttributes;
  /** Spans of other traces, or of other messages of the same batch. */
  links?: readonly SpanContext[] | undefined;
}

/** A span without its trace, of which `of` says which one it belongs to. */
export type NewSpan = Omit<Span, keyof SpanContext> & { spanId: string };

/** @returns `undefined` where the trace is not recorded */
export function spanIn(traceparent: string | undefined, span: NewSpan): Span | undefined {
  if (traceparent === undefined) return undefined;
  const { traceId, isSampled } = spanContextOf(traceparent);
  return isSampled ? { ...span, traceId, isSampled } : undefined;
}

/** A request as its acceptance is reported. */
interface AcceptedRequest {
  requestId: string;
  connectionId: string;
  clientId: string;
  provider: string;
  traceparent?: string | undefined;
  parentSpanId?: string | undefined;
}

/** The root of a request's spans. @param times real; `endMs`: when its message was sent */
export function acceptanceSpan(
  request: AcceptedRequest,
  { startMs, endMs, batchSize }: { startMs: number; endMs: number; batchSize?: number },
): Span | undefined {
  const { requestId, connectionId, clientId, provider, traceparent, parentSpanId } = request;
  return spanIn(traceparent, {
    spanId: rootSpanId(requestId),
    parentSpanId,
    name: "accept request",
    kind: "server",
    service: "api",
    startMs,
    endMs: Math.max(startMs, endMs),
    attributes: { requestId, connectionId, clientId, provider, batchSize },
  });
}

/** Links the spans of one batch: each names the first one. */
export function linkedBatch(all: readonly (Span | undefined)[]): Span[] {
  const [first, ...others] = all.filter((span) => span !== undefined);
  if (!first) return [];
  const { traceId, spanId, isSampled } = first;
  const link = { traceId, spanId, isSampled };
  return [first, ...others.map((span) => ({ ...span, links: [...(span.links ?? []), link] }))];
}
