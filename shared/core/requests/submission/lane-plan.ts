import type { DecisionContext } from "../state/decision-context.ts";
import type { Lane, RequestRecord, SubQueue } from "../state/record.ts";
import { subQueueOf } from "../state/sub-queue.ts";

/** Time (business) after which a request that was given a place is stored, or its accept has failed. */
const JOIN_MS = 60_000;

/** When the lane must be worked again. */
export interface Plan {
  /** Absent when no request waits. */
  wakeUpAtMs?: number | undefined;
  isOnlyCheck?: boolean | undefined;
  /** The sub-queues that were seen to wait; present when the plan depends on them. */
  waitingSubQueues?: readonly SubQueue[] | undefined;
}

/**
 * The plan of a lane in which no request was seen to wait: none, unless its last place is recent
 * and of no request that was seen. That request may be joining: it has its place, and is stored a
 * moment later. Its sub-queue stays known, and the lane is looked at again when it must be stored.
 *
 * A request with an earlier place may be joining too. The other sub-queues that requests have
 * joined since the plan before stay known for it; its own message wakes the lane.
 */
export function planWithoutWaiting(
  { subQueues, plannedSubQueues, lastPosition }: Lane,
  seen: readonly Pick<RequestRecord, "lanePosition" | "category" | "isHigh">[],
  { nowMs }: DecisionContext,
): Plan {
  const storedByMs = lastPosition + JOIN_MS;
  if (storedByMs <= nowMs) return { waitingSubQueues: [] };
  const last = seen.find(({ lanePosition }) => lanePosition === lastPosition);
  if (!last) return { wakeUpAtMs: storedByMs, waitingSubQueues: subQueues };
  return { waitingSubQueues: without(subQueues, [subQueueOf(last), ...plannedSubQueues]) };
}

/**
 * The plan with the sub-queues in which a request may be joining: it has its place, and is stored
 * a moment later. The lane is looked at again when it must be stored.
 */
export function withJoining(
  { subQueues, lastPosition }: Lane,
  plan: { wakeUpAtMs: number; waitingSubQueues: readonly SubQueue[] },
  { nowMs }: DecisionContext,
): Plan {
  const unseen = without(subQueues, plan.waitingSubQueues);
  const storedByMs = lastPosition + JOIN_MS;
  if (unseen.length === 0 || storedByMs <= nowMs) return plan;
  return {
    wakeUpAtMs: Math.min(plan.wakeUpAtMs, storedByMs),
    waitingSubQueues: [...plan.waitingSubQueues, ...unseen],
  };
}

function without(all: readonly SubQueue[], some: readonly SubQueue[]): SubQueue[] {
  const isSame = (one: SubQueue, other: SubQueue) =>
    one.category === other.category && one.isHigh === other.isHigh;
  return all.filter((one) => !some.some((other) => isSame(one, other)));
}
