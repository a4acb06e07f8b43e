import { Failure } from "../../contracts/failures.ts";
import type { LaneStore } from "../../core/requests/state/ports.ts";
import type { Lane } from "../../core/requests/state/record.ts";
import { retryOnConflict } from "../../core/retry-on-conflict.ts";
import { pauseItem, pauseName, readLaneItem } from "./lane-item.ts";
import {
  type LaneChange,
  type LaneUpdate,
  MAX_ATTEMPTS,
  SET_DUE,
  shardOfLane,
} from "./lane-update.ts";

/** Releases a lane on the condition that its due time, and for an idle lane its last place, are as the worker saw them. */
export const makeReleaseLane =
  (update: LaneUpdate): LaneStore["release"] =>
  async (seen, change) => {
    // The count is part of the condition. A refused write returns the count to try next.
    let { waiting } = seen;
    const result = await retryOnConflict({
      find: async () => waiting,
      decide: (count) => releaseOf(seen, change, count),
      async replace(release) {
        const written = await update(seen.lane, release);
        if ("written" in written) return "released" as const;
        if (written.met?.owner !== seen.owner) {
          return written.met?.releasedBy === seen.owner ? ("released" as const) : ("lost" as const);
        }
        const met = readLaneItem(written.met);
        const isRemovedFromSweep = change.dueMs === undefined;
        const isAsSeen =
          met.dueMs === seen.dueMs && !(isRemovedFromSweep && met.lastPlace !== seen.lastPlace);
        if (!isAsSeen) return met;
        waiting = met.waiting;
        return undefined;
      },
      maxAttempts: MAX_ATTEMPTS,
    });
    if (result.kind === "written") return result.written;
    throw new Failure("DEPENDENCY_DOWN", "a lane's count changes too fast to release the lane");
  };

/** The write that releases a lane, on the condition that it is as its worker has seen it and `waiting` requests wait. */
function releaseOf(
  seen: Lane,
  { dueMs, nextMs, taken = 0, pause }: Parameters<LaneStore["release"]>[1],
  waiting: number,
): LaneChange {
  const staysDue = dueMs !== undefined;
  const isEnough = waiting >= taken;
  return {
    set: [
      "releasedBy = :owner",
      ...(taken > 0 ? [`waiting = ${isEnough ? "waiting - :taken" : ":none"}`] : []),
      ...(staysDue ? ["dueAt = :due", SET_DUE] : []),
      ...(nextMs === undefined ? [] : ["nextMs = :next"]),
      ...(pause === undefined ? [] : [`${pauseName(pause)} = :pause`]),
    ],
    remove: ["#owner", "leaseUntilRealMs", ...(staysDue ? [] : ["dueAt", "dueShard"])],
    condition: [
      "#owner = :owner",
      // False when the due time was moved meanwhile, or when a request joined an idle lane.
      "dueAt = :seenDue",
      ...(staysDue ? [] : ["lastPlace = :seenPlace"]),
      ...(taken > 0 ? [isEnough ? "waiting >= :taken" : "waiting < :taken"] : []),
    ].join(" AND "),
    names: { "#owner": "owner" },
    values: {
      ":owner": seen.owner,
      ":seenDue": seen.dueMs,
      ...(taken > 0 ? { ":taken": taken } : {}),
      ...(taken > 0 && !isEnough ? { ":none": 0 } : {}),
      ...(staysDue
        ? { ":due": dueMs, ":shard": shardOfLane(seen.lane) }
        : { ":seenPlace": seen.lastPlace }),
      ...(nextMs === undefined ? {} : { ":next": nextMs }),
      ...(pause === undefined ? {} : { ":pause": pauseItem(pause) }),
    },
  };
}
