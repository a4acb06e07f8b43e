import { isPlannedFor } from "../lanes/joined.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { Lane, RequestRecord } from "../state/record.ts";

/**
 * Makes sure that a worker looks at a request that has joined its lane, also where the call that
 * joined it has died. @returns whether the lane must be worked now
 */
export async function wakeIfUnplanned(
  deps: { laneScheduler: LaneScheduler; context: () => DecisionContext },
  request: RequestRecord,
  lane: Lane,
): Promise<boolean> {
  const soonMs = deps.laneScheduler.dueAfterWakeUp(deps.context().nowMs);
  if (lane.owner === undefined) return !isPlannedFor(request, lane, soonMs);
  await deps.laneScheduler.ensureWakeUp(request);
  return false;
}
