import { blockedUntil } from "../state/lane-counters.ts";
import type { JoinedLane } from "../state/lane-ports.ts";
import type { Lane, RequestRecord } from "../state/record.ts";
import { subQueueOf } from "../state/sub-queue.ts";

/** The fields of a request that has joined its lane. */
export function joinedFields(
  { category = "other" }: Pick<RequestRecord, "category">,
  { position, before }: JoinedLane,
  nowMs: number,
): Pick<RequestRecord, "lanePosition" | "joinedMs" | "blockedAtJoinMs"> {
  const blockedAtJoinMs = before ? blockedUntil(before.counters, category, nowMs) : 0;
  return {
    lanePosition: position,
    joinedMs: nowMs,
    ...(blockedAtJoinMs > 0 ? { blockedAtJoinMs } : {}),
  };
}

/**
 * Whether the lane's next wake-up is early enough for a request that joins it: it comes by
 * `soonMs`, or the worker that planned it knew that such a request waits. A lane that is not due
 * has none.
 */
export function isPlannedFor(
  request: Pick<RequestRecord, "category" | "isHigh">,
  { dueMs, plannedSubQueues }: Lane,
  soonMs: number,
): boolean {
  if (dueMs === undefined) return false;
  if (dueMs <= soonMs) return true;
  const { category, isHigh } = subQueueOf(request);
  return plannedSubQueues.some((one) => one.category === category && one.isHigh === isHigh);
}

/**
 * Whether a worker must look at the lane now: none is planned, or the one that is planned does
 * not know of a request that may go before the others.
 *
 * @param soonMs when the sweep is due for a lane that is woken now
 */
export function mustWakeLane(
  request: RequestRecord,
  { hadNoSweep, before }: JoinedLane,
  soonMs: number,
): boolean {
  if (hadNoSweep || request.isLogin) return true;
  // A worker that has the lane sees the request when it releases the lane.
  if (!before || before.owner !== undefined) return false;
  return !isPlannedFor(request, before, soonMs);
}
