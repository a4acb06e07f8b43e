import type { Tracing } from "../contracts/tracing.ts";
import type { Span } from "../core/tracing/span.ts";

/** Reports the spans of a function; each invocation reports its own. */
export interface FunctionTracer {
  /** The real time of a business time. */
  toRealMs: (businessMs: number) => number;
  /**
   * Never rejects: a collector that is not there costs the spans, and at most a second.
   */
  send: (spans: readonly Span[]) => Promise<void>;
}

interface TracerEnvironment {
  TRACING: Tracing;
  STACK: string;
  BUSINESS_CLOCK: { realMs: number; businessMs: number; speed: number };
}

/**
 * @param onLost is told why spans could not be sent
 * @returns `undefined` while tracing is off
 */
export function makeFunctionTracer(
  { TRACING, STACK, BUSINESS_CLOCK }: TracerEnvironment,
  onLost: (error: unknown) => void,
): FunctionTracer | undefined {
  const { exporter, url, region, timeoutMs } = TRACING;
  const { realMs, businessMs, speed } = BUSINESS_CLOCK;
  const toRealMs = (ms: number) => realMs + (ms - businessMs) / speed;
  if (exporter === "off" || url === undefined) return undefined;
  const target = { url, region, timeoutMs, stack: STACK };
  return {
    toRealMs,
    send: async (spans) => {
      if (spans.length === 0) return;
      try {
        // OpenTelemetry is loaded only where spans are sent.
        const { exportSpans } = await import("../adapters/otlp/otlp-exporter.ts");
        await exportSpans(target, spans);
      } catch (error) {
        onLost(error);
      }
    },
  };
}
