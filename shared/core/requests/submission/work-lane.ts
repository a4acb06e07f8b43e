import type { ProviderId } from "../../../contracts/providers.ts";
import type { Lease } from "../../clock.ts";
import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import { readDeadline } from "../../read-deadline.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import { makeSubmissionInterval } from "../lanes/pace.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore, RequestStore } from "../state/ports.ts";
import {
  type Lane,
  type LanePause,
  PAUSED_BY_CLIENT,
  type RequestRecord,
} from "../state/record.ts";
import { withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { markUnknown } from "../state/submission-transitions.ts";
import { failRequest, type RequestError } from "../state/timeouts.ts";
import {
  type makeSubmitRequest,
  SUBMISSION_MARGIN_MS,
  type SubmitResult,
} from "./submit-request.ts";

export interface WorkLaneDeps {
  requests: RequestStore;
  writer: RequestWriter;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  accounts: AccountReader;
  connections: ConnectionReader;
  providers: Readonly<Record<ProviderId, ProviderClient>>;
  submitRequest: ReturnType<typeof makeSubmitRequest>;
  context: () => DecisionContext;
  newOwner: () => string;
}

export interface LaneRunResult {
  /** `busy`: another worker has the lane. */
  kind: "worked" | "busy";
  submissions: SubmitResult[];
  /** Requests that were changed: what they cause is to be published. */
  changed: RequestRecord[];
  /** How long who is first in the lane has waited (business). */
  headWaitMs?: number;
}

/** What the front of a lane says should be done. */
type LaneDecision =
  | { kind: "take"; request: RequestRecord; othersWait: boolean }
  | { kind: "wait"; untilMs: number }
  | { kind: "idle" };

/** So much of a lane's front is read at once: who holds it, who is first, and whether others wait. */
const LANE_HEAD_PAGE = 4;

/** Most requests of one lane that one run looks at: each ended without a call, but for one. */
const MAX_SKIPPED_PER_RUN = 25;

/** How often a lane is looked at whose connection is paused (business). */
const PAUSED_CONNECTION_MS = 300_000;

/** How often a lane is looked at that waits for a person or a login: its age is measured then (business). */
const PAUSED_LOOK_MS = 3_600_000;

/** A submission that is under way ends within the lease: then look again (business). */
const SUBMITTING_MS = 60_000;

/** What this run did to the lane, to be kept when it is given back. */
interface LaneChange {
  hasSubmitted: boolean;
  /** How many wait no longer. */
  taken: number;
  nextMs?: number | undefined;
  pause?: LanePause | undefined;
}

const untouched: LaneChange = { hasSubmitted: false, taken: 0 };

/** `again`: something ended without a call. `lookAtMs` is absent where nothing waits. */
type Step = "again" | { checkAgainAtMs?: number | undefined };

/**
 * Works for one lane: submits at most one request, in its turn (G5), and sees to
 * it that the lane is looked at when the next one's turn has come.
 *
 * @throws DEPENDENCY_DOWN; what was begun is stored, and the lane is free at the lease's end
 */
export function makeWorkLane(deps: WorkLaneDeps) {
  const { requests, writer, lanes, laneScheduler } = deps;
  const submissionIntervalOf = makeSubmissionInterval(deps);

  return async (id: string, remainingMs: () => number): Promise<LaneRunResult> => {
    const work: LaneRunResult = { kind: "worked", submissions: [], changed: [] };
    const { nowMs, nowRealMs, rules } = deps.context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.laneLeaseMs };
    const acquired = await lanes.acquire(
      id,
      lease,
      laneScheduler.dueFor(nowMs + rules.laneLeaseMs),
    );
    if (!acquired) return { ...work, kind: "busy" };
    const { abandonedByPrevious, ...found } = acquired;
    let lane: Lane = found;
    // Who had it may have had an answer just now: the pace begins anew.
    const change: LaneChange = abandonedByPrevious
      ? {
          ...untouched,
          nextMs: Math.max(lane.nextMs, nowMs + (await submissionIntervalOf(lane))[1]),
        }
      : { ...untouched };
    for (let looks = 0; ; looks++) {
      const isLast = looks === MAX_SKIPPED_PER_RUN;
      const step: Step = isLast
        ? { checkAgainAtMs: deps.context().nowMs }
        : await takeStep(lane, change, work, { lease, remainingMs });
      if (step === "again") continue;
      const released = await release(lane, step.checkAgainAtMs, change);
      if (released === "done" || isLast) return work;
      lane = released;
    }
  };

  async function takeStep(
    lane: Lane,
    change: LaneChange,
    work: LaneRunResult,
    { lease, remainingMs }: { lease: Lease; remainingMs: () => number },
  ): Promise<Step> {
    const { nextMs = lane.nextMs, pause = lane.pause } = change;
    const look = await lookAt({ ...lane, nextMs, pause }, work);
    if (look.kind !== "take") return look.kind === "wait" ? { checkAgainAtMs: look.untilMs } : {};
    if (change.hasSubmitted || !hasTime(lease.untilMs, remainingMs)) {
      return { checkAgainAtMs: Math.max(nextMs, deps.context().nowMs) };
    }
    const submission = await take(look.request, lease, work);
    if (submission === "paused")
      return { checkAgainAtMs: deps.context().nowMs + PAUSED_CONNECTION_MS };
    if (submission?.kind !== "submitted") return "again";
    const { laneState, holdUntilMs = 0 } = submission.request;
    const taken = laneState === "waiting" ? 0 : 1;
    const { nextMs: laterMs, pause: newPause } = submission;
    Object.assign(change, { hasSubmitted: true, taken, nextMs: laterMs, pause: newPause });
    if (!look.othersWait && laneState !== "waiting") return {};
    const heldMs = laneState === "holding" ? holdUntilMs : 0;
    return { checkAgainAtMs: Math.max(submission.nextMs, heldMs, submission.pause?.untilMs ?? 0) };
  }

  /** A submission that was begun must also be stored before the lease and the function end. */
  function hasTime(leaseUntilMs: number, remainingMs: () => number): boolean {
    const { nowRealMs, rules } = deps.context();
    const neededMs = rules.submitTimeoutMs + SUBMISSION_MARGIN_MS;
    return leaseUntilMs - nowRealMs > neededMs && remainingMs() > neededMs;
  }

  /** `done` when the lane is given back, or no longer ours; else the lane as it is now. */
  async function release(
    lane: Lane,
    atMs: number | undefined,
    change: LaneChange,
  ): Promise<"done" | Lane> {
    const dueMs = atMs === undefined ? undefined : laneScheduler.dueFor(atMs);
    const { taken, nextMs, pause } = change;
    const released = await lanes.release(lane, { taken, nextMs, pause, dueMs });
    if (typeof released === "object") return released;
    if (released === "released" && atMs !== undefined) await laneScheduler.tick(lane.lane, atMs);
    return "done";
  }

  async function lookAt(lane: Lane, work: LaneRunResult): Promise<LaneDecision> {
    const context = deps.context();
    const front = await requests.queue(lane.lane, LANE_HEAD_PAGE);
    const [first, second] = front.filter(({ laneState }) => laneState === "waiting");
    if (first) work.headWaitMs = context.nowMs - (first.joinedMs ?? context.nowMs);
    for (const holder of front.filter(({ laneState }) => laneState === "holding")) {
      const untilMs = await holdOf(holder, context, work);
      if (untilMs !== undefined) return { kind: "wait", untilMs };
    }
    if (!first) return front.length === LANE_HEAD_PAGE ? lookAt(lane, work) : { kind: "idle" };
    const pausedUntilMs = pauseEnd(lane.pause, context);
    // A login mends what other requests wait for.
    const isBlocked = pausedUntilMs !== undefined && lane.pause?.reason !== PAUSED_BY_CLIENT;
    const passes = isBlocked && lane.pause?.untilMs === undefined;
    const head = passes ? await requests.firstLogin(lane.lane) : first;
    if (pausedUntilMs !== undefined && !(passes && head)) {
      return { kind: "wait", untilMs: pausedUntilMs };
    }
    if (lane.nextMs > context.nowMs) return { kind: "wait", untilMs: lane.nextMs };
    return {
      kind: "take",
      request: head ?? first,
      othersWait: second !== undefined || front.length === LANE_HEAD_PAGE,
    };
  }

  /** Until when a request holds its lane; nothing where its hold is over, which is noted. */
  async function holdOf(
    holder: RequestRecord,
    context: DecisionContext,
    work: LaneRunResult,
  ): Promise<number | undefined> {
    if (holder.status === "SUBMITTING") {
      const { sendingUntilRealMs = Number.POSITIVE_INFINITY } = holder;
      if (sendingUntilRealMs > context.nowRealMs) return context.nowMs + SUBMITTING_MS;
      const lost = await writer.replace(markUnknown(holder, context));
      if (lost) work.changed.push(lost);
      return lost?.holdUntilMs ?? context.nowMs;
    }
    const { holdUntilMs = 0 } = holder;
    if (holdUntilMs > context.nowMs) return holdUntilMs;
    const noted = await writer.replace(
      withDerivedFields({ ...holder, holdUntilMs: undefined }, context),
    );
    // Something came in between: perhaps it holds anew.
    return noted ? undefined : context.nowMs;
  }

  async function take(
    request: RequestRecord,
    lease: Lease,
    work: LaneRunResult,
  ): Promise<SubmitResult | "paused" | undefined> {
    const connection = await deps.connections.read(request.connectionId, readDeadline());
    if (!connection) return end(request, connectionGone, work);
    if (connection.settings.status === "paused") return "paused";
    const sender = { owner: lease.owner, leaseUntilRealMs: lease.untilMs };
    const submission = await deps.submitRequest(
      request,
      connection,
      sender,
      await submissionIntervalOf(request),
    );
    work.submissions.push(submission);
    if (submission.kind === "submitted" && submission.isOurs) work.changed.push(submission.request);
    if (submission.kind === "unsubmittable") await end(request, submission.error, work);
    return submission;
  }

  async function end(request: RequestRecord, error: RequestError, work: LaneRunResult) {
    const ended = failRequest(request, error, deps.context(), deps.providers[request.provider]);
    const stored = await writer.replace(ended);
    if (stored) work.changed.push(stored);
    return undefined;
  }
}

/** When a pause ends, or is looked at again; nothing where it is over. */
function pauseEnd(pause: LanePause | undefined, { nowMs }: DecisionContext): number | undefined {
  if (pause === undefined) return undefined;
  const { untilMs = nowMs + PAUSED_LOOK_MS } = pause;
  return untilMs > nowMs ? untilMs : undefined;
}

const connectionGone: RequestError = {
  code: "CONNECTION_DELETED",
  message: "The connection that it was to be sent on is deleted",
};
