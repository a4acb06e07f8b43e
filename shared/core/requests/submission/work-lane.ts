import type { Lease } from "../../clock.ts";
import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import { type LaneHeadResult, makeProcessLaneHead } from "../lanes/lane-head.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import { makePaceOf } from "../lanes/pace.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { failRequest, type RequestError } from "../state/endings.ts";
import type { LaneStore, ProviderClients, RequestStore } from "../state/ports.ts";
import type { Lane, LanePause, RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import {
  SUBMISSION_MARGIN_MS,
  type SubmitRequest,
  type SubmitRequestResult,
  type Submitted,
} from "./submit-request.ts";

/**
 * One run of a lane's worker: acquire the lane's lease, decide what the head of
 * the lane allows, submit at most one request, release the lane with the time
 * of the next wake-up. Requests that end without a call to the provider are
 * skipped within the same run.
 */

export interface WorkLaneDeps {
  requests: RequestStore;
  writer: RequestWriter;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "readUncached">;
  providerClients: ProviderClients;
  submitRequest: SubmitRequest;
  context: () => DecisionContext;
  newOwner: () => string;
}

export interface LaneRunResult {
  /** `busy`: another worker has the lease, and nothing was done. */
  kind: "done" | "busy";
  submissions: SubmitRequestResult[];
  /** Requests that this run changed. The caller publishes their outboxes. */
  changed: RequestRecord[];
  /** Time (business) that the first waiting request has waited; absent when none waits. */
  headWaitMs?: number | undefined;
}

/** How often one run looks at the head of its lane. */
const MAX_TURNS_PER_RUN = 25;

/** Interval (business) at which a lane is checked while its connection is paused. */
const PAUSED_CONNECTION_MS = 300_000;

/** What this run changed of the lane, written when the lane is released. */
interface LaneChange {
  hasSubmitted: boolean;
  /** Requests that wait no longer. */
  dequeuedCount: number;
  nextSubmissionNotBeforeMs?: number | undefined;
  pause?: LanePause | undefined;
}

interface StepResult extends Omit<LaneHeadResult, "decision"> {
  next: /** A request ended without a call: look at the next request in the same run. */
    | { kind: "continue" }
    /** Release the lane until this time (business); absent when no request waits. */
    | { kind: "release"; wakeUpAtMs?: number | undefined; isOnlyCheck?: boolean | undefined };
  submissions: SubmitRequestResult[];
  change: LaneChange;
}

export type WorkLane = ReturnType<typeof makeWorkLane>;

/**
 * Submits at most one request of a lane, in its turn (G5), and schedules the
 * lane's next wake-up.
 *
 * @throws DEPENDENCY_DOWN; started submissions are stored, and the lease expires by itself
 */
export function makeWorkLane(deps: WorkLaneDeps) {
  const { writer, lanes, laneScheduler } = deps;
  const processHead = makeProcessLaneHead(deps);
  const paceOf = makePaceOf(deps);

  return async (laneId: string, remainingMs: () => number): Promise<LaneRunResult> => {
    const acquired = await acquire(laneId);
    let result: LaneRunResult = { kind: "done", submissions: [], changed: [] };
    if (!acquired) return { ...result, kind: "busy" };
    const { lease } = acquired;
    let { lane, change } = acquired;
    for (let turn = 0; turn < MAX_TURNS_PER_RUN; turn++) {
      const step = await runStep(lane, change, { lease, remainingMs });
      result = {
        kind: "done",
        submissions: [...result.submissions, ...step.submissions],
        changed: [...result.changed, ...step.changed],
        headWaitMs: step.headWaitMs ?? result.headWaitMs,
      };
      ({ change } = step);
      if (step.next.kind === "continue") continue;
      const released = await release(lane, step.next, change);
      if (released === "done") return result;
      lane = released;
    }
    await release(lane, { wakeUpAtMs: deps.context().nowMs }, change);
    return result;
  };

  async function acquire(
    laneId: string,
  ): Promise<{ lane: Lane; lease: Lease; change: LaneChange } | undefined> {
    const { nowMs, nowRealMs, rules } = deps.context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.laneLeaseMs };
    const sweepDueMs = laneScheduler.sweepDueAfterWakeUp(nowMs + rules.laneLeaseMs);
    const acquired = await lanes.acquire(laneId, lease, sweepDueMs);
    if (!acquired) return undefined;
    const { abandonedByPrevious, ...lane } = acquired;
    const change: LaneChange = { hasSubmitted: false, dequeuedCount: 0 };
    if (!abandonedByPrevious) return { lane, lease, change };
    // The previous worker may have received an answer just before it died, so the gap starts now.
    const { maxGapMs } = await paceOf(lane);
    const nextSubmissionNotBeforeMs = Math.max(lane.nextSubmissionNotBeforeMs, nowMs + maxGapMs);
    return { lane, lease, change: { ...change, nextSubmissionNotBeforeMs } };
  }

  async function runStep(
    lane: Lane,
    change: LaneChange,
    { lease, remainingMs }: { lease: Lease; remainingMs: () => number },
  ): Promise<StepResult> {
    const notBeforeMs = change.nextSubmissionNotBeforeMs ?? lane.nextSubmissionNotBeforeMs;
    const pause = change.pause ?? lane.pause;
    const { decision, ...seen } = await processHead({
      ...lane,
      nextSubmissionNotBeforeMs: notBeforeMs,
      pause,
    });
    const step = { ...seen, submissions: [], change };
    if (decision.kind === "idle") return { ...step, next: { kind: "release" } };
    if (decision.kind === "wait") {
      const { untilMs: wakeUpAtMs, isOnlyCheck } = decision;
      return { ...step, next: { kind: "release", wakeUpAtMs, isOnlyCheck } };
    }
    if (change.hasSubmitted || !hasTime(lease.untilMs, remainingMs)) {
      const wakeUpAtMs = Math.max(notBeforeMs, deps.context().nowMs);
      return { ...step, next: { kind: "release", wakeUpAtMs } };
    }
    const { submission, ended } = await submitOrEnd(decision.request, lease);
    if (submission === "connectionPaused") {
      const wakeUpAtMs = deps.context().nowMs + PAUSED_CONNECTION_MS;
      return { ...step, next: { kind: "release", wakeUpAtMs, isOnlyCheck: true } };
    }
    const submissions = submission ? [submission] : [];
    const changed = [...seen.changed, ...(ended ? [ended] : [])];
    if (submission?.kind !== "submitted") {
      return { ...step, submissions, changed, next: { kind: "continue" } };
    }
    return {
      ...step,
      submissions,
      changed: submission.mustPublish ? [...changed, submission.request] : changed,
      change: changeAfter(submission),
      next: { kind: "release", wakeUpAtMs: nextCheckAfter(submission, decision.othersWait) },
    };
  }

  /** A submission is started only when its answer can be stored before the lease and the function end. */
  function hasTime(leaseUntilMs: number, remainingMs: () => number): boolean {
    const { nowRealMs, rules } = deps.context();
    const neededMs = rules.submitTimeoutMs + SUBMISSION_MARGIN_MS;
    return leaseUntilMs - nowRealMs > neededMs && remainingMs() > neededMs;
  }

  /** Returns `done` when the lane is released or the lease is lost, else the lane as it is stored now. */
  async function release(
    lane: Lane,
    {
      wakeUpAtMs,
      isOnlyCheck,
    }: { wakeUpAtMs?: number | undefined; isOnlyCheck?: boolean | undefined },
    { dequeuedCount, nextSubmissionNotBeforeMs, pause }: LaneChange,
  ): Promise<"done" | Lane> {
    const sweepDueMs =
      wakeUpAtMs === undefined ? undefined : laneScheduler.sweepDueAfterWakeUp(wakeUpAtMs);
    const released = await lanes.release(lane, {
      dequeuedCount,
      nextSubmissionNotBeforeMs,
      pause,
      sweepDueMs,
      isOnlyCheck,
    });
    if (typeof released === "object") return released;
    if (released === "released" && wakeUpAtMs !== undefined) {
      await laneScheduler.sendWakeUp(lane, wakeUpAtMs);
    }
    return "done";
  }

  /** Submits the request, or ends it FAILED when it can never be submitted. */
  async function submitOrEnd(
    request: RequestRecord,
    lease: Lease,
  ): Promise<{
    submission?: SubmitRequestResult | "connectionPaused";
    ended?: RequestRecord | undefined;
  }> {
    // Nothing is submitted after the call that pauses or deletes the connection has returned.
    const connection = await deps.connections.readUncached(request.connectionId);
    if (!connection) return { ended: await endAsFailed(request, connectionDeleted) };
    if (connection.settings.status === "paused") return { submission: "connectionPaused" };
    const submission = await deps.submitRequest({
      request,
      connection,
      sender: { owner: lease.owner, leaseUntilRealMs: lease.untilMs },
      pace: await paceOf(request),
    });
    if (submission.kind !== "unsubmittable") return { submission };
    return { submission, ended: await endAsFailed(submission.request, submission.error) };
  }

  async function endAsFailed(
    request: RequestRecord,
    error: RequestError,
  ): Promise<RequestRecord | undefined> {
    const provider = deps.providerClients[request.provider];
    return writer.replace(failRequest(request, error, deps.context(), provider));
  }
}

function changeAfter({ request, nextSubmissionNotBeforeMs, pause }: Submitted): LaneChange {
  const dequeuedCount = request.laneState === "waiting" ? 0 : 1;
  return { hasSubmitted: true, dequeuedCount, nextSubmissionNotBeforeMs, pause };
}

/** When the lane must be checked again after a submission; `undefined` when nothing waits. */
function nextCheckAfter(submission: Submitted, othersWait: boolean): number | undefined {
  const { request, nextSubmissionNotBeforeMs, pause } = submission;
  const { laneState, holdUntilMs = 0 } = request;
  if (!othersWait && laneState !== "waiting") return undefined;
  const heldUntilMs = laneState === "holding" ? holdUntilMs : 0;
  return Math.max(nextSubmissionNotBeforeMs, heldUntilMs, pause?.untilMs ?? 0);
}

const connectionDeleted: RequestError = {
  code: "CONNECTION_DELETED",
  message: "The connection of this request was deleted",
};
