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
  onIgnoredError: (error: unknown) => void;
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
  /** There is nothing left to do for this message. */
  | { kind: "nothing" };

export type SettleAttempt = (result: SendResult) => Promise<AttemptOutcome>;

/** Delay of the next try if a delivery could not be prepared (business time). */
const NOT_PREPARED_DELAY_MS = 60_000;

/**
 * Applies what happened to a claimed delivery and stores it, in one conditional
 * write. If another write came first, that one stands: the lease had expired, and
 * another worker made the attempt again.
 *
 * @throws the error of a delivery that could not be prepared, after its claim was
 *   released uncounted
 * @throws DEPENDENCY_DOWN: the write may have been made; processing the message again is safe
 */
export function makeSettleAttempt(deps: SettleAttemptDeps): SettleAttempt {
  const { deliveries } = deps;

  return async (result) => {
    switch (result.kind) {
      case "posted": {
        const { delivery, posted, startedAtMs } = result;
        const written = await deliveries.replace(withAttempt(delivery, posted, startedAtMs));
        if (!written) return { kind: "nothing" };
        const isSlow = posted.durationMs > deps.context().rules.slowMs;
        return { kind: "attempted", delivery: written, isSuccess: isSuccess(posted), isSlow };
      }
      case "ineligible": {
        const { delivery, status, reason } = result;
        return recordWithoutPost(endDelivery(delivery, status, reason, deps.context()));
      }
      case "workersLost": {
        const lost = { error: "WORKER_LOST", durationMs: 0 };
        return recordWithoutPost(withAttempt(result.delivery, lost, deps.context().nowMs));
      }
      case "notPrepared":
        await release(result.delivery, NOT_PREPARED_DELAY_MS).catch(deps.onIgnoredError);
        throw result.error;
      case "outOfTime":
        if (result.delivery) await release(result.delivery, 0);
        return { kind: "outOfTime" };
      case "notDue":
        return result;
      case "notClaimed":
        return { kind: "nothing" };
    }
  };

  function withAttempt(delivery: DeliveryRecord, posted: PostResult, atMs: number): DeliveryRecord {
    return applyAttempt(delivery, { posted, atMs, draw: deps.random() }, deps.context());
  }

  async function recordWithoutPost(next: DeliveryRecord): Promise<AttemptOutcome> {
    const delivery = await deliveries.replace(next);
    return delivery ? { kind: "recordedWithoutPost", delivery } : { kind: "nothing" };
  }

  async function release(delivery: DeliveryRecord, delayMs: number): Promise<void> {
    await deliveries.replace(releaseUnattempted(delivery, delayMs, deps.context()));
  }
}
