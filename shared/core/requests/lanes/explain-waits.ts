import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import type { Category } from "../../../contracts/pace.ts";
import { toIso } from "../../clock.ts";
import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import { type Wait as PaceWait, whenEligible } from "../../pace/eligibility.ts";
import { forecast } from "../../pace/forecast.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { waitsForDependency } from "../state/dependency.ts";
import { currentBudget, noBudget } from "../state/lane-budget.ts";
import type { LaneQueue, LaneStore, WaitingRequest } from "../state/lane-ports.ts";
import type { ProviderClients, RequestStore } from "../state/ports.ts";
import type { Lane, LaneBudget, LanePause, RequestRecord } from "../state/record.ts";
import type { Wait } from "../state/request-view.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { makePaceSettingsOf } from "./pace.ts";

/** Waiting requests of one account that are looked at. Those behind them have no expected time. */
const MAX_WAITING = 5_000;

/** Submissions that are forecast one by one. Those behind them are expected at the same rate. */
const MAX_FORECAST = 500;

/** The sweep, which runs every minute, wakes the lanes that rest for longer than SQS delays a message. */
const lateWakeUp = { afterMs: MAX_SQS_DELAY_MS, byMs: 60_000 };

export type ExplainWaits = ReturnType<typeof makeExplainWaits>;

/**
 * Tells for each request that has not ended what it waits for and, before it is submitted, when
 * that is expected. Reads each account once.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeExplainWaits(deps: {
  requests: Pick<RequestStore, "readQueue">;
  lanes: Pick<LaneStore, "find">;
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "read">;
  providerClients: ProviderClients;
  context: () => DecisionContext;
}) {
  const paceSettingsOf = makePaceSettingsOf(deps);

  async function explainLane(requests: readonly RequestRecord[]): Promise<[string, Wait][]> {
    const [first] = requests;
    if (!first) return [];
    const [lane, queue, connection, settings] = await Promise.all([
      deps.lanes.find(first.lane),
      deps.requests.readQueue(first.lane, MAX_WAITING),
      deps.connections.read(first.connectionId),
      paceSettingsOf(first),
    ]);
    const isConnectionPaused = connection?.settings.status === "paused";
    // A new request may not be in the index yet, and one that is judged before its join is not.
    const known = new Set(queue.waiting.map(({ requestId }) => requestId));
    const added = requests.filter(
      ({ requestId, status }) => status === "QUEUED" && !known.has(requestId),
    );
    const all = { ...queue, waiting: [...queue.waiting, ...added.map(asWaiting)] };
    const state = laneState(
      { lane, queue: all, settings, isConnectionPaused },
      deps.context().nowMs,
    );
    return requests.map((request) => [request.requestId, explainWaiting(state, request)]);
  }

  return async (requests: readonly RequestRecord[]): Promise<ReadonlyMap<string, Wait>> => {
    const waits = requests.flatMap((request): [string, Wait][] => {
      const wait = explainElsewhere(request);
      return wait ? [[request.requestId, wait]] : [];
    });
    const byLane = Map.groupBy(requests.filter(isWaiting), ({ lane }) => lane);
    const explained = await Promise.all([...byLane.values()].map(explainLane));
    return new Map([...waits, ...explained.flat()]);
  };
}

const asWaiting = (request: RequestRecord): WaitingRequest => ({
  requestId: request.requestId,
  position: request.lanePosition ?? Number.MAX_SAFE_INTEGER,
  ...subQueueOf(request),
});

const isWaiting = (request: RequestRecord) =>
  request.status === "QUEUED" || (request.status === "SCHEDULED" && !waitsForDependency(request));

/** What a request waits for that does not wait in its lane. */
function explainElsewhere(request: RequestRecord): Wait | undefined {
  if (waitsForDependency(request)) {
    return { waitsFor: "dependency", reason: `It waits for ${request.dependsOn?.requestId}.` };
  }
  switch (request.status) {
    case "SUBMITTING":
      return { waitsFor: "provider", reason: "The request is being sent to the provider." };
    case "RUNNING":
      return { waitsFor: "provider", reason: "The provider has not reported the result yet." };
    case "ACTION_REQUIRED":
      return { waitsFor: "provider", reason: "The provider waits for a person's input." };
    case "UNKNOWN":
      return { waitsFor: "provider", reason: "It is not known whether the provider has it." };
    default:
      return undefined;
  }
}

interface LaneNow {
  lane: Lane | undefined;
  queue: LaneQueue;
  settings: PaceSettings;
  isConnectionPaused: boolean;
}

interface LaneState extends LaneNow {
  nowMs: number;
  budget: LaneBudget;
  pause: LanePause | undefined;
  /** When each waiting request is expected to be taken; empty while nobody knows. */
  expected: ReadonlyMap<string, number>;
}

function laneState(of: LaneNow, nowMs: number): LaneState {
  const { lane } = of;
  const isOver = lane?.pause?.untilMs !== undefined && lane.pause.untilMs <= nowMs;
  const pause = isOver ? undefined : lane?.pause;
  const state = { ...of, nowMs, pause, budget: lane ? currentBudget(lane) : noBudget };
  return { ...state, expected: expectedTimes(state, of.queue.waiting) };
}

/** When each of these requests is taken if nothing changes. */
function expectedTimes(
  state: Omit<LaneState, "expected">,
  waiting: readonly WaitingRequest[],
): ReadonlyMap<string, number> {
  const { lane, budget, settings, pause, isConnectionPaused, nowMs } = state;
  const hasNoEnd = isConnectionPaused || (pause && pause.untilMs === undefined);
  if (hasNoEnd) return new Map();
  const times = forecast({
    settings,
    usage: budget.usage,
    highInARow: budget.highInARow,
    nextSubmissionNotBeforeMs: Math.max(lane?.nextSubmissionNotBeforeMs ?? 0, pause?.untilMs ?? 0),
    queue: waiting.map((one) => ({
      ...one,
      id: one.requestId,
      notBeforeMs: lane?.categoryPauses[one.category]?.untilMs,
    })),
    nowMs,
    maxTakes: MAX_FORECAST,
    lateWakeUp,
  });
  return withRate(times, waiting);
}

/** Adds the requests behind those of the forecast, in their order and at the rate of its last half. */
function withRate(
  times: ReadonlyMap<string, number>,
  waiting: readonly WaitingRequest[],
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

function explainWaiting(state: LaneState, request: RequestRecord): Wait {
  const { nowMs, pause, isConnectionPaused } = state;
  const { requestId, scheduledMs = 0, status } = request;
  if (status === "SCHEDULED" && scheduledMs > nowMs) return explainScheduled(state, request);
  const expectedMs = state.expected.get(requestId);
  const where = { position: positionOf(state, request), expectedMs };
  if (isConnectionPaused) {
    return { waitsFor: "connection_paused", reason: "The connection is paused.", ...where };
  }
  if (pause) {
    const end =
      pause.untilMs === undefined ? "until it is resumed" : `until ${toIso(pause.untilMs)}`;
    const reason = `The account is paused ${end}: ${pause.reason}.`;
    return { waitsFor: "account_paused", reason, ...where };
  }
  return { ...explainTurn(state, request, where.position), ...where };
}

/** A request that joins its lane later: those that wait now are before it. */
function explainScheduled(state: LaneState, request: RequestRecord): Wait {
  const { scheduledMs = 0, requestId } = request;
  const expectedMs = expectedTimes(state, [...state.queue.waiting, asWaiting(request)]).get(
    requestId,
  );
  return {
    waitsFor: "schedule",
    reason: `It is scheduled for ${toIso(scheduledMs)}.`,
    ...(expectedMs === undefined ? {} : { expectedMs: Math.max(scheduledMs, expectedMs) }),
  };
}

/** What a request waits for whose account is active. */
function explainTurn(
  { lane, budget, settings, queue, nowMs }: LaneState,
  request: RequestRecord,
  position: number,
): Pick<Wait, "waitsFor" | "reason"> {
  const { category } = subQueueOf(request);
  const pause = lane?.categoryPauses[category];
  if (pause?.untilMs !== undefined && pause.untilMs > nowMs) {
    const until = toIso(pause.untilMs);
    return { waitsFor: "budget", reason: `${category} is paused until ${until}: ${pause.reason}.` };
  }
  const wait = whenEligible(settings, budget.usage, category, nowMs);
  if (wait.waitsFor !== "now" && !request.isLogin) return explainPace(wait, category, settings);
  if (queue.isHeld) {
    return { waitsFor: "lane", reason: "Another request of the account is being carried out." };
  }
  if (position > 1) {
    return { waitsFor: "lane", reason: `${position - 1} of the account's requests are before it.` };
  }
  const notBeforeMs = lane?.nextSubmissionNotBeforeMs ?? 0;
  const gapEnd = notBeforeMs > nowMs ? ` It ends at ${toIso(notBeforeMs)}.` : "";
  return { waitsFor: "pace", reason: `The gap between two requests of the account.${gapEnd}` };
}

function explainPace(
  { waitsFor, atMs, limit }: PaceWait,
  category: Category,
  { hours }: PaceSettings,
): Pick<Wait, "waitsFor" | "reason"> {
  const when = Number.isFinite(atMs) ? ` until ${toIso(atMs)}` : "";
  switch (waitsFor) {
    case "hours": {
      const { days = [], from, to, timeZone } = hours ?? {};
      const open = `${days.join(", ")} ${from}-${to} ${timeZone}`;
      return { waitsFor, reason: `The account's hours (${open}) are closed${when}.` };
    }
    case "budget":
      return {
        waitsFor,
        reason: `The limit of ${limit?.max} ${limit?.category} per ${limit?.per} is used up${when}.`,
      };
    default:
      return { waitsFor: "pace", reason: `${category} is spread over the day: none${when}.` };
  }
}

/** The place among the account's waiting requests, by the time at which each is expected. */
function positionOf({ expected, queue }: LaneState, request: RequestRecord): number {
  const order = ({ requestId, position }: { requestId: string; position: number }) =>
    [expected.get(requestId) ?? Number.POSITIVE_INFINITY, position] as const;
  const { requestId, lanePosition: position = Number.MAX_SAFE_INTEGER } = request;
  const own = order({ requestId, position });
  return 1 + queue.waiting.filter((other) => isBefore(order(other), own)).length;
}

function isBefore(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] === other[0] ? one[1] < other[1] : one[0] < other[0];
}
