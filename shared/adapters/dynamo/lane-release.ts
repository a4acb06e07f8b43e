import { Failure } from "../../contracts/failures.ts";
import type { LaneStore } from "../../core/requests/state/lane-ports.ts";
import type { Lane } from "../../core/requests/state/record.ts";
import {
  countersAttribute,
  pauseItem,
  pauseName,
  readLaneItem,
  subQueueName,
  takeText,
} from "./lane-item.ts";
import {
  type LaneItemUpdate,
  type LaneUpdate,
  MAX_ATTEMPTS,
  SET_DUE,
  shardOfLane,
} from "./lane-update.ts";

/**
 * Releases a lane on the condition that its due time, the number of its wakes, and its last place
 * where the plan depends on what waits, are as the worker saw them.
 */
export const makeReleaseLane =
  (update: LaneUpdate): LaneStore["release"] =>
  async (seen, change) => {
    // The count is part of the condition.
    let { waitingCount } = seen;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const result = await update(seen.lane, releaseOf(seen, change, waitingCount));
      if ("written" in result) return "released";
      if (result.existing?.owner !== seen.owner) {
        return result.existing?.releasedBy === seen.owner ? "released" : "lost";
      }
      const existing = readLaneItem(result.existing);
      const isAsSeen =
        existing.dueMs === seen.dueMs &&
        existing.wakes === seen.wakes &&
        !(change.waitingSubQueues && existing.lastPosition !== seen.lastPosition);
      if (!isAsSeen) return existing;
      // Only the count differs: the next attempt uses the stored one.
      waitingCount = existing.waitingCount;
    }
    throw new Failure("DEPENDENCY_DOWN", "a lane's count changes too fast to release the lane");
  };

/** Before its first request, a lane that was paused has neither a last place nor a count. */
function orAbsent(condition: string, mayBeAbsent: boolean): string {
  const [attribute] = condition.split(" ");
  return mayBeAbsent ? `(attribute_not_exists(${attribute}) OR ${condition})` : condition;
}

/**
 * The write that releases a lane, on the condition that it is as its worker has seen it and
 * `waiting` requests wait.
 */
function releaseOf(
  seen: Lane,
  {
    dueMs,
    isOnlyCheck,
    nextSubmissionNotBeforeMs: nextMs,
    dequeuedCount = 0,
    pause,
    counters,
    waitingSubQueues,
    isMigratedToSubQueues,
  }: Parameters<LaneStore["release"]>[1],
  waiting: number,
): LaneItemUpdate {
  const staysDue = dueMs !== undefined;
  const hasEnoughWaiting = waiting >= dequeuedCount;
  const planned = waitingSubQueues ?? seen.subQueues;
  const foldsGivenBack = counters !== undefined && seen.givenBack.length > 0;
  return {
    set: [
      "releasedBy = :owner",
      ...(dequeuedCount > 0
        ? [`waiting = ${hasEnoughWaiting ? "waiting - :dequeued" : ":none"}`]
        : []),
      ...(staysDue ? ["dueAt = :due", SET_DUE] : []),
      ...(nextMs === undefined ? [] : ["nextMs = :next"]),
      ...(pause === undefined ? [] : [`${pauseName(pause)} = :pause`]),
      ...(counters === undefined ? [] : ["budget = :budget"]),
      ...(waitingSubQueues?.length ? ["subQueues = :subQueues"] : []),
      ...(planned.length > 0 ? ["plannedSubQueues = :planned"] : []),
      ...(isMigratedToSubQueues ? ["hasOnlySubQueues = :hasOnlySubQueues"] : []),
    ],
    remove: [
      "#owner",
      "leaseUntilRealMs",
      ...(staysDue ? [] : ["dueAt", "dueShard"]),
      ...(waitingSubQueues?.length === 0 ? ["subQueues"] : []),
      ...(planned.length === 0 ? ["plannedSubQueues"] : []),
    ],
    delete: foldsGivenBack ? ["givenBack :folded"] : [],
    condition: [
      "#owner = :owner",
      // False when the due time was moved meanwhile, or when a request joined that matters.
      "dueAt = :seenDue",
      seen.wakes === undefined ? "attribute_not_exists(wakes)" : "wakes = :seenWakes",
      ...(waitingSubQueues ? [orAbsent("lastPlace = :seenPlace", seen.lastPosition === 0)] : []),
      ...(dequeuedCount > 0
        ? [orAbsent(`waiting ${hasEnoughWaiting ? ">=" : "<"} :dequeued`, !hasEnoughWaiting)]
        : []),
    ].join(" AND "),
    names: { "#owner": "owner" },
    values: {
      ":owner": seen.owner,
      ":seenDue": seen.dueMs,
      ...(seen.wakes === undefined ? {} : { ":seenWakes": seen.wakes }),
      ...(dequeuedCount > 0 ? { ":dequeued": dequeuedCount } : {}),
      ...(dequeuedCount > 0 && !hasEnoughWaiting ? { ":none": 0 } : {}),
      ...(staysDue ? { ":due": dueMs, ":shard": shardOfLane(seen.lane, isOnlyCheck) } : {}),
      ...(waitingSubQueues ? { ":seenPlace": seen.lastPosition } : {}),
      ...(waitingSubQueues?.length
        ? { ":subQueues": new Set(waitingSubQueues.map(subQueueName)) }
        : {}),
      ...(planned.length > 0 ? { ":planned": new Set(planned.map(subQueueName)) } : {}),
      ...(nextMs === undefined ? {} : { ":next": nextMs }),
      ...(pause === undefined ? {} : { ":pause": pauseItem(pause) }),
      ...(counters === undefined ? {} : { ":budget": countersAttribute(counters) }),
      ...(isMigratedToSubQueues ? { ":hasOnlySubQueues": true } : {}),
      ...(foldsGivenBack ? { ":folded": new Set(seen.givenBack.map(takeText)) } : {}),
    },
  };
}
