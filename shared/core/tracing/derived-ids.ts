import { spanContextOf, withSpanId } from "../../contracts/traceparent.ts";
import { sha256Hex } from "../crypto/digest.ts";

/**
 * The ids of traces and spans follow from what they are about. So every function knows them without
 * being told, and a repeated call or message names the same span instead of a second one.
 */

/** Whether a use case takes part in tracing. */
export interface TracingDeps {
  /** Spans are recorded: what came without a trace gets one. Absent: a given trace is passed on. */
  isTracing?: boolean | undefined;
}

/** The trace of a request or an event, and of a recorded one the span that caused it. */
export interface OwnTrace {
  traceparent?: string;
  /** 16 hex digits; absent where the trace begins here, or is passed on. */
  parentSpanId?: string;
}

/**
 * The trace of something new: while spans are recorded, it names the span of its acceptance.
 *
 * @param subject its id
 * @param given the `traceparent` that it came with
 */
export function ownTrace(
  subject: string,
  given: string | undefined,
  { isTracing }: TracingDeps,
): OwnTrace {
  if (given === undefined) return isTracing ? { traceparent: newTraceparent(subject) } : {};
  const { spanId: parentSpanId, isSampled } = spanContextOf(given);
  if (!isTracing || !isSampled) return { traceparent: given };
  return { traceparent: withSpanId(given, rootSpanId(subject)), parentSpanId };
}

function newTraceparent(subject: string): string {
  return `00-${sha256Hex(`trace ${subject}`).slice(0, 32)}-${rootSpanId(subject)}-01`;
}

/** The span of the acceptance of a request, or of the receipt of an event. @param subject its id */
export function rootSpanId(subject: string): string {
  return spanId("accepted", subject);
}

/** The span of one submission of a request. */
export function submissionSpanId(of: { requestId: string; attempts: number }): string {
  return spanId("submission", of.requestId, of.attempts);
}

/** The span of one attempt of a delivery. */
export function attemptSpanId(of: {
  deliveryId: string;
  cycle: number;
  attemptNumber: number;
}): string {
  return spanId("attempt", of.deliveryId, of.cycle, of.attemptNumber);
}

/** @param subject what the span is about, and which of several it is */
export function spanId(...subject: readonly (string | number)[]): string {
  return sha256Hex(`span ${subject.join(" ")}`).slice(0, 16);
}

/**
 * The header of a call that has a span of its own: it names that span where spans are recorded,
 * and else passes the trace on.
 */
export function traceHeader(
  { traceparent }: { traceparent?: string | undefined },
  { isTracing }: TracingDeps,
  ownSpanId: () => string,
): { traceparent?: string } {
  if (traceparent === undefined) return {};
  const isRecorded = isTracing === true && spanContextOf(traceparent).isSampled;
  return { traceparent: isRecorded ? withSpanId(traceparent, ownSpanId()) : traceparent };
}
