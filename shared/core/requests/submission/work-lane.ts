import type { Category } from "../../../contracts/pace.ts";
import type { Lease } from "../../clock.ts";
import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import {
  type HeadWait,
  type LaneHeadDeps,
  type LaneHeadResult,
  makeProcessLaneHead,
} from "../lanes/lane-head.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import { makePaceSettingsOf } from "../lanes/pace.ts";
import { failRequest } from "../state/endings.ts";
import { gapAfterTake, withBlocks } from "../state/lane-counters.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { ProviderClients } from "../state/ports.ts";
import type { DeferredRemoval } from "../state/publish-outboxes.ts";
import type { Lane, LaneCounters, RequestError, RequestRecord } from "../state/record.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { type Plan, planWithoutWaiting, withJoining } from "./lane-plan.ts";
import {
  changeAfter,
  countersAfterRun,
  type LaneChange,
  type LaneRun,
  nextCheckAfter,
  withPause,
} from "./lane-run.ts";
import type { Attempted, Sender, SubmitRequest, SubmitRequestResult } from "./submit-request.ts";
import { SUBMISSION_MARGIN_MS } from "./submitting-until.ts";

/**
 * One run of a lane's worker: acquire the lane's lease, decide what the head of
 * the lane allows, submit at most one request, release the lane with the time
 * of the next wake-up. Requests that end without a call to the provider are
 * skipped within the same run.
 */

export interface WorkLaneDeps extends LaneHeadDeps {
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "readUncached">;
  providerClients: ProviderClients;
  submitRequest: SubmitRequest;
  newOwner: () => string;
}

export interface LaneRunResult {
  /** `busy`: another worker has the lease, and nothing was done. */
  kind: "done" | "busy";
  submissions: SubmitRequestResult[];
  /** Requests that this run changed. The caller publishes their outboxes. */
  changed: RequestRecord[];
  /** As in `LaneHeadResult`. */
  headWait?: HeadWait | undefined;
  /** Nothing could be submitted, because a limit of the account is used up. */
  isBudgetUsedUp?: boolean | undefined;
}

/** How often one run looks at the head of its lane. */
const MAX_STEPS_PER_RUN = 25;

/** Interval (business) at which a lane is checked while its connection is paused. */
const PAUSED_CONNECTION_MS = 300_000;

interface StepResult extends Omit<LaneHeadResult, "decision"> {
  isBudgetUsedUp?: boolean | undefined;
  next: /** A request ended without a call: look at the next request in the same run. */
    | { kind: "continue" }
    /** Release the lane until this time (business); absent when no request waits. */
    | ({ kind: "release" } & Plan);
  submissions: SubmitRequestResult[];
  change: LaneChange;
}

export type WorkLane = ReturnType<typeof makeWorkLane>;

/**
 * Submits at most one request of a lane, in its turn (G5), and schedules the
 * lane's next wake-up. `deferredRemovals` has, by request, the published events that the write that
 * claims the request removes from its outbox.
 *
 * @throws DEPENDENCY_DOWN; started submissions are stored, and the lease expires by itself
 */
export function makeWorkLane(deps: WorkLaneDeps) {
  const { writer, lanes, laneScheduler } = deps;
  const processHead = makeProcessLaneHead(deps);
  const paceSettingsOf = makePaceSettingsOf(deps);

  return async (
    laneId: string,
    remainingMs: () => number,
    deferredRemovals: ReadonlyMap<string, DeferredRemoval> = new Map(),
  ): Promise<LaneRunResult> => {
    const acquired = await acquire(laneId);
    let result: LaneRunResult = { kind: "done", submissions: [], changed: [] };
    if (!acquired) return { ...result, kind: "busy" };
    const { lease, settings } = acquired;
    let { lane, change } = acquired;
    for (let n = 0; n < MAX_STEPS_PER_RUN; n++) {
      const step = await runStep(
        { lane, change, settings },
        { lease, remainingMs, deferredRemovals },
      );
      result = {
        kind: "done",
        submissions: [...result.submissions, ...step.submissions],
        changed: [...result.changed, ...step.changed],
        headWait: step.headWait ?? result.headWait,
        isBudgetUsedUp: step.isBudgetUsedUp,
      };
      ({ change } = step);
      if (step.next.kind === "continue") continue;
      const released = await release({ lane, change, settings }, step.next, step.blocks);
      if (released === "done") return result;
      lane = released;
    }
    await release({ lane, change, settings }, { wakeUpAtMs: deps.context().nowMs }, new Map());
    return result;
  };

  async function acquire(laneId: string): Promise<(LaneRun & { lease: Lease }) | undefined> {
    const { nowMs, nowRealMs, rules } = deps.context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.laneLeaseMs };
    const dueMs = laneScheduler.dueAfterWakeUp(nowMs + rules.laneLeaseMs);
    const acquired = await lanes.acquire(laneId, lease, dueMs);
    if (!acquired) return undefined;
    const { abandonedByPrevious, ...lane } = acquired;
    const settings = await paceSettingsOf(lane);
    const change: LaneChange = { uncounted: [], dequeuedCount: 0 };
    if (!abandonedByPrevious) return { lane, lease, settings, change };
    // The previous worker may have received an answer just before it died, so the gap starts now.
    const notBeforeMs = Math.max(lane.nextSubmissionNotBeforeMs, nowMs + settings.maxGapMs);
    const uncounted = await findUncounted(lane);
    return {
      lane,
      lease,
      settings,
      change: { ...change, uncounted, nextSubmissionNotBeforeMs: notBeforeMs },
    };
  }

  /** The requests that the previous worker took and did not count: it died before it released the lane. */
  async function findUncounted(lane: Lane): Promise<RequestRecord[]> {
    const { lastTaken } = lane.counters;
    const sinceMs = lastTaken?.atMs ?? 0;
    const [{ holders }, worked] = await Promise.all([
      deps.requests.readLaneHead(lane),
      deps.requests.findTakenSince(lane.lane, sinceMs),
    ]);
    return [...holders, ...worked]
      .filter(
        ({ takenMs, requestId }) =>
          takenMs !== undefined && takenMs >= sinceMs && requestId !== lastTaken?.requestId,
      )
      .sort((one, other) => (one.takenMs ?? 0) - (other.takenMs ?? 0));
  }

  async function runStep(
    { lane, change, settings }: LaneRun,
    of: {
      lease: Lease;
      remainingMs: () => number;
      deferredRemovals: ReadonlyMap<string, DeferredRemoval>;
    },
  ): Promise<StepResult> {
    const { lease, remainingMs, deferredRemovals } = of;
    const notBeforeMs = change.nextSubmissionNotBeforeMs ?? lane.nextSubmissionNotBeforeMs;
    const laneOfStep = withPause({ ...lane, nextSubmissionNotBeforeMs: notBeforeMs }, change.pause);
    const counters = countersAfterRun({ lane, change, settings });
    const { decision, ...seen } = await processHead({ lane: laneOfStep, counters, settings });
    const step = { ...seen, submissions: [], change };
    const waitingSubQueues = seen.firsts.map(subQueueOf);
    if (decision.kind === "idle") {
      const plan = planWithoutWaiting(lane, [], deps.context());
      return { ...step, next: { kind: "release", ...plan } };
    }
    if (decision.kind === "wait") {
      const { untilMs: wakeUpAtMs, isOnlyCheck, dependsOnSubQueues, isBudgetUsedUp } = decision;
      if (!dependsOnSubQueues)
        return { ...step, next: { kind: "release", wakeUpAtMs, isOnlyCheck } };
      const plan = withJoining(lane, { wakeUpAtMs, waitingSubQueues }, deps.context());
      return { ...step, isBudgetUsedUp, next: { kind: "release", ...plan } };
    }
    if (change.taken || !hasTime(lease.untilMs, remainingMs)) {
      const wakeUpAtMs = Math.max(notBeforeMs, deps.context().nowMs);
      return { ...step, next: { kind: "release", wakeUpAtMs } };
    }
    const { request, eligibleSinceMs, othersWait } = decision;
    const sender = { owner: lease.owner, leaseUntilRealMs: lease.untilMs };
    const { submission, ended } = await submitOrEnd(
      deferredRemovals.get(request.requestId)?.without(request) ?? request,
      { sender, counters, settings },
    );
    if (submission === "connectionPaused") {
      const wakeUpAtMs = deps.context().nowMs + PAUSED_CONNECTION_MS;
      const blocks = new Map([...seen.blocks.keys()].map((one) => [one, wakeUpAtMs]));
      return { ...step, blocks, next: { kind: "release", wakeUpAtMs, isOnlyCheck: true } };
    }
    const submissions = submission ? [submission] : [];
    const changed = [...seen.changed, ...(ended ? [ended] : [])];
    if (submission?.kind !== "attempted") {
      return { ...step, submissions, changed, next: { kind: "continue" } };
    }
    return {
      ...step,
      submissions,
      changed: submission.mustPublish ? [...changed, submission.request] : changed,
      change: { ...change, ...changeAfter(submission, eligibleSinceMs) },
      next: { kind: "release", ...planAfter(lane, submission, othersWait) },
    };
  }

  /** When the lane must be worked again after a submission. */
  function planAfter(lane: Lane, submission: Attempted, othersWait: boolean): Plan {
    const wakeUpAtMs = nextCheckAfter(submission, othersWait);
    if (wakeUpAtMs !== undefined) return { wakeUpAtMs };
    return planWithoutWaiting(lane, [submission.request], deps.context());
  }

  /** A submission is started only when its answer can be stored before the lease and the function end. */
  function hasTime(leaseUntilMs: number, remainingMs: () => number): boolean {
    const { nowRealMs, rules } = deps.context();
    const neededMs = rules.submitTimeoutMs + SUBMISSION_MARGIN_MS;
    return leaseUntilMs - nowRealMs > neededMs && remainingMs() > neededMs;
  }

  /** Returns `done` when the lane is released or the lease is lost, else the lane as it is stored now. */
  async function release(
    run: LaneRun,
    { wakeUpAtMs, isOnlyCheck, waitingSubQueues }: Plan,
    blocks: ReadonlyMap<Category, number>,
  ): Promise<"done" | Lane> {
    const { lane, change } = run;
    const { dequeuedCount, nextSubmissionNotBeforeMs, pause } = change;
    const dueMs = wakeUpAtMs === undefined ? undefined : laneScheduler.dueAfterWakeUp(wakeUpAtMs);
    const released = await lanes.release(lane, {
      dequeuedCount,
      nextSubmissionNotBeforeMs,
      pause,
      dueMs,
      isOnlyCheck,
      waitingSubQueues,
      // No request waits, and so none that was stored before lanes had sub-queues.
      isMigratedToSubQueues: wakeUpAtMs === undefined ? true : undefined,
      counters: withBlocks(countersAfterRun(run), blocks, deps.context().nowMs),
    });
    if (typeof released === "object") return released;
    // A request may be back in its queue, of which the worker that has the lane now knows nothing.
    if (released === "lost") await laneScheduler.ensureSweep(lane);
    else if (wakeUpAtMs !== undefined) await laneScheduler.sendWakeUp(lane, wakeUpAtMs);
    return "done";
  }

  /** Submits the request, or ends it FAILED when it can never be submitted. */
  async function submitOrEnd(
    request: RequestRecord,
    of: { sender: Sender; counters: LaneCounters; settings: PaceSettings },
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
      sender: of.sender,
      lane: { counters: of.counters },
      gapMs: gapAfterTake(of.settings, of.counters),
    });
    if (submission.kind !== "unsubmittable") return { submission };
    return { submission, ended: await endAsFailed(submission.request, submission.error) };
  }

  async function endAsFailed(
    request: RequestRecord,
    error: RequestError,
  ): Promise<RequestRecord | undefined> {
    const provider = deps.providerClients[request.provider];
    const ended = await writer.replace(failRequest(request, error, deps.context(), provider));
    if (ended) return ended;
    // Another write has changed something else of it, such as what depends on it.
    const changed = await writer.change(request.requestId, (now) =>
      now.status === request.status && now.owner === request.owner
        ? failRequest({ ...now, takenMs: request.takenMs }, error, deps.context(), provider)
        : undefined,
    );
    return changed?.isChanged ? changed.request : undefined;
  }
}

const connectionDeleted: RequestError = {
  code: "CONNECTION_DELETED",
  message: "The connection of this request was deleted",
};
