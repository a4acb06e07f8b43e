import { DELIVERY_SHARD_COUNT } from "../../contracts/tables.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import { sweepPages } from "../sweep-pages.ts";
import { toAttemptMessage } from "./state/attempt-message.ts";
import { isJobId, sendJobMessage } from "./state/bulk-jobs.ts";
import type { DeliveryContext } from "./state/delivery-context.ts";
import { messageLostAtMs } from "./state/delivery-state.ts";
import type {
  DeliveryQueue,
  DeliveryStore,
  DueDelivery,
  JobStore,
  StaleDelivery,
} from "./state/ports.ts";
import type { PublishDeliveryFailed } from "./state/publish-delivery-failed.ts";
import type { DeliveryRecord } from "./state/record.ts";

/** After so long (business) the sweep sends messages again that the queue has not taken. */
const SEND_AGAIN_AFTER_MS = 60_000;

export interface SweepDeliveriesDeps {
  deliveries: DeliveryStore;
  jobs: JobStore;
  deliveryQueue: DeliveryQueue;
  publishDeliveryFailed: PublishDeliveryFailed;
  context: () => DeliveryContext;
  /** Most deliveries of one shard that one query returns. */
  limit: number;
  /** Called with an error that does no harm: the next run sends the message of a job again. */
  onNonFatalError: (error: unknown) => void;
}

/** Counts of one run, and why work of it failed. */
export interface DeliverySweepResult {
  /** Attempt messages that were sent because an attempt is due or its message was lost. */
  messagesSent: number;
  /** Failures that their writer had not published. */
  published: number;
  /** Why this run could not publish failures either, one for each. */
  unpublished: MessageFailure[];
  restartedJobs: number;
  /** Why deliveries, jobs and shards were not processed, one for each. The next run tries them again. */
  failed: MessageFailure[];
}

/** @param remainingMs real time until Lambda ends the invocation */
export type SweepDeliveries = (remainingMs: () => number) => Promise<DeliverySweepResult>;

/** Deliveries or jobs that are processed concurrently. */
const CHUNK_SIZE = 25;

/** Time that is kept to finish the chunks in progress (real). */
const STOP_BEFORE_MS = 12_000;

/** After so many calls in a row a run takes the bus for down, and only recovers deliveries and jobs. */
const MAX_FAILED_PUBLISHES = 4;

/** Time after which a recovered delivery or job counts as stale again (real). */
const STALE_AGAIN_AFTER_MS = 60_000;

/**
 * Sends the messages of due attempts and recovers the work of workers that stopped (G6,
 * G12): lost messages, unpublished failures, jobs, and attempts that an earlier version claimed.
 *
 * Processes as many shards and pages as the run has time for; the rest is left to the
 * next run. Never rejects: errors are returned in `failed`.
 */
export function makeSweepDeliveries(deps: SweepDeliveriesDeps): SweepDeliveries {
  const { deliveries, jobs, deliveryQueue } = deps;

  return async (remainingMs) => {
    const total: DeliverySweepResult = {
      messagesSent: 0,
      published: 0,
      unpublished: [],
      restartedJobs: 0,
      failed: [],
    };
    const { limit } = deps;
    /** Calls in a row by which no `delivery.failed` reached the bus. */
    const bus = { failedCalls: 0 };
    const hasTime = () => remainingMs() > STOP_BEFORE_MS;
    const pages = { pageSize: limit, chunkSize: CHUNK_SIZE, hasTime };
    const { nowMs, nowRealMs } = deps.context();
    const shards = Array.from({ length: DELIVERY_SHARD_COUNT }, (_, shard) => shard);
    const sweeps = shards.flatMap((shard) => [
      sweepPages({
        ...pages,
        readPage: (after: DueDelivery | undefined) =>
          deliveries.findDue({ shard, untilMs: nowMs, limit, after }),
        process: (due) => sendDueMessages(due, total),
      }),
      sweepPages({
        ...pages,
        readPage: (after: StaleDelivery | undefined) =>
          deliveries.findStale({ shard, beforeRealMs: nowRealMs, limit, after }),
        process: (stale) => recoverStale(stale, total, bus),
      }),
    ]);
    // A shard that cannot be read does not delay the others.
    recordRejected(await Promise.allSettled(sweeps), total);
    return total;
  };

  /** Sends the messages of attempts that are due soon, or whose message was lost. */
  async function sendDueMessages(
    due: readonly DueDelivery[],
    total: DeliverySweepResult,
  ): Promise<void> {
    const context = deps.context();
    // The due time is moved before the message is sent, so that two concurrent runs do not both send.
    const laterMs = ({ nextMs }: DueDelivery) => messageLostAtMs(nextMs, context);
    const moved = await Promise.allSettled(
      due.map((one) => deliveries.setSweepDue(one, laterMs(one))),
    );
    recordRejected(moved, total);
    const mine = due.filter((_, index) => {
      const result = moved[index];
      return result?.status === "fulfilled" && result.value;
    });
    if (mine.length === 0) return;
    const messages = mine.map(({ message, nextMs }) => ({
      message,
      delayMs: Math.max(0, nextMs - context.nowMs),
    }));
    try {
      await deliveryQueue.send("retries", messages);
    } catch (error) {
      // The later time is for messages that are lost, and grows with the delay.
      const soonMs = context.nowMs + SEND_AGAIN_AFTER_MS;
      await Promise.allSettled(
        mine.map((one) => deliveries.setSweepDue({ ...one, dueMs: laterMs(one) }, soonMs)),
      );
      throw error;
    }
    total.messagesSent += mine.length;
  }

  /**
   * Recovers stale deliveries and jobs. Each is first moved to a later time in the index,
   * so that one that cannot be recovered now does not hide the ones behind it.
   */
  async function recoverStale(
    stale: readonly StaleDelivery[],
    total: DeliverySweepResult,
    bus: { failedCalls: number },
  ): Promise<void> {
    const recovered = await Promise.allSettled(
      stale.map(({ id }) => (isJobId(id) ? restartJob(id, total) : recoverDelivery(id, total))),
    );
    recordRejected(recovered, total);
    const withFailures = recovered.flatMap((one) =>
      one.status === "fulfilled" && one.value ? [one.value] : [],
    );
    if (withFailures.length === 0 || bus.failedCalls >= MAX_FAILED_PUBLISHES) return;
    const { published, failures } = await deps.publishDeliveryFailed(withFailures);
    total.published += published;
    total.unpublished.push(...failures);
    const isDown = published === 0 && failures.some(({ code }) => code === "PUBLISH_FAILED");
    bus.failedCalls = isDown ? bus.failedCalls + 1 : 0;
  }

  async function restartJob(jobId: string, total: DeliverySweepResult): Promise<undefined> {
    const job = await jobs.find(jobId);
    if (!job || job.status === "done") return;
    const sweepAtRealMs = deps.context().nowRealMs + STALE_AGAIN_AFTER_MS;
    if (!(await jobs.replace({ ...job, sweepAtRealMs }))) return;
    await sendJobMessage(job, deps);
    total.restartedJobs++;
  }

  /** @returns the delivery if it has unpublished failures */
  async function recoverDelivery(
    deliveryId: string,
    total: DeliverySweepResult,
  ): Promise<DeliveryRecord | undefined> {
    const found = await deliveries.find(deliveryId);
    const { nowRealMs } = deps.context();
    if (found?.sweepAtRealMs === undefined || found.sweepAtRealMs > nowRealMs) return;
    const sweepAtRealMs = nowRealMs + STALE_AGAIN_AFTER_MS;
    const delivery = await deliveries.replace({ ...found, sweepAtRealMs });
    if (!delivery) return;
    // Claimed by an earlier version, which counted on the sweep.
    if (delivery.status === "delivering" && (delivery.leaseUntilRealMs ?? 0) <= nowRealMs) {
      await deliveryQueue.send("retries", [{ message: toAttemptMessage(delivery) }]);
      total.messagesSent++;
    }
    return delivery.unpublishedFailures.length > 0 ? delivery : undefined;
  }

  function recordRejected(
    results: readonly PromiseSettledResult<unknown>[],
    total: DeliverySweepResult,
  ): void {
    for (const result of results) {
      if (result.status === "rejected") total.failed.push(toMessageFailure(result.reason));
    }
  }
}
