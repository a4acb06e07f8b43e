import type { TrafficView } from "../../contracts/http/operator/overview.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import type { OperatorDeps, TrafficEntry } from "./ports.ts";

const BUCKET_MS = 5 * 60_000;
const BUCKETS = 12;

/** Clients that are read at the same time. */
const CONCURRENCY = 10;

/** Counts what came to these clients in the last hour (business). */
export async function readTraffic(
  { traffic, clock }: Pick<OperatorDeps, "traffic" | "clock">,
  clientIds: readonly string[],
): Promise<TrafficView> {
  const sinceMs = clock.businessMs() - BUCKETS * BUCKET_MS;
  const found: Record<Of, TrafficEntry[]> = { requests: [], events: [], deliveries: [] };
  let isComplete = true;
  const reads = clientIds.flatMap((clientId) => lists.map((of) => ({ clientId, of })));
  await forEachConcurrent(reads, CONCURRENCY, async ({ clientId, of }) => {
    const read = await traffic.read(of, clientId, sinceMs);
    found[of].push(...read.entries);
    if (!read.isComplete) isComplete = false;
  });
  const delivered = found.deliveries.filter(({ status }) => status === "delivered");
  const failed = found.deliveries.filter(({ status }) => status === "failed");
  const perBucket = {
    requests: countByBucket(found.requests, sinceMs),
    events: countByBucket(found.events, sinceMs),
    delivered: countByBucket(delivered, sinceMs),
    failed: countByBucket(failed, sinceMs),
  };
  return {
    since: toIso(sinceMs),
    requestsAccepted: found.requests.length,
    eventsStored: found.events.length,
    deliveriesCreated: found.deliveries.length,
    delivered: delivered.length,
    deliveriesFailed: failed.length,
    buckets: Array.from({ length: BUCKETS }, (_, n) => ({
      at: toIso(sinceMs + n * BUCKET_MS),
      requests: perBucket.requests[n] ?? 0,
      events: perBucket.events[n] ?? 0,
      delivered: perBucket.delivered[n] ?? 0,
      failed: perBucket.failed[n] ?? 0,
    })),
    isComplete,
  };
}

const lists = ["requests", "events", "deliveries"] as const;
type Of = (typeof lists)[number];

function countByBucket(entries: readonly TrafficEntry[], sinceMs: number): number[] {
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const { atMs } of entries) {
    const n = Math.min(Math.max(Math.floor((atMs - sinceMs) / BUCKET_MS), 0), BUCKETS - 1);
    counts[n] = (counts[n] ?? 0) + 1;
  }
  return counts;
}
