import { blockedUntil } from "../state/lane-budget.ts";
import type { JoinedLane } from "../state/lane-ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { subQueueOf } from "../state/sub-queue.ts";

/** The fields of a request that has joined its lane. */
export function joinedFields(
  { category = "other" }: Pick<RequestRecord, "category">,
  { position, before }: JoinedLane,
  nowMs: number,
): Pick<RequestRecord, "lanePosition" | "joinedMs" | "blockedAtJoinMs"> {
  const blockedAtJoinMs = before ? blockedUntil(before.budget, category, nowMs) : 0;
  return {
    lanePosition: position,
    joinedMs: nowMs,
    ...(blockedAtJoinMs > 0 ? { blockedAtJoinMs } : {}),
  };
}

/**
 * Whether a worker must look at the lane now: none is planned, or the one that is planned does
 * not know of a request that may go before the others.
 */
export function mustWakeLane(request: RequestRecord, { hadNoSweep, before }: JoinedLane): boolean {
  if (hadNoSweep || request.isLogin) return true;
  // A worker that has the lane sees the request when it releases the lane.
  if (!before || before.owner !== undefined) return false;
  const { category, isHigh } = subQueueOf(request);
  return !before.subQueues.some((one) => one.category === category && one.isHigh === isHigh);
}
