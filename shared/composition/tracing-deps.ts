import type { Tracing } from "../contracts/tracing.ts";

/** What the use cases of a function do about traces. */
export function tracingDeps({ TRACING }: { TRACING: Tracing }): {
  isTracing: boolean;
  tracesProviders: boolean;
} {
  return {
    isTracing: TRACING.exporter !== "off",
    tracesProviders: TRACING.tracesProviders === true,
  };
}
