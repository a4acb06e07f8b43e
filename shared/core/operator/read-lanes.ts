import type { LaneView } from "../../contracts/http/operator/overview.ts";
import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { laneId } from "../requests/acceptance/request-id.ts";
import { activePause } from "../requests/state/pause-after.ts";
import type { DueEntry } from "../requests/state/ports.ts";
import type { Lane } from "../requests/state/record.ts";
import type { DueWork } from "../requests/state/sweep-work.ts";
import { makeMemory } from "./memory.ts";
import type { OperatorDeps } from "./ports.ts";

/** Lanes of one partition of the index of due work that are read, those that are due first. */
const LANES_PER_SHARD = 100;

/** Entries of a page of the index, which has those of requests beside those of lanes. */
const ENTRIES_PER_PAGE = 100;

/** Pages of one partition that are looked through for lanes. */
const MAX_PAGES = 10;

/** Accounts of one client whose lanes are read where not every lane was. */
const MAX_ACCOUNTS_READ = 200;

/** Lanes that are read at the same time. */
const CONCURRENCY = 20;

/** A lane that was to be worked so long ago (business), and was not, is stuck: the sweep runs every minute. */
const STUCK_AFTER_MS = 5 * 60_000;
/** The same in real time, however fast business time passes. */
const STUCK_AFTER_REAL_MS = 150_000;

const works: readonly DueWork[] = ["start", "end"];

/** Lanes, the oldest wait first, and whether they are all that there are. */
export interface LanesView {
  lanes: LaneView[];
  /** `false`: more work is due than was looked at, so that lanes may be missing. */
  isComplete: boolean;
}

/** The ids of lanes whose work is due, and whether no other lane has any. */
interface Candidates {
  ids: readonly string[];
  isComplete: boolean;
}

/**
 * Makes the function that reads the lanes with waiting requests, the oldest wait first.
 *
 * It reads those whose next work is due first, at most `LANES_PER_SHARD` of each partition of the
 * index of due work, for all clients at once, and remembers them for some seconds. When there
 * are more, the lanes of the registered accounts of the client that is asked for are read too.
 */
export function makeReadLanes(
  deps: Pick<OperatorDeps, "store" | "requestStore" | "lanes" | "clock" | "speed">,
) {
  const { store, requestStore, clock } = deps;
  const remember = makeMemory<Awaited<ReturnType<typeof readEvery>>>(clock);
  const stuckAfterMs = Math.max(STUCK_AFTER_MS, STUCK_AFTER_REAL_MS * deps.speed);

  async function dueIn(work: DueWork, shard: number): Promise<Candidates> {
    const untilMs = Number.MAX_SAFE_INTEGER;
    const ids: string[] = [];
    let after: DueEntry | undefined;
    for (let page = 0; page < MAX_PAGES && ids.length < LANES_PER_SHARD; page++) {
      const of = { work, shard, untilMs, limit: ENTRIES_PER_PAGE, after };
      const entries = await requestStore.findDue(of);
      const lanes = entries.filter(({ requestId }) => requestId === undefined);
      ids.push(...lanes.map(({ lane }) => lane));
      if (entries.length < ENTRIES_PER_PAGE) return { ids, isComplete: true };
      after = entries.at(-1);
    }
    return { ids: ids.slice(0, LANES_PER_SHARD), isComplete: false };
  }

  async function dueLanes(): Promise<Candidates> {
    const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);
    const found = await Promise.all(
      works.flatMap((work) => shards.map((shard) => dueIn(work, shard))),
    );
    return {
      ids: found.flatMap(({ ids }) => ids),
      isComplete: found.every(({ isComplete }) => isComplete),
    };
  }

  async function viewOf(lane: Lane): Promise<LaneView | undefined> {
    const { holders, firsts } = await requestStore.readLaneHead(lane);
    if (firsts.length === 0 && holders.length === 0) return undefined;
    const [oldest] = firsts.toSorted((a, b) => (a.joinedMs ?? 0) - (b.joinedMs ?? 0));
    const nowMs = clock.businessMs();
    const pause = activePause(lane.pause, nowMs);
    const dueMs = lane.dueMs;
    const { clientId, provider, connectionId, accountId } = lane;
    return {
      ...{ clientId, provider, connectionId, accountId },
      waiting: Math.max(lane.waitingCount, firsts.length),
      isHeld: holders.length > 0,
      ...(oldest ? { oldestRequestId: oldest.requestId } : {}),
      ...(oldest?.joinedMs === undefined ? {} : { oldestSince: toIso(oldest.joinedMs) }),
      ...(lane.nextSubmissionNotBeforeMs > nowMs
        ? { nextSubmissionNotBefore: toIso(lane.nextSubmissionNotBeforeMs) }
        : {}),
      ...(dueMs === undefined ? {} : { dueAt: toIso(dueMs) }),
      isStuck: firsts.length > 0 && dueMs !== undefined && nowMs - dueMs > stuckAfterMs,
      ...(pause ? { pausedBecause: pause.reason } : {}),
      ...(pause?.untilMs === undefined ? {} : { pausedUntil: toIso(pause.untilMs) }),
    };
  }

  async function viewsOf(ids: Iterable<string>): Promise<LaneView[]> {
    const lanes: LaneView[] = [];
    await forEachConcurrent([...ids], CONCURRENCY, async (id) => {
      const lane = await deps.lanes.find(id);
      // Most accounts have no requests at the moment: their lanes are not looked into.
      if (!lane || (lane.dueMs === undefined && lane.waitingCount === 0)) return;
      const view = await viewOf(lane);
      if (view) lanes.push(view);
    });
    return lanes;
  }

  async function readEvery() {
    const { ids, isComplete } = await dueLanes();
    const different = new Set(ids);
    return { ids: different, lanes: await viewsOf(different), isComplete };
  }

  /**  clientId only this client's; absent: every client's */
  return async (clientId?: string): Promise<LanesView> => {
    const { ids, lanes, isComplete } = await remember("", readEvery);
    if (clientId === undefined) return { lanes: inOrder(lanes), isComplete };
    const own = lanes.filter((lane) => lane.clientId === clientId);
    if (isComplete) return { lanes: inOrder(own), isComplete };
    const accounts = await store.accountsOf(clientId, { limit: MAX_ACCOUNTS_READ });
    const others = accounts.map(laneId).filter((id) => !ids.has(id));
    return { lanes: inOrder([...own, ...(await viewsOf(others))]), isComplete };
  };
}

/** The oldest wait first. */
function inOrder(lanes: readonly LaneView[]): LaneView[] {
  const since = ({ oldestSince }: LaneView) => oldestSince ?? "~";
  return lanes.toSorted((a, b) => (since(a) < since(b) ? -1 : 1));
}
