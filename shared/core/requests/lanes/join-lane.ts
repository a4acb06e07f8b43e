import type { LaneStore } from "../ports.ts";
import type { RequestRecord } from "../record.ts";
import { type Moment, moveTo } from "../request-state.ts";
import type { RequestWriter } from "../request-writer.ts";
import type { Ticks } from "./lane-scheduler.ts";

/**
 * Lets a scheduled request join its lane when its time has come (G7); too early,
 * twice, or after a cancel, it does nothing.
 *
 * @returns the request where it has joined now, and whether the lane should be worked at once
 * @throws DEPENDENCY_DOWN
 */
export const makeJoinWhenDue =
  (deps: { lanes: LaneStore; writer: RequestWriter; ticks: Ticks; moment: () => Moment }) =>
  async (
    found: RequestRecord,
  ): Promise<{ request: RequestRecord; worksNow: boolean } | undefined> => {
    const isDue = ({ status, scheduledMs = Number.POSITIVE_INFINITY }: RequestRecord) =>
      status === "SCHEDULED" && scheduledMs <= deps.moment().nowMs;
    if (!isDue(found)) return undefined;
    const { nowMs } = deps.moment();
    const place = await deps.lanes.join(found.lane, found, {
      nowMs,
      dueMs: deps.ticks.dueFor(nowMs),
    });
    if (place === "full") return undefined;
    const changed = await deps.writer.change(found.requestId, (request) =>
      isDue(request) ? joined(request, place.place, deps.moment()) : undefined,
    );
    if (!changed?.isChanged) return undefined;
    const { request } = changed;
    const worksNow = place.isIdle || request.isLogin === true;
    if (!worksNow) await deps.ticks.ensure(request.lane);
    return { request, worksNow };
  };

/** In its lane, at the place that the lane gave it. */
export function joined(request: RequestRecord, place: number, moment: Moment): RequestRecord {
  return moveTo(request, "QUEUED", moment, { place, joinedMs: moment.nowMs });
}
