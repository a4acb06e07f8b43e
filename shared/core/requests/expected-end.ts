import { forEachConcurrent } from "../for-each-concurrent.ts";
import { laneOf } from "./acceptance/request-id.ts";
import type { ExplainWaits } from "./lanes/explain-waits.ts";
import { type LaneStateDeps, makeReadLaneState } from "./lanes/lane-state.ts";
import type { RequestStore } from "./state/ports.ts";

/** Accounts of which a group's requests are forecast; a group with more has no expected end. */
const MAX_LANES = 100;

/** Requests outside of their lanes that are read; a group with more has no expected end. */
const MAX_READ = 1_000;

/** Accounts that are read at the same time. */
const CONCURRENCY = 20;

/**
 * Tells when the last of these waiting requests is expected to be submitted (business).
 *
 * @returns absent where that is not known of one of them
 * @throws DEPENDENCY_DOWN
 */
export function makeExpectedEnd(
  deps: LaneStateDeps & {
    requests: Pick<RequestStore, "readQueue" | "findWithLanes">;
    explainWaits: ExplainWaits;
  },
) {
  const readLaneState = makeReadLaneState(deps);

  /** The expected times of those that wait in their lanes. */
  async function timesInLanes(requestIds: readonly string[]): Promise<Map<string, number>> {
    const times = new Map<string, number>();
    const lanes = Map.groupBy(requestIds, laneOf);
    if (lanes.size > MAX_LANES) return times;
    const firsts = [...lanes.values()].flatMap(([first = ""]) => first);
    const found = await deps.requests.findWithLanes(firsts);
    await forEachConcurrent([...found.values()], CONCURRENCY, async ({ request }) => {
      const { expected } = await readLaneState(request, []);
      for (const id of lanes.get(request.lane) ?? []) {
        const expectedMs = expected.get(id);
        if (expectedMs !== undefined) times.set(id, expectedMs);
      }
    });
    return times;
  }

  return async (requestIds: readonly string[]): Promise<number | undefined> => {
    const times = await timesInLanes(requestIds);
    const others = requestIds.filter((id) => !times.has(id));
    if (others.length > MAX_READ) return undefined;
    const read = others.length === 0 ? [] : await deps.requests.findWithLanes(others);
    const records = [...read.values()].map(({ request }) => request);
    const waits = await deps.explainWaits(records);
    for (const { requestId, status } of records) {
      // The index that names a group's requests may be behind.
      if (status !== "QUEUED" && status !== "SCHEDULED") continue;
      const expectedMs = waits.get(requestId)?.expectedMs;
      if (expectedMs === undefined) return undefined;
      times.set(requestId, expectedMs);
    }
    const known = [...times.values()];
    if (known.length === 0) return undefined;
    return known.reduce((one, other) => Math.max(one, other));
  };
}
