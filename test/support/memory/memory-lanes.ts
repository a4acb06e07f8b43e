import type { Clock } from "../../../shared/core/clock.ts";
import type { LaneStore } from "../../../shared/core/requests/state/ports.ts";
import {
  type Lane,
  type LaneOwner,
  type LanePause,
  PAUSED_BY_CLIENT,
} from "../../../shared/core/requests/state/record.ts";

interface StoredLane extends Omit<Lane, "pause"> {
  releasedBy?: string;
  /** Pauses of several kinds stand beside each other. */
  pauses: { halt?: LanePause; stop?: LanePause; pause?: LanePause };
}

function kindOf({ reason, untilMs }: LanePause): keyof StoredLane["pauses"] {
  if (reason === PAUSED_BY_CLIENT) return "halt";
  return untilMs === undefined ? "stop" : "pause";
}

/** Lanes in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryLanes(options: { clock: Clock }): LaneStore & {
  /** All of them as they are now; `makeMemoryRequestStore` reads them. */
  all(): Lane[];
} {
  const { clock } = options;
  const stored = new Map<string, StoredLane>();

  function put(lane: string, owner: LaneOwner): StoredLane {
    const { clientId, provider, connectionId, accountId } = owner;
    const found = stored.get(lane);
    if (found) return found;
    const of = { clientId, provider, connectionId, accountId };
    const made: StoredLane = { lane, ...of, lastPlace: 0, waiting: 0, nextMs: 0, pauses: {} };
    stored.set(lane, made);
    return made;
  }

  function bringForward(lane: StoredLane | undefined, dueMs: number): boolean {
    if (lane === undefined) return false;
    const isSooner = (lane.dueMs ?? Number.POSITIVE_INFINITY) > dueMs;
    // A worker that has the lane must see it when it gives the lane back, though it looks sooner.
    if (!isSooner && lane.owner === undefined) return false;
    lane.dueMs = dueMs;
    return true;
  }

  return {
    all: () => [...stored.values()].map(seen),

    async find(lane) {
      const found = stored.get(lane);
      return found && seen(found);
    },

    async join(lane, owner, { nowMs, dueMs, limit = Number.POSITIVE_INFINITY }) {
      if ((stored.get(lane)?.waiting ?? 0) >= limit) return "full";
      const found = put(lane, owner);
      const wasUnscheduled = found.dueMs === undefined;
      found.lastPlace = Math.max(Math.ceil(nowMs), found.lastPlace + 1);
      found.waiting += 1;
      found.dueMs ??= dueMs;
      return { place: found.lastPlace, wasUnscheduled };
    },

    async correctWaiting(lane, waiting) {
      const found = stored.get(lane);
      if (!found || found.owner !== undefined) return false;
      found.waiting = waiting;
      return true;
    },

    async acquire(lane, lease, dueMs) {
      const found = stored.get(lane);
      if (!found) return undefined;
      const isHeld =
        found.owner !== undefined &&
        found.owner !== lease.owner &&
        (found.leaseUntilRealMs ?? 0) > clock.realMs();
      if (isHeld) return undefined;
      const abandonedByPrevious = found.owner !== undefined && found.owner !== lease.owner;
      Object.assign(found, { owner: lease.owner, leaseUntilRealMs: lease.untilMs, dueMs });
      return { ...seen(found), ...(abandonedByPrevious ? { abandonedByPrevious } : {}) };
    },

    async release(before, { dueMs, nextMs, taken = 0, pause }) {
      const found = stored.get(before.lane);
      if (!found || found.owner !== before.owner) {
        return found && found.releasedBy === before.owner ? "released" : "lost";
      }
      const isAsSeen =
        found.dueMs === before.dueMs &&
        (dueMs !== undefined || found.lastPlace === before.lastPlace);
      if (!isAsSeen) return seen(found);
      found.releasedBy = found.owner ?? "";
      found.owner = undefined;
      found.leaseUntilRealMs = undefined;
      found.dueMs = dueMs;
      found.waiting = Math.max(0, found.waiting - taken);
      if (nextMs !== undefined) found.nextMs = nextMs;
      if (pause) found.pauses[kindOf(pause)] = { ...pause };
      return "released";
    },

    async bringForward(lane, dueMs) {
      const found = stored.get(lane);
      return found?.dueMs !== undefined && bringForward(found, dueMs);
    },

    async ensure(lane, dueMs) {
      const found = stored.get(lane);
      if (!found || (found.dueMs !== undefined && found.owner === undefined)) return false;
      found.dueMs = dueMs;
      return true;
    },

    async delay(lane, nextMs) {
      const found = stored.get(lane);
      if (found) found.nextMs = Math.max(found.nextMs, nextMs);
    },

    wake: async (lane, dueMs) => bringForward(stored.get(lane), dueMs),

    async pause(lane, owner, pause) {
      const found = put(lane, owner);
      const { untilMs: known = 0 } = found.pauses.pause ?? {};
      // A pause that ends does not shorten a longer one.
      if (pause.untilMs !== undefined && pause.untilMs <= known) return;
      found.pauses[kindOf(pause)] = { ...pause };
    },

    async resume(lane, dueMs) {
      const found = stored.get(lane);
      if (!found) return false;
      found.pauses = {};
      found.dueMs = dueMs;
      return true;
    },

    async unblock(lane, dueMs) {
      const found = stored.get(lane);
      if (!found?.pauses.stop) return;
      delete found.pauses.stop;
      found.dueMs = dueMs;
    },
  };
}

/** Nobody's to change, and without what only the store knows. */
function seen({ releasedBy: _, pauses, ...lane }: StoredLane): Lane {
  const pause = pauses.halt ?? pauses.stop ?? pauses.pause;
  return { ...lane, ...(pause ? { pause: { ...pause } } : {}) };
}
