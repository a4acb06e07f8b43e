/** The header of W3C Trace Context that names the trace and the caller's span in it. */
export const TRACEPARENT_HEADER = "traceparent";

/** What Ackwire carries: version 00, <https://www.w3.org/TR/trace-context/#traceparent-header-field-values>. */
export const TRACEPARENT_FORM = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A later version may have more fields behind those of version 00; `ff` is no version. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?$/;

/**
 * Returns the `traceparent` of a call as version 00.
 *
 * @returns `undefined` where the header is absent or invalid: an invalid one is ignored, as the
 *   specification demands
 */
export function readTraceparent(header: string | undefined): string | undefined {
  const text = header?.trim() ?? "";
  const known = LATER_VERSION.exec(text)?.[1];
  const traceparent = known === undefined ? text : `00${known}`;
  return TRACEPARENT_FORM.test(traceparent) ? traceparent : undefined;
}

/** A span, as a `traceparent` names it. */
export interface SpanContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  /** Whether the caller records the trace. */
  isSampled: boolean;
}

/** @param traceparent as `readTraceparent` returns it */
export function spanContextOf(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The `traceparent` of another span of the same trace. */
export function withSpanId(traceparent: string, spanId: string): string {
  const [version, traceId, , flags] = traceparent.split("-");
  return [version, traceId, spanId, flags].join("-");
}
