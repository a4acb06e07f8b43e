import type { Category } from "../../../contracts/pace.ts";
import { chooseNext } from "../../pace/choose-next.ts";
import { whenEligible } from "../../pace/eligibility.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { countedWaitMs } from "../state/lane-counters.ts";
import { activePause } from "../state/pause-after.ts";
import type { RequestStore } from "../state/ports.ts";
import {
  type Lane,
  type LaneCounters,
  type LanePause,
  PAUSED_BY_CLIENT,
  type RequestRecord,
} from "../state/record.ts";
import { withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { markUnknown } from "../state/submission-transitions.ts";

/** Interval (business) at which a paused lane is checked. Each check also measures how long its requests wait. */
const PAUSED_LANE_MS = 3_600_000;

/** Interval (business) at which a lane is checked while a submission is in flight. */
const SUBMITTING_MS = 60_000;

/** Interval (business) at which a lane is checked that can submit nothing for longer. */
const MAX_WAIT_MS = 7 * 24 * 3_600_000;

/** What the head of the lane allows. */
export type LaneDecision =
  | {
      kind: "submit";
      request: RequestRecord;
      othersWait: boolean;
      /** When it began to wait: at its join, or at the end of the last pause. */
      eligibleSinceMs: number;
    }
  /**
   * `isOnlyCheck`: nothing can be submitted at that time either, because the pause has no end.
   * `dependsOnSubQueues`: a request of another sub-queue might be submitted before.
   */
  | {
      kind: "wait";
      untilMs: number;
      isOnlyCheck?: boolean;
      dependsOnSubQueues?: boolean;
      /** What it waits for is a limit of the account that is used up. */
      isBudgetUsedUp?: boolean;
    }
  /** No request waits. */
  | { kind: "idle" };

export interface LaneHeadResult {
  decision: LaneDecision;
  /** Requests whose hold this call has ended. The caller publishes their outboxes. */
  changed: RequestRecord[];
  /** The wait of the longest waiting of the first requests; absent when none waits. */
  headWait?: HeadWait | undefined;
  /** The first waiting request of each sub-queue. */
  firsts: readonly RequestRecord[];
  /** Until when each category of these is blocked, where it is. */
  blocks: ReadonlyMap<Category, number>;
}

export interface LaneHeadDeps {
  requests: RequestStore;
  writer: RequestWriter;
  context: () => DecisionContext;
  /**
   * Told of each request that became UNKNOWN, because the worker that was submitting it had died.
   * It is told at once: what fails later in the run does not keep it from being told.
   */
  onAbandoned: (request: RequestRecord) => void;
}

/** A lane as its worker sees it. */
export interface WorkedLane {
  lane: Lane;
  counters: LaneCounters;
  settings: PaceSettings;
}

/**
 * Ends the expired holds of a lane, and decides what its worker may do now: submit a
 * request, or wait for a hold, a pause, the pace or the account's limits.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeProcessLaneHead(deps: LaneHeadDeps) {
  const { requests, writer } = deps;

  return processHead;

  async function processHead(worked: WorkedLane): Promise<LaneHeadResult> {
    const context = deps.context();
    const head = await requests.readLaneHead(worked.lane);
    const { firsts } = head;
    const seen = {
      changed: [] as RequestRecord[],
      headWait: longestWait(worked.counters, firsts, context.nowMs),
      firsts,
      blocks: blocksOf(worked, firsts, context),
    };
    for (const holder of head.holders) {
      const hold = await endExpiredHold(holder, context);
      if (hold.changed) seen.changed.push(hold.changed);
      if (hold.untilMs !== undefined) {
        return { ...seen, decision: { kind: "wait", untilMs: hold.untilMs } };
      }
    }
    if (head.hasMoreHolders) {
      const next = await processHead(worked);
      return { ...next, changed: [...seen.changed, ...next.changed] };
    }
    const decision = await decide(worked, firsts, context);
    if (decision.kind !== "submit") return { ...seen, decision };
    const othersWait = firsts.length > 1 || head.hasMoreWaiting;
    return { ...seen, decision: { ...decision, othersWait } };
  }

  /** Whether the pause, the pace and the limits allow a submission now, and of which request. */
  async function decide(
    { lane, counters, settings }: WorkedLane,
    firsts: readonly RequestRecord[],
    context: DecisionContext,
  ): Promise<LaneDecision> {
    if (firsts.length === 0) return { kind: "idle" };
    const { pause, nextSubmissionNotBeforeMs } = lane;
    const pausedUntilMs = pauseEnd(pause, context);
    // A login is let through a pause that waits for one.
    const letsLoginsThrough =
      pausedUntilMs !== undefined &&
      pause?.untilMs === undefined &&
      pause?.reason !== PAUSED_BY_CLIENT;
    const login = letsLoginsThrough ? await requests.firstLogin(lane.lane) : undefined;
    if (pausedUntilMs !== undefined && !login) {
      return { kind: "wait", untilMs: pausedUntilMs, isOnlyCheck: pause?.untilMs === undefined };
    }
    if (nextSubmissionNotBeforeMs > context.nowMs) {
      return { kind: "wait", untilMs: nextSubmissionNotBeforeMs };
    }
    if (login) return submitDecision(login, lane);
    const choice = chooseNext(settings, counters.usage, {
      heads: firsts.map((request) => headOf(request, lane)),
      highInARow: counters.highInARow,
      nowMs: context.nowMs,
    });
    switch (choice.kind) {
      case "idle":
        return choice;
      case "wait": {
        const untilMs = Math.min(choice.wait.atMs, context.nowMs + MAX_WAIT_MS);
        const isBudgetUsedUp = choice.wait.waitsFor === "budget";
        return { kind: "wait", untilMs, dependsOnSubQueues: true, isBudgetUsedUp };
      }
      default:
        return submitDecision(choice.head.request, lane);
    }
  }

  /** Returns until when the request holds its lane, `undefined` when its hold has ended. */
  async function endExpiredHold(
    holder: RequestRecord,
    context: DecisionContext,
  ): Promise<{ untilMs: number | undefined; changed?: RequestRecord | undefined }> {
    const { nowMs, nowRealMs } = context;
    if (holder.status === "SUBMITTING") {
      const { sendingUntilRealMs = Number.POSITIVE_INFINITY } = holder;
      if (sendingUntilRealMs > nowRealMs) return { untilMs: nowMs + SUBMITTING_MS };
      // Its worker died, so it is not known whether the provider has the request.
      const unknown = await writer.replace(markUnknown(holder, context));
      if (unknown) deps.onAbandoned(unknown);
      return { untilMs: unknown?.holdUntilMs ?? nowMs, changed: unknown };
    }
    const { holdUntilMs = 0 } = holder;
    if (holdUntilMs > nowMs) return { untilMs: holdUntilMs };
    const withoutHold = withDerivedFields({ ...holder, holdUntilMs: undefined }, context);
    // When another write came first, the request may hold the lane again: check at once.
    return { untilMs: (await writer.replace(withoutHold)) ? undefined : nowMs };
  }
}

/** How long (business) a request at the head of a lane has waited, without the time that does not count. */
export interface HeadWait {
  ms: number;
  request: RequestRecord;
}

/** Returns the longest of these waits. */
export function longest(waits: readonly HeadWait[]): HeadWait | undefined {
  return waits.toSorted((a, b) => b.ms - a.ms)[0];
}

function longestWait(
  counters: LaneCounters,
  firsts: readonly RequestRecord[],
  nowMs: number,
): HeadWait | undefined {
  return longest(
    firsts.map((request) => ({ ms: countedWaitMs(request, counters, nowMs), request })),
  );
}

function submitDecision(request: RequestRecord, { pause, categoryPauses }: Lane): LaneDecision {
  const { joinedMs = 0, category = "other" } = request;
  const pauseEnds = [pause?.untilMs ?? 0, categoryPauses[category]?.untilMs ?? 0];
  const eligibleSinceMs = Math.max(joinedMs, ...pauseEnds);
  return { kind: "submit", request, othersWait: true, eligibleSinceMs };
}

/** A waiting request as the choice between the sub-queues sees it. */
function headOf(request: RequestRecord, { categoryPauses }: Lane) {
  const { category, isHigh } = subQueueOf(request);
  return {
    id: request.requestId,
    request,
    category,
    isHigh,
    position: request.lanePosition ?? 0,
    isUnlimited: request.isLogin === true,
    notBeforeMs: categoryPauses[category]?.untilMs,
  };
}

/** Until when nothing of a category can be submitted, for the categories of these requests. */
function blocksOf(
  { lane, counters, settings }: WorkedLane,
  firsts: readonly RequestRecord[],
  context: DecisionContext,
): ReadonlyMap<Category, number> {
  const pausedUntilMs = lane.pause?.isOutage ? 0 : (pauseEnd(lane.pause, context) ?? 0);
  return new Map(
    firsts.map((request) => {
      const { category } = subQueueOf(request);
      const { atMs } = whenEligible(settings, counters.usage, category, context.nowMs);
      const pausedMs = Math.max(pausedUntilMs, lane.categoryPauses[category]?.untilMs ?? 0);
      return [category, Math.min(Math.max(pausedMs, atMs), context.nowMs + MAX_WAIT_MS)];
    }),
  );
}

/** When a pause ends or must be checked again; `undefined` when it has ended. */
function pauseEnd(pause: LanePause | undefined, { nowMs }: DecisionContext): number | undefined {
  const active = activePause(pause, nowMs);
  return active && (active.untilMs ?? nowMs + PAUSED_LANE_MS);
}
