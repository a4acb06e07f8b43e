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
  /** A POST was made and recorded. */
  | { kind: "attempted"; delivery: DeliveryRecord; isSuccess: boolean; isSlow: boolean }
  /** The delivery ended, or an attempt was counted, without a POST. */
  | { kind: "recordedWithoutPost"; delivery: DeliveryRecord }
  /** The invocation ends too soon for a POST: the message must be processed again. */
  | { kind: "outOfTime" }
  /** The next attempt is due at `nextMs` (business time). */
  | { kind: "notDue"; nextMs: number }
  /** Another worker has the delivery, or it has ended: there is nothing left to do for this message. */
  | { kind: "alreadyHandled" }
  /** The claim is kept until its lease ends; the sweep then sends a message. */
  | { kind: "leftToSweep" };

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
 * @throws the error because of which a POST could not be built, after the claim was released
 * @throws DEPENDENCY_DOWN: the write may have been made; processing the message again is safe
 */
export function makeSettleAttempt(deps: SettleAttemptDeps): SettleAttempt {
  const { deliveries } = deps;

  return async (result) => {
    switch (result.kind) {
      case "posted": {
        const { delivery, post, startedAtMs } = result;
        const written = await record(delivery, withAttempt(post, startedAtMs));
        if (!written) return { kind: "alreadyHandled" };
        const isSlow = post.durationMs > deps.context().rules.slowMs;
        return { kind: "attempted", delivery: written, isSuccess: isSuccess(post), isSlow };
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
        return result;
      case "leaseTooShort":
        return { kind: "leftToSweep" };
      case "notClaimed":
        return { kind: "alreadyHandled" };
    }
  };

  function withAttempt(result: PostResult, atMs: number) {
    const random = deps.random();
    return (delivery: DeliveryRecord) =>
      applyAttempt(delivery, { result, atMs, random }, deps.context());
  }

  /** @returns `undefined` if the worker's claim has ended */
  async function record(
    claimed: DeliveryRecord,
    change: (current: DeliveryRecord) => DeliveryRecord,
  ): Promise<DeliveryRecord | undefined> {
    const result = await retryOnConflict({
      known: claimed,
      find: () => deliveries.find(claimed.deliveryId),
      decide: (current) => (current.owner === claimed.owner ? change(current) : undefined),
      replace: (next) => deliveries.replace(next),
      maxAttempts: MAX_WRITES,
    });
    return result.kind === "written" ? result.written : undefined;
  }

  async function recordWithoutPost(
    claimed: DeliveryRecord,
    change: (current: DeliveryRecord) => DeliveryRecord,
  ): Promise<AttemptOutcome> {
    const delivery = await record(claimed, change);
    return delivery ? { kind: "recordedWithoutPost", delivery } : { kind: "alreadyHandled" };
  }

  async function release(delivery: DeliveryRecord, delayMs: number): Promise<void> {
    await record(delivery, (current) => releaseUnattempted(current, delayMs, deps.context()));
  }
}
