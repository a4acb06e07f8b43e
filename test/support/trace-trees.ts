import type { CollectedSpan } from "./fakes/otlp-collector.ts";

/** One trace: its spans, and what keeps them from being one tree. */
export interface TraceTree {
  traceId: string;
  spans: readonly CollectedSpan[];
  faults: string[];
}

/**
 * Groups spans by their trace, and checks that each trace is one tree: one root, every other span
 * below a span of the trace, every id that of one span.
 *
 * @param callers spans of callers, which are not collected: a root may be below one
 */
export function traceTrees(
  spans: readonly CollectedSpan[],
  callers: ReadonlySet<string> = new Set(),
): TraceTree[] {
  // A span that is reported again, after a failure, is the same one.
  const once = new Map(spans.map((span) => [`${span.spanId} ${span.name}`, span]));
  const byTrace = Map.groupBy(once.values(), ({ traceId }) => traceId);
  return [...byTrace].map(([traceId, members]) => ({
    traceId,
    spans: members,
    faults: faultsOf(members, callers),
  }));
}

function faultsOf(spans: readonly CollectedSpan[], callers: ReadonlySet<string>): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const isRoot = ({ parentSpanId }: CollectedSpan) => !parentSpanId || callers.has(parentSpanId);
  const roots = spans.filter(isRoot);
  const orphans = spans.filter((span) => !isRoot(span) && !ids.has(String(span.parentSpanId)));
  const reversed = spans.filter(
    ({ startTimeUnixNano, endTimeUnixNano }) => BigInt(startTimeUnixNano) > BigInt(endTimeUnixNano),
  );
  return [
    ...(roots.length === 1 ? [] : [`${roots.length} roots`]),
    ...(ids.size === spans.length ? [] : ["an id twice"]),
    ...orphans.map(({ name }) => `"${name}" has no parent in its trace`),
    ...reversed.map(({ name }) => `"${name}" ends before it starts`),
  ];
}
