import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import {
  applyAttempt,
  endDelivery,
  isSuccess,
  releaseUnattempted,
} from "../state/delivery-state.ts";
import type { DeliveryStore, PostResult } from "../state/ports.ts";
import type { DeliveryRecord } from "../state/record.ts";
import type { SendResult } from "./send-attempt.ts";

export interface SettleAttemptDeps {
  deliveries: DeliveryStore;
  context: () => DeliveryContext;
  /** From 0 to 1. */
  random: () => number;
  /** Called with an error that does no harm: the sweep repairs it. */
  onNonFatalError: (error: unknown) => void;
}

export type AttemptOutcome =
  /** A POST was made and recorded. `endpointNumber`: of the URL that it was sent to. */
  | {
      kind: "attempted";
      delivery: DeliveryRecord;
      isSuccess: boolean;
      isSlow: boolean;
      endpointNumber: number;
    }
  /** The delivery ended, or an attempt was counted, without a POST. */
  | { kind: "recordedWithoutPost"; delivery: DeliveryRecord }
  /** The invocation or the lease ends too soon for a POST: the message must be processed again. */
  | { kind: "outOfTime" }
  /** The next attempt is due at `nextMs` (business time). */
  | { kind: "notDue"; nextMs: number }
  /** The delivery has ended, or waits for an attempt that is planned: there is nothing left to do for this message. */
  | { kind: "alreadyHandled" }
  /**
   * Another worker has claimed the delivery. If it stops, this message may be the only one that
   * names the delivery: it stays in the queue, which delivers it again after the lease.
   */
  | { kind: "claimedByAnother" };

export type SettleAttempt = (result: SendResult) => Promise<AttemptOutcome>;

/** Delay of the next try if the POST could not be built (business time). */
const POST_NOT_BUILT_DELAY_MS = 60_000;

/** Writes that are tried to record one attempt, when bookkeeping writes come first. */
const MAX_WRITES = 5;

/**
 * Records the result of an attempt in one conditional write, or releases the claim if no
 * attempt was made. A write of bookkeeping that came first, such as the record of a published
 * failure, is kept. If another worker has claimed the delivery meanwhile, nothing is recorded: the
 * lease had expired, and that worker makes the attempt again.
 *
 * The message of the attempt may be deleted only after an outcome by which the delivery has ended,
 * or waits with its next attempt planned for the sweep. No index names a delivery that is stored
 * by its first attempt while that attempt is under way.
 *
 * @throws the error because of which a POST could not be built, after the claim was released
 * @throws DEPENDENCY_DOWN: the write may have been made; processing the message again is safe
 */
export function makeSettleAttempt(deps: SettleAttemptDeps): SettleAttempt {
  const { deliveries } = deps;

  return async (result) => {
    switch (result.kind) {
      case "posted": {
        const { delivery, post, startedAtMs, endpointNumber, hasMoved } = result;
        const recorded = await record(delivery, withAttempt(post, startedAtMs, hasMoved));
        if (!("written" in recorded)) return recorded;
        const isSlow = post.durationMs > deps.context().rules.slowMs;
        return {
          kind: "attempted",
          delivery: recorded.written,
          isSuccess: isSuccess(post),
          isSlow,
          endpointNumber,
        };
      }
      case "ineligible": {
        const { delivery, status, reason } = result;
        return recordWithoutPost(delivery, (current) =>
          endDelivery(current, status, reason, deps.context()),
        );
      }
      case "workersLost": {
        const lost = { error: "WORKER_LOST", durationMs: 0 };
        return recordWithoutPost(result.delivery, withAttempt(lost, deps.context().nowMs));
      }
      case "postNotBuilt":
        await release(result.delivery, POST_NOT_BUILT_DELAY_MS).catch(deps.onNonFatalError);
        throw result.error;
      case "outOfTime":
        if (result.delivery) await release(result.delivery, 0);
        return { kind: "outOfTime" };
      case "notDue":
      case "claimedByAnother":
        return result;
      case "notClaimed":
        return { kind: "alreadyHandled" };
    }
  };

  function withAttempt(result: PostResult, atMs: number, hasMoved = false) {
    const random = deps.random();
    return (delivery: DeliveryRecord) =>
      applyAttempt(delivery, { result, atMs, random, hasMoved }, deps.context());
  }

  /** @returns an outcome if nothing was written, because the worker's claim has ended or other writers always came first */
  async function record(
    claimed: DeliveryRecord,
    change: (current: DeliveryRecord) => DeliveryRecord,
  ): Promise<{ written: DeliveryRecord } | AttemptOutcome> {
    const result = await retryOnConflict({
      known: claimed,
      find: () => deliveries.find(claimed.deliveryId),
      decide: (current) => (current.owner === claimed.owner ? change(current) : undefined),
      replace: (next) => deliveries.replace(next),
      maxAttempts: MAX_WRITES,
    });
    if (result.kind === "written") return { written: result.written };
    const current = result.kind === "unchanged" ? result.item : undefined;
    const claim = result.kind === "conflict" ? claimed : current;
    if (claim?.status !== "delivering") return { kind: "alreadyHandled" };
    return { kind: "claimedByAnother" };
  }

  async function recordWithoutPost(
    claimed: DeliveryRecord,
    change: (current: DeliveryRecord) => DeliveryRecord,
  ): Promise<AttemptOutcome> {
    const recorded = await record(claimed, change);
    if (!("written" in recorded)) return recorded;
    return { kind: "recordedWithoutPost", delivery: recorded.written };
  }

  async function release(delivery: DeliveryRecord, delayMs: number): Promise<void> {
    await record(delivery, (current) => releaseUnattempted(current, delayMs, deps.context()));
  }
}
