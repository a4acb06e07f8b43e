import type { Category } from "../../../contracts/pace.ts";
import { toIso } from "../../clock.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { waitOf } from "../../pace/choose-next.ts";
import type { Wait as PaceWait } from "../../pace/eligibility.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import { readLedgerFor } from "../../pace/spread.ts";
import { waitsForDependency } from "../state/dependency.ts";
import type { LanePause, RequestRecord } from "../state/record.ts";
import type { Wait } from "../state/request-view.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { type LaneState, type LaneStateDeps, makeReadLaneState, positionOf } from "./lane-state.ts";

/** Accounts that are read at the same time. */
const CONCURRENCY = 20;

export type ExplainWaits = ReturnType<typeof makeExplainWaits>;

/**
 * Tells for each request that has not ended what it waits for and, before it is submitted, when
 * that is expected. Reads each account once.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeExplainWaits(deps: LaneStateDeps) {
  const readLaneState = makeReadLaneState(deps);

  async function explainLane([first, ...others]: readonly RequestRecord[]) {
    if (!first) return [];
    const requests = [first, ...others];
    const state = await readLaneState(first, requests);
    return requests.map((request) => [request.requestId, explainWaiting(state, request)] as const);
  }

  return async (requests: readonly RequestRecord[]): Promise<ReadonlyMap<string, Wait>> => {
    const waits = requests.flatMap((request): [string, Wait][] => {
      const wait = explainElsewhere(request);
      return wait ? [[request.requestId, wait]] : [];
    });
    const byLane = Map.groupBy(requests.filter(isWaiting), ({ lane }) => lane);
    const explained = new Map(waits);
    await forEachConcurrent([...byLane.values()], CONCURRENCY, async (members) => {
      for (const [requestId, wait] of await explainLane(members)) explained.set(requestId, wait);
    });
    return explained;
  };
}

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

function explainWaiting(state: LaneState, request: RequestRecord): Wait {
  const { nowMs, pause, isConnectionPaused } = state;
  const { requestId, scheduledMs = 0, status } = request;
  if (status === "SCHEDULED" && scheduledMs > nowMs) return explainScheduled(state, request);
  const expectedMs = state.expected.get(requestId);
  const where = { position: positionOf(state, requestId), expectedMs };
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
function explainScheduled({ expected }: LaneState, request: RequestRecord): Wait {
  const { scheduledMs = 0, requestId } = request;
  const expectedMs = expected.get(requestId);
  return {
    waitsFor: "schedule",
    reason: `It is scheduled for ${toIso(scheduledMs)}.`,
    ...(expectedMs === undefined ? {} : { expectedMs: Math.max(scheduledMs, expectedMs) }),
  };
}

/** What a request waits for whose account is active, by the rules by which its worker chooses. */
function explainTurn(
  { lane, counters, settings, queue, nowMs }: LaneState,
  request: RequestRecord,
  position: number,
): Pick<Wait, "waitsFor" | "reason"> {
  const { category } = subQueueOf(request);
  const pause = lane?.categoryPauses[category];
  const gapEndMs = lane?.nextSubmissionNotBeforeMs ?? 0;
  const next = { category, isUnlimited: request.isLogin, notBeforeMs: pause?.untilMs };
  const ledger = readLedgerFor(settings, counters.usage);
  // A worker chooses when the gap has ended.
  const wait = waitOf(settings, ledger, next, Math.max(nowMs, gapEndMs));
  if (wait.waitsFor !== "now") return explainPace(wait, { category, settings, pause });
  if (queue.holders.length > 0) {
    return { waitsFor: "lane", reason: "Another request of the account is being carried out." };
  }
  if (position > 1) {
    return { waitsFor: "lane", reason: `${position - 1} of the account's requests are before it.` };
  }
  const gapEnd = gapEndMs > nowMs ? ` It ends at ${toIso(gapEndMs)}.` : "";
  return { waitsFor: "pace", reason: `The gap between two requests of the account.${gapEnd}` };
}

function explainPace(
  { waitsFor, atMs, limit }: PaceWait,
  of: { category: Category; settings: PaceSettings; pause: LanePause | undefined },
): Pick<Wait, "waitsFor" | "reason"> {
  const { category, pause } = of;
  const when = Number.isFinite(atMs) ? ` until ${toIso(atMs)}` : "";
  switch (waitsFor) {
    case "hours": {
      const { days = [], from, to, timeZone } = of.settings.hours ?? {};
      const open = `${days.join(", ")} ${from}-${to} ${timeZone}`;
      return { waitsFor, reason: `The account's hours (${open}) are closed${when}.` };
    }
    case "budget": {
      const reason = limit
        ? `The limit of ${limit.max} ${limit.category} per ${limit.per} is used up${when}.`
        : `${category} is paused${when}: ${pause?.reason}.`;
      return { waitsFor, reason };
    }
    default:
      return { waitsFor: "pace", reason: `${category} is spread over the day: none${when}.` };
  }
}
