import type { LaneView } from "../../contracts/http/operator/overview.ts";
import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { activePause } from "../requests/state/pause-after.ts";
import type { DueEntry } from "../requests/state/ports.ts";
import type { Lane } from "../requests/state/record.ts";
import type { DueWork } from "../requests/state/sweep-work.ts";
import type { OperatorDeps } from "./ports.ts";

/** Entries of one partition of the index of due work that are looked at: the lanes among them are read. */
const ENTRIES_PER_SHARD = 100;

/** Lanes that are read at the same time. */
const CONCURRENCY = 20;

/** A lane that was to be worked so long ago (business), and was not, is stuck: the sweep runs every minute. */
const STUCK_AFTER_MS = 5 * 60_000;
/** The same in real time, however fast business time passes. */
const STUCK_AFTER_REAL_MS = 150_000;

const works: readonly DueWork[] = ["start", "end"];

/**
 * Makes the function that reads the lanes with waiting requests, the oldest wait first: those
 * whose next work is due first, at most `ENTRIES_PER_SHARD` of each partition of that index.
 */
export function makeReadLanes(
  deps: Pick<OperatorDeps, "requestStore" | "lanes" | "clock" | "speed">,
) {
  const { requestStore, clock } = deps;
  const stuckAfterMs = Math.max(STUCK_AFTER_MS, STUCK_AFTER_REAL_MS * deps.speed);

  async function activeLanes(): Promise<DueEntry[]> {
    const untilMs = Number.MAX_SAFE_INTEGER;
    const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);
    const partitions = works.flatMap((work) => shards.map((shard) => ({ work, shard })));
    const found = await Promise.all(
      partitions.map((one) => requestStore.findDue({ ...one, untilMs, limit: ENTRIES_PER_SHARD })),
    );
    return found.flat().filter(({ requestId }) => requestId === undefined);
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

  /** @param clientId only this client's; absent: every client's */
  return async (clientId?: string): Promise<LaneView[]> => {
    const views: LaneView[] = [];
    await forEachConcurrent(await activeLanes(), CONCURRENCY, async ({ lane: id }) => {
      const lane = await deps.lanes.find(id);
      if (!lane || (clientId ?? lane.clientId) !== lane.clientId) return;
      const view = await viewOf(lane);
      if (view) views.push(view);
    });
    const since = ({ oldestSince }: LaneView) => oldestSince ?? "~";
    return views.sort((a, b) => (since(a) < since(b) ? -1 : 1));
  };
}
