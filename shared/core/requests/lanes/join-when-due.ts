import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { transition } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import type { LaneScheduler } from "./lane-scheduler.ts";

export type JoinWhenDue = ReturnType<typeof makeJoinWhenDue>;

/**
 * Moves a scheduled request into its lane when its time has come (G7). Does
 * nothing when it is too early, and nothing for a request that has joined or is
 * cancelled.
 *
 * @returns the request when this call moved it, and whether the caller must work the lane now
 * @throws DEPENDENCY_DOWN
 */
export const makeJoinWhenDue =
  (deps: {
    lanes: LaneStore;
    writer: RequestWriter;
    laneScheduler: LaneScheduler;
    context: () => DecisionContext;
  }) =>
  async (
    found: RequestRecord,
  ): Promise<{ request: RequestRecord; wakesLane: boolean } | undefined> => {
    const isDue = ({ status, scheduledMs = Number.POSITIVE_INFINITY }: RequestRecord) =>
      status === "SCHEDULED" && scheduledMs <= deps.context().nowMs;
    if (!isDue(found)) return undefined;
    const { nowMs } = deps.context();
    const sweepDueMs = deps.laneScheduler.sweepDueAfterWakeUp(nowMs);
    const joined = await deps.lanes.join(found.lane, found, { nowMs, sweepDueMs });
    if (joined === "full") return undefined;
    const changed = await deps.writer.change(found.requestId, (request) => {
      if (!isDue(request)) return undefined;
      const context = deps.context();
      const position = { lanePosition: joined.position, joinedMs: context.nowMs };
      return transition(request, "QUEUED", context, position);
    });
    if (!changed?.isChanged) return undefined;
    const { request } = changed;
    const wakesLane = joined.hadNoSweep || request.isLogin === true;
    if (!wakesLane) await deps.laneScheduler.ensureWakeUp(request);
    return { request, wakesLane };
  };
