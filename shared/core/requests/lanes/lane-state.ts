import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import { forecast } from "../../pace/forecast.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { currentCounters, noCounters } from "../state/lane-counters.ts";
import type { LaneQueue, LaneStore, QueuedRequest } from "../state/lane-ports.ts";
import { activePause } from "../state/pause-after.ts";
import type { ProviderClients, RequestStore } from "../state/ports.ts";
import type { Lane, LaneCounters, LanePause, RequestRecord } from "../state/record.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { makePaceSettingsOf } from "./pace.ts";

/** Waiting requests of one account that are looked at. Those behind them have no expected time. */
const MAX_WAITING = 5_000;

/** Submissions that are forecast one by one. Those behind them are expected at the same rate. */
const MAX_FORECAST = 500;

/** The sweep, which runs every minute, wakes the lanes that are idle for longer than SQS delays a message. */
const lateWakeUp = { afterMs: MAX_SQS_DELAY_MS, byMs: 60_000 };

export interface LaneStateDeps {
  requests: Pick<RequestStore, "readQueue">;
  lanes: Pick<LaneStore, "find">;
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "read">;
  providerClients: ProviderClients;
  context: () => DecisionContext;
}

/**
 * Reads a lane and forecasts it.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeReadLaneState(deps: LaneStateDeps) {
  const paceSettingsOf = makePaceSettingsOf(deps);

  /**
   * @param one any request of the lane
   * @param requests requests of the lane that are to be found in the forecast
   */
  return async (one: RequestRecord, requests: readonly RequestRecord[]): Promise<LaneState> => {
    const [lane, queue, connection, settings] = await Promise.all([
      deps.lanes.find(one.lane),
      deps.requests.readQueue(one.lane, MAX_WAITING),
      deps.connections.read(one.connectionId),
      paceSettingsOf(one),
    ]);
    const isConnectionPaused = connection?.settings.status === "paused";
    // A new request may not be in the index yet, and one that is judged before its join is not.
    const known = new Set(queue.waiting.map(({ requestId }) => requestId));
    const added = requests.filter(
      ({ requestId, status }) => status === "QUEUED" && !known.has(requestId),
    );
    const all = { ...queue, waiting: [...queue.waiting, ...added.map(asWaiting)] };
    const scheduled = requests.filter(({ status }) => status === "SCHEDULED");
    const now = { lane, queue: all, settings, isConnectionPaused };
    return laneState(now, scheduled, deps.context().nowMs);
  };
}

const asWaiting = (request: RequestRecord): QueuedRequest => ({
  requestId: request.requestId,
  position: request.lanePosition ?? Number.MAX_SAFE_INTEGER,
  ...subQueueOf(request),
});

/** A request that is in the forecast, and may join its lane later. */
interface Forecast extends QueuedRequest {
  joinsMs?: number | undefined;
}

/** Scheduled requests join their lane in the order of their times, behind all that wait in it. */
function joining(scheduled: readonly RequestRecord[]): Forecast[] {
  const inOrder = scheduled.toSorted(
    (one, other) => (one.scheduledMs ?? 0) - (other.scheduledMs ?? 0),
  );
  return inOrder.map((request, n) => ({
    ...asWaiting(request),
    position: Number.MAX_SAFE_INTEGER - inOrder.length + n,
    joinsMs: request.scheduledMs,
  }));
}

interface LaneNow {
  lane: Lane | undefined;
  queue: LaneQueue;
  settings: PaceSettings;
  isConnectionPaused: boolean;
}

/** A lane now, with a forecast. */
export interface LaneState extends LaneNow {
  nowMs: number;
  counters: LaneCounters;
  pause: LanePause | undefined;
  /** When each request that waits, or joins later, is expected to be taken; empty if that cannot be forecast. */
  expected: ReadonlyMap<string, number>;
  /** The place of each waiting request, by the time at which it is expected. */
  positions: ReadonlyMap<string, number>;
}

function laneState(of: LaneNow, scheduled: readonly RequestRecord[], nowMs: number): LaneState {
  const { lane, queue } = of;
  const pause = activePause(lane?.pause, nowMs);
  const state = { ...of, nowMs, pause, counters: lane ? currentCounters(lane) : noCounters };
  const expected = expectedTimes(state, queue.waiting);
  // What joins later is behind all that wait now, and changes nothing about them.
  const later = scheduled.length === 0 ? [] : expectedTimes(state, queue.waiting, scheduled);
  return {
    ...state,
    expected: new Map([...later, ...expected]),
    positions: positionsOf(queue.waiting, expected),
  };
}

/**
 * When each of these requests is taken if nothing changes.
 *
 * @param scheduled requests that join the lane at their times
 */
function expectedTimes(
  state: Omit<LaneState, "expected" | "positions">,
  waiting: readonly QueuedRequest[],
  scheduled: readonly RequestRecord[] = [],
): ReadonlyMap<string, number> {
  const { lane, counters, settings, pause, isConnectionPaused, nowMs } = state;
  const hasNoEnd = isConnectionPaused || (pause && pause.untilMs === undefined);
  if (hasNoEnd) return new Map();
  const all: readonly Forecast[] = [...waiting, ...joining(scheduled)];
  const times = forecast({
    settings,
    usage: counters.usage,
    highInARow: counters.highInARow,
    nextSubmissionNotBeforeMs: Math.max(lane?.nextSubmissionNotBeforeMs ?? 0, pause?.untilMs ?? 0),
    queue: all.map(({ joinsMs = 0, ...one }) => ({
      ...one,
      id: one.requestId,
      notBeforeMs: Math.max(joinsMs, lane?.categoryPauses[one.category]?.untilMs ?? 0),
    })),
    nowMs,
    maxTakes: MAX_FORECAST,
    lateWakeUp,
  });
  return withRate(times, all);
}

/** Adds the requests behind those of the forecast, in their order and at the rate of its last half. */
function withRate(
  times: ReadonlyMap<string, number>,
  waiting: readonly QueuedRequest[],
): ReadonlyMap<string, number> {
  if (times.size < MAX_FORECAST) return times;
  const known = [...times.values()].toSorted((one, other) => one - other);
  const [middleMs = 0, lastMs = 0] = [known[MAX_FORECAST / 2], known.at(-1)];
  const intervalMs = (lastMs - middleMs) / (MAX_FORECAST / 2 - 1);
  const rest = waiting
    .filter(({ requestId }) => !times.has(requestId))
    .toSorted((one, other) => one.position - other.position);
  return new Map([
    ...times,
    ...rest.map(({ requestId }, n) => [requestId, lastMs + (n + 1) * intervalMs] as const),
  ]);
}

function positionsOf(
  waiting: readonly QueuedRequest[],
  expected: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const orders = waiting.map(({ requestId, position }) => ({
    requestId,
    position,
    expectedMs: expected.get(requestId) ?? Number.MAX_SAFE_INTEGER,
  }));
  const sorted = orders.toSorted(
    (one, other) => one.expectedMs - other.expectedMs || one.position - other.position,
  );
  return new Map(sorted.map(({ requestId }, n) => [requestId, n + 1]));
}

/** The place among the account's waiting requests: 1 for the next one. */
export function positionOf({ positions }: LaneState, requestId: string): number {
  return positions.get(requestId) ?? positions.size + 1;
}
