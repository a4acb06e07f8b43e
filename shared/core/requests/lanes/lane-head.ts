import type { DecisionContext } from "../state/decision-context.ts";
import type { RequestStore } from "../state/ports.ts";
import {
  type Lane,
  type LanePause,
  PAUSED_BY_CLIENT,
  type RequestRecord,
} from "../state/record.ts";
import { withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { markUnknown } from "../state/submission-transitions.ts";

/** Requests of the lane's head that are read at once: the holder, the first, and whether others wait. */
const LANE_HEAD_PAGE = 4;

/** Interval (business) at which a paused lane is checked. Each check also measures how long its requests wait. */
const PAUSED_LANE_MS = 3_600_000;

/** Interval (business) at which a lane is checked while a submission is in flight. */
const SUBMITTING_MS = 60_000;

/** What the head of the lane allows. */
export type LaneDecision =
  | { kind: "submit"; request: RequestRecord; othersWait: boolean }
  /** `isOnlyCheck`: nothing can be submitted at that time either, because the pause has no end. */
  | { kind: "wait"; untilMs: number; isOnlyCheck?: boolean }
  /** No request waits. */
  | { kind: "idle" };

export interface LaneHeadResult {
  decision: LaneDecision;
  /** Requests whose hold this call has ended. The caller publishes their outboxes. */
  changed: RequestRecord[];
  /** Time (business) that the first waiting request has waited; absent when none waits. */
  headWaitMs?: number | undefined;
}

/**
 * Ends the expired holds of a lane, and decides what its worker may do now: submit a
 * request, or wait for a hold, a pause or the pace.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeProcessLaneHead(deps: {
  requests: RequestStore;
  writer: RequestWriter;
  context: () => DecisionContext;
}) {
  const { requests, writer } = deps;

  return processHead;

  async function processHead(lane: Lane): Promise<LaneHeadResult> {
    const context = deps.context();
    const head = await requests.readLaneHead(lane.lane, LANE_HEAD_PAGE);
    const [first, second] = head.filter(({ laneState }) => laneState === "waiting");
    const changed: RequestRecord[] = [];
    const headWaitMs = first && context.nowMs - (first.joinedMs ?? context.nowMs);
    for (const holder of head.filter(({ laneState }) => laneState === "holding")) {
      const hold = await endExpiredHold(holder, context);
      if (hold.changed) changed.push(hold.changed);
      if (hold.untilMs === undefined) continue;
      return { decision: { kind: "wait", untilMs: hold.untilMs }, changed, headWaitMs };
    }
    const hasMore = head.length === LANE_HEAD_PAGE;
    if (!first && hasMore) {
      const next = await processHead(lane);
      return { ...next, changed: [...changed, ...next.changed] };
    }
    const decision = first ? await decideFirst(lane, first, context) : { kind: "idle" as const };
    if (decision.kind !== "submit") return { decision, changed, headWaitMs };
    const othersWait = second !== undefined || hasMore;
    return { decision: { ...decision, othersWait }, changed, headWaitMs };
  }

  /** Whether the pause and the pace of the lane allow a submission now, and of which request. */
  async function decideFirst(
    lane: Lane,
    first: RequestRecord,
    context: DecisionContext,
  ): Promise<
    | { kind: "submit"; request: RequestRecord }
    | { kind: "wait"; untilMs: number; isOnlyCheck?: boolean }
  > {
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
    return { kind: "submit", request: login ?? first };
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
      return { untilMs: unknown?.holdUntilMs ?? nowMs, changed: unknown };
    }
    const { holdUntilMs = 0 } = holder;
    if (holdUntilMs > nowMs) return { untilMs: holdUntilMs };
    const withoutHold = withDerivedFields({ ...holder, holdUntilMs: undefined }, context);
    // When another write came first, the request may hold the lane again: check at once.
    return { untilMs: (await writer.replace(withoutHold)) ? undefined : nowMs };
  }
}

/** When a pause ends or must be checked again; `undefined` when it has ended. */
function pauseEnd(pause: LanePause | undefined, { nowMs }: DecisionContext): number | undefined {
  if (pause === undefined) return undefined;
  const { untilMs = nowMs + PAUSED_LANE_MS } = pause;
  return untilMs > nowMs ? untilMs : undefined;
}
