import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { transition } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import type { LaneScheduler } from "./lane-scheduler.ts";

/**
 * Lets a scheduled request join its lane when its time has come (G7); too early,
 * twice, or after a cancel, it does nothing.
 *
 * @returns the request where it has joined now, and whether the lane should be worked at once
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
  ): Promise<{ request: RequestRecord; processNow: boolean } | undefined> => {
    const isDue = ({ status, scheduledMs = Number.POSITIVE_INFINITY }: RequestRecord) =>
      status === "SCHEDULED" && scheduledMs <= deps.context().nowMs;
    if (!isDue(found)) return undefined;
    const { nowMs } = deps.context();
    const place = await deps.lanes.join(found.lane, found, {
      nowMs,
      dueMs: deps.laneScheduler.dueFor(nowMs),
    });
    if (place === "full") return undefined;
    const changed = await deps.writer.change(found.requestId, (request) =>
      isDue(request) ? joined(request, place.place, deps.context()) : undefined,
    );
    if (!changed?.isChanged) return undefined;
    const { request } = changed;
    const processNow = place.wasUnscheduled || request.isLogin === true;
    if (!processNow) await deps.laneScheduler.ensure(request.lane);
    return { request, processNow };
  };

/** In its lane, at the place that the lane gave it. */
export function joined(
  request: RequestRecord,
  place: number,
  context: DecisionContext,
): RequestRecord {
  return transition(request, "QUEUED", context, { place, joinedMs: context.nowMs });
}
