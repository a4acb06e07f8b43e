import { DELIVERY_SHARD_COUNT } from "../../contracts/tables.ts";
import { toAttemptMessage } from "./state/attempt-message.ts";
import type { DeliveryContext } from "./state/delivery-context.ts";
import { considerLostAfterMs } from "./state/delivery-state.ts";
import type { DeliveryQueue, DeliveryStore, DueDelivery, JobStore } from "./state/ports.ts";
import type { PublishFailures } from "./state/publish-failures.ts";
import type { DeliveryRecord } from "./state/record.ts";
import { startJob } from "./webhooks/deactivate-webhook.ts";

export interface SweepDeliveriesDeps {
  deliveries: DeliveryStore;
  jobs: JobStore;
  queue: DeliveryQueue;
  publishFailures: PublishFailures;
  context: () => DeliveryContext;
  /** Most deliveries that one query takes of a shard. */
  limit: number;
  onIgnoredError: (error: unknown) => void;
}

export interface DeliverySweepResult {
  /** Attempts whose message was due, or was lost. */
  hinted: number;
  /** Failures that their writer had not told. */
  told: number;
  untold: number;
  jobs: number;
  failed: number;
}

/** So many are looked after at once. */
const CHUNK = 25;

/** A run ends in its own time: what is begun is also sent. */
const STOP_BEFORE_MS = 12_000;

/** The time (real) that a message has to bring somebody to what was stale. */
const RETRY_STALE_MS = 60_000;

/**
 * Looks after deliveries whose time has come or whose worker died (G6, G12):
 * found by index, each on its own, as many as the run has time for.
 */
export function makeSweepDeliveries(deps: SweepDeliveriesDeps) {
  const { deliveries, jobs, queue } = deps;

  return async (remainingMs: () => number): Promise<DeliverySweepResult> => {
    const total = { hinted: 0, told: 0, untold: 0, jobs: 0, failed: 0 };
    const hasTime = () => remainingMs() > STOP_BEFORE_MS;
    /** Looks at one shard page by page: what was seen to has left the index. */
    const walk = async <Entry>(
      page: (limit: number) => Promise<Entry[]>,
      look: (entries: Entry[]) => Promise<void>,
    ) => {
      let before: Entry[] = [];
      while (hasTime()) {
        const entries = await page(deps.limit);
        // What stays although it was looked at is gone, or the index is behind.
        if (JSON.stringify(entries) === JSON.stringify(before)) return;
        before = entries;
        for (let at = 0; at < entries.length && hasTime(); at += CHUNK) {
          await look(entries.slice(at, at + CHUNK));
        }
        if (entries.length < deps.limit) return;
      }
    };
    const { nowMs, nowRealMs } = deps.context();
    const shards = Array.from({ length: DELIVERY_SHARD_COUNT }, (_, shard) => shard);
    const walks = shards.flatMap((shard) => [
      walk(
        (limit) => deliveries.due(shard, nowMs, limit),
        (found) => hint(found, total),
      ),
      walk(
        (limit) => deliveries.stale(shard, nowRealMs, limit),
        (found) => recoverStale(found, total),
      ),
    ]);
    // One shard that cannot be read keeps none of the others waiting.
    for (const one of await Promise.allSettled(walks)) {
      if (one.status === "fulfilled") continue;
      total.failed++;
      deps.onIgnoredError(one.reason);
    }
    return total;
  };

  /** Sends the messages of what is due soon, or whose message was lost. */
  async function hint(due: readonly DueDelivery[], total: DeliverySweepResult): Promise<void> {
    const context = deps.context();
    // First put off, then sent: two runs at once do not both send.
    const settled = await Promise.allSettled(
      due.map((one) => deliveries.postpone(one, considerLostAfterMs(one.nextMs, context))),
    );
    total.failed += settled.filter(({ status }) => status === "rejected").length;
    const mine = due.filter((_, index) => {
      const one = settled[index];
      return one?.status === "fulfilled" && one.value;
    });
    if (mine.length === 0) return;
    await queue.send(
      "retries",
      mine.map(({ hint: message, nextMs }) => ({
        message,
        delayMs: Math.max(0, nextMs - context.nowMs),
      })),
    );
    total.hinted += mine.length;
  }

  /** Each is first moved on in the index: what cannot be helped now hides nothing behind it. */
  async function recoverStale(ids: readonly string[], total: DeliverySweepResult): Promise<void> {
    const settled = await Promise.allSettled(
      ids.map((id) => (id.startsWith("job_") ? restart(id, total) : revive(id, total))),
    );
    for (const one of settled) {
      if (one.status === "fulfilled") continue;
      total.failed++;
      deps.onIgnoredError(one.reason);
    }
    const unpublishedFailures = settled.flatMap((one) =>
      one.status === "fulfilled" && one.value ? [one.value] : [],
    );
    const { published, unpublished } = await deps.publishFailures(unpublishedFailures);
    total.told += published;
    total.untold += unpublished;
  }

  async function restart(jobId: string, total: DeliverySweepResult): Promise<undefined> {
    const job = await jobs.find(jobId);
    if (!job || job.status === "done") return;
    const recoverAfterRealMs = deps.context().nowRealMs + RETRY_STALE_MS;
    if (!(await jobs.replace({ ...job, recoverAfterRealMs }))) return;
    await startJob(job, deps);
    total.jobs++;
  }

  /** Gives it where it has failures that were not told. */
  async function revive(
    deliveryId: string,
    total: DeliverySweepResult,
  ): Promise<DeliveryRecord | undefined> {
    const found = await deliveries.find(deliveryId);
    if (!found || (found.recoverAfterRealMs ?? Number.POSITIVE_INFINITY) > deps.context().nowRealMs)
      return;
    const { nowRealMs } = deps.context();
    const recoverAfterRealMs = nowRealMs + RETRY_STALE_MS;
    const delivery = await deliveries.replace({ ...found, recoverAfterRealMs });
    if (!delivery) return;
    if (delivery.status === "delivering" && (delivery.leaseUntilRealMs ?? 0) <= nowRealMs) {
      await queue.send("retries", [{ message: toAttemptMessage(delivery) }]);
      total.hinted++;
    }
    return delivery.unpublishedFailures.length > 0 ? delivery : undefined;
  }
}
