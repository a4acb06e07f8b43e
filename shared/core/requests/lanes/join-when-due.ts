import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { transition } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { joinedFields, mustWakeLane } from "./joined.ts";
import type { LaneScheduler } from "./lane-scheduler.ts";

export type JoinWhenDue = ReturnType<typeof makeJoinWhenDue>;

/** What a call of `JoinWhenDue` has done. */
export interface JoinedWhenDue {
  /** The caller must work the lane now. */
  wakesLane: boolean;
  /** More requests must join before this one than one call can take: the caller must call again. */
  isUnfinished: boolean;
}

/** Whether a scheduled request's time has come. */
export function isDueToJoin(
  { status, scheduledMs = Number.POSITIVE_INFINITY }: RequestRecord,
  nowMs: number,
): boolean {
  return status === "SCHEDULED" && scheduledMs <= nowMs;
}

/** Compares two scheduled requests of a lane by the order in which they join. */
export function compareJoinOrder(one: RequestRecord, other: RequestRecord): number {
  return (
    (one.scheduledMs ?? 0) - (other.scheduledMs ?? 0) ||
    one.createdMs - other.createdMs ||
    (one.requestId < other.requestId ? -1 : Number(one.requestId > other.requestId))
  );
}

/** Requests that one call joins, so that it ends in time. */
const MAX_JOINS = 50;

/**
 * Moves a scheduled request into its lane when its time has come (G7). Does
 * nothing when it is too early, and nothing for a request that has joined or is
 * cancelled.
 *
 * The requests of a lane join in the order of their scheduled times, then of their acceptance
 * (G5): first, this call joins those that must join before this one. Their schedules may fire
 * later, because those of one moment fire in any order. Calls at the same time keep the order
 * too: each has seen that a request has its place before it asks for the place of the next one.
 *
 * @returns `undefined` when nothing was to be moved
 * @throws DEPENDENCY_DOWN
 */
export function makeJoinWhenDue(deps: {
  requests: RequestStore;
  lanes: LaneStore;
  writer: RequestWriter;
  laneScheduler: LaneScheduler;
  context: () => DecisionContext;
}) {
  const { requests, lanes, writer, laneScheduler } = deps;

  const isDue = (request: RequestRecord) => isDueToJoin(request, deps.context().nowMs);

  return async (request: RequestRecord): Promise<JoinedWhenDue | undefined> => {
    if (!isDue(request)) return undefined;
    const earlier = await requests.findScheduledBefore(request, MAX_JOINS);
    const isUnfinished = earlier.length === MAX_JOINS;
    const joined: { wakesLane: boolean }[] = [];
    for (const requestId of earlier) {
      const found = await requests.find(requestId);
      joined.push(...(found ? await join(found) : []));
    }
    if (!isUnfinished) joined.push(...(await join(request)));
    if (joined.length === 0) return isUnfinished ? { wakesLane: false, isUnfinished } : undefined;
    const wakesLane = joined.some((one) => one.wakesLane);
    if (!wakesLane) await laneScheduler.ensureWakeUp(request);
    return { wakesLane, isUnfinished };
  };

  /** @returns nothing when another call has joined the request */
  async function join(found: RequestRecord): Promise<{ wakesLane: boolean }[]> {
    if (!isDue(found)) return [];
    const { nowMs } = deps.context();
    const dueMs = laneScheduler.dueAfterWakeUp(nowMs);
    const joined = await lanes.join(found.lane, found, {
      nowMs,
      dueMs,
      subQueues: [subQueueOf(found)],
    });
    if (joined === "full") return [];
    // Before the write: the sweep finds no request that has joined, and this call may die after it.
    if (!joined.hadNoSweep && mustWakeLane(found, joined, dueMs)) {
      await lanes.scheduleSweep(found.lane, dueMs);
    }
    const changed = await writer.change(found.requestId, (request) => {
      if (!isDue(request)) return undefined;
      const context = deps.context();
      return transition(request, "QUEUED", context, joinedFields(request, joined, context.nowMs));
    });
    if (!changed?.isChanged) return [];
    return [{ wakesLane: mustWakeLane(changed.request, joined, dueMs) }];
  }
}
