import type { Category } from "../../../shared/contracts/pace.ts";
import type { Clock } from "../../../shared/core/clock.ts";
import { noCounters } from "../../../shared/core/requests/state/lane-counters.ts";
import type { LaneStore } from "../../../shared/core/requests/state/lane-ports.ts";
import {
  type CategoryTake,
  type Lane,
  type LaneAccount,
  type LanePause,
  PAUSED_BY_CLIENT,
  type SubQueue,
} from "../../../shared/core/requests/state/record.ts";

interface StoredLane extends Omit<Lane, "pause" | "categoryPauses" | "subQueues" | "givenBack"> {
  subQueues: Map<string, SubQueue>;
  givenBack: Map<string, CategoryTake>;
  releasedBy?: string;
  isOnlyCheck: boolean;
  /** Pauses of several kinds exist at the same time. */
  pauses: Partial<Record<"halt" | "stop" | "pause" | Category, LanePause>>;
}

function kindOf({ reason, untilMs, category }: LanePause): keyof StoredLane["pauses"] {
  if (category) return category;
  if (reason === PAUSED_BY_CLIENT) return "halt";
  return untilMs === undefined ? "stop" : "pause";
}

/** Lanes in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryLanes(options: { clock: Clock }): LaneStore & {
  /** All of them as they are now; `makeMemoryRequestStore` reads them. */
  all(): (Lane & { isOnlyCheck: boolean })[];
  /** Moves a planned sweep that is as it was seen. */
  postpone(lane: string, seenMs: number, dueMs: number): { clientId: string } | undefined;
} {
  const { clock } = options;
  const stored = new Map<string, StoredLane>();

  function put(lane: string, owner: LaneAccount): StoredLane {
    const { clientId, provider, connectionId, accountId } = owner;
    const found = stored.get(lane);
    if (found) return found;
    const of = { clientId, provider, connectionId, accountId };
    const made: StoredLane = {
      lane,
      ...of,
      lastPosition: 0,
      waitingCount: 0,
      nextSubmissionNotBeforeMs: 0,
      isOnlyCheck: false,
      pauses: {},
      counters: noCounters,
      subQueues: new Map(),
      plannedSubQueues: [],
      isMigratedToSubQueues: true,
      givenBack: new Map(),
    };
    stored.set(lane, made);
    return made;
  }

  function bringForward(lane: StoredLane | undefined, dueMs: number): boolean {
    if (lane === undefined) return false;
    const isSooner = (lane.dueMs ?? Number.POSITIVE_INFINITY) > dueMs;
    // A worker that has the lane must see it when it gives the lane back, though it looks sooner.
    if (!isSooner && lane.owner === undefined) return false;
    wake(lane, dueMs);
    return true;
  }

  /** Plans a sweep at which the lane can be worked. */
  function plan(lane: StoredLane, dueMs: number): void {
    lane.dueMs = dueMs;
    lane.isOnlyCheck = false;
  }

  /** The same by another than the worker that has the lane. */
  function wake(lane: StoredLane, dueMs: number): void {
    plan(lane, dueMs);
    lane.wakes = (lane.wakes ?? 0) + 1;
  }

  return {
    all: () =>
      [...stored.values()].map((lane) => ({ ...seen(lane), isOnlyCheck: lane.isOnlyCheck })),

    postpone(lane, seenMs, dueMs) {
      const found = stored.get(lane);
      if (found?.dueMs !== seenMs && found?.dueMs !== dueMs) return undefined;
      found.dueMs = dueMs;
      return { clientId: found.clientId };
    },

    async find(lane) {
      const found = stored.get(lane);
      return found && seen(found);
    },

    async join(lane, owner, of) {
      const { nowMs, dueMs, subQueues, limit = Number.POSITIVE_INFINITY, count = 1 } = of;
      const existing = stored.get(lane);
      if ((existing?.waitingCount ?? 0) + count > limit) return "full";
      const before = existing && seen(existing);
      const found = put(lane, owner);
      for (const subQueue of subQueues) found.subQueues.set(nameOf(subQueue), subQueue);
      const hadNoSweep = found.dueMs === undefined;
      const position = Math.max(Math.ceil(nowMs), found.lastPosition + 1);
      found.lastPosition = position + count - 1;
      found.waitingCount += count;
      if (hadNoSweep) plan(found, dueMs);
      return { position, hadNoSweep, ...(before ? { before } : {}) };
    },

    async setWaitingCount(lane, count) {
      const found = stored.get(lane);
      if (!found || found.owner !== undefined) return false;
      found.waitingCount = count;
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
      const abandonedByPrevious = found.owner !== undefined;
      Object.assign(found, { owner: lease.owner, leaseUntilRealMs: lease.untilMs });
      const { dueMs: planned = Number.POSITIVE_INFINITY, isOnlyCheck } = found;
      const staysPlanned = !isOnlyCheck && planned >= clock.businessMs() && planned <= dueMs;
      if (!staysPlanned) plan(found, dueMs);
      return { ...seen(found), ...(abandonedByPrevious ? { abandonedByPrevious } : {}) };
    },

    async release(
      before,
      {
        dueMs,
        isOnlyCheck = false,
        nextSubmissionNotBeforeMs,
        dequeuedCount = 0,
        pause,
        counters,
        waitingSubQueues,
      },
    ) {
      const found = stored.get(before.lane);
      if (!found || found.owner !== before.owner) {
        return found && found.releasedBy === before.owner ? "released" : "lost";
      }
      const isAsSeen =
        found.dueMs === before.dueMs &&
        found.wakes === before.wakes &&
        (waitingSubQueues === undefined || found.lastPosition === before.lastPosition);
      if (!isAsSeen) return seen(found);
      if (waitingSubQueues)
        found.subQueues = new Map(waitingSubQueues.map((one) => [nameOf(one), one]));
      found.plannedSubQueues = waitingSubQueues ?? before.subQueues;
      if (counters) {
        found.counters = counters;
        for (const take of before.givenBack) found.givenBack.delete(takeName(take));
      }
      found.releasedBy = found.owner ?? "";
      found.owner = undefined;
      found.leaseUntilRealMs = undefined;
      found.dueMs = dueMs;
      found.isOnlyCheck = isOnlyCheck;
      found.waitingCount = Math.max(0, found.waitingCount - dequeuedCount);
      if (nextSubmissionNotBeforeMs !== undefined) {
        found.nextSubmissionNotBeforeMs = nextSubmissionNotBeforeMs;
      }
      if (pause) found.pauses[kindOf(pause)] = { ...pause };
      return "released";
    },

    async bringSweepForward(lane, dueMs) {
      const found = stored.get(lane);
      return found?.dueMs !== undefined && bringForward(found, dueMs);
    },

    async ensureSweep(lane, dueMs) {
      const found = stored.get(lane);
      if (!found || (found.dueMs !== undefined && found.owner === undefined)) return false;
      wake(found, dueMs);
      return true;
    },

    async delaySubmissions(lane, notBeforeMs) {
      const found = stored.get(lane);
      if (found)
        found.nextSubmissionNotBeforeMs = Math.max(found.nextSubmissionNotBeforeMs, notBeforeMs);
    },

    scheduleSweep: async (lane, dueMs) => bringForward(stored.get(lane), dueMs),

    async giveBack(lane, { take, subQueue }) {
      const found = stored.get(lane);
      if (!found) return;
      if (take) found.givenBack.set(takeName(take), take);
      found.subQueues.set(nameOf(subQueue), subQueue);
      found.wakes = (found.wakes ?? 0) + 1;
    },

    async pause(lane, owner, pause) {
      const found = put(lane, owner);
      const { untilMs: known = 0 } = found.pauses[pause.category ?? "pause"] ?? {};
      if (pause.isRestriction) found.restrictedMs = clock.businessMs();
      // A pause that ends does not shorten a longer one.
      if (pause.untilMs !== undefined && pause.untilMs <= known) return;
      found.pauses[kindOf(pause)] = { ...pause };
    },

    async endAllPauses(lane, dueMs) {
      const found = stored.get(lane);
      if (!found) return false;
      found.pauses = {};
      wake(found, dueMs);
      return true;
    },

    async endLoginPause(lane, dueMs) {
      const found = stored.get(lane);
      if (!found?.pauses.stop) return;
      delete found.pauses.stop;
      wake(found, dueMs);
    },
  };
}

const nameOf = ({ category, isHigh }: SubQueue) => `${category} ${isHigh}`;
const takeName = ({ category, atMs }: CategoryTake) => `${category} ${atMs}`;

/** A copy without the store's private fields, with the pause that applies. */
function seen(stored: StoredLane): Lane {
  const { releasedBy: _, isOnlyCheck: __, pauses, subQueues, givenBack, ...lane } = stored;
  const { halt, stop, pause = undefined, ...categoryPauses } = pauses;
  const applies = halt ?? stop ?? pause;
  return {
    ...lane,
    ...(applies ? { pause: { ...applies } } : {}),
    categoryPauses: { ...categoryPauses },
    subQueues: [...subQueues.values()],
    givenBack: [...givenBack.values()],
  };
}
