import { percentile } from "../run/report.ts";
import type { Post } from "./endpoints.ts";
import type { BenchEvent } from "./events.ts";

/** Real milliseconds from just before the put of each event to its first POST. */
export function latenciesMs(events: readonly BenchEvent[], posts: readonly Post[]): number[] {
  const firstAtMs = new Map<string, number>();
  for (const { id, atMs } of posts) if (!firstAtMs.has(id)) firstAtMs.set(id, atMs);
  return events.flatMap(({ id, putMs }) => {
    const atMs = firstAtMs.get(id);
    return putMs !== undefined && atMs !== undefined ? [atMs - putMs] : [];
  });
}

const shares = [0.5, 0.95, 0.99];

/** `p50 / p95 / p99` and of how many. */
export function percentiles(ofMs: readonly number[]): string {
  const found = shares.map((share) => percentile(ofMs, share).toFixed(0));
  return `${found.join(" / ")} ms (of ${ofMs.length})`;
}

/** Of the same three, how much larger the one is than the other. */
export function ratios(ofMs: readonly number[], againstMs: readonly number[]): string {
  return shares
    .map((share) => (percentile(ofMs, share) / percentile(againstMs, share)).toFixed(2))
    .join(" / ");
}
