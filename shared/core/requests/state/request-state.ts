import type { RequestStatus } from "../../../contracts/statuses.ts";
import { exponential } from "../../backoff.ts";
import { type FinalEvent, requestEvent } from "../../events/envelope.ts";
import type { ProviderEvent } from "../../events/provider-event.ts";
import type { DecisionContext } from "./decision-context.ts";
import { nextCheckOf, waitsForDependency } from "./dependency.ts";
import { startedEventTime } from "./event-times.ts";
import type { RequestRecord } from "./record.ts";
import { isTerminal } from "./record.ts";
import type { RequestRules } from "./request-rules.ts";

/**
 * The states that may follow each state (G4). Any other transition is a bug.
 * `QUEUED` accepts the provider's reports too: a submission that counted as not
 * sent may have reached the provider after all.
 */
const transitions: Readonly<Record<RequestStatus, readonly RequestStatus[]>> = {
  SCHEDULED: ["QUEUED", "FAILED", "CANCELLED"],
  QUEUED: ["SUBMITTING", "RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED", "CANCELLED"],
  SUBMITTING: ["QUEUED", "RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED", "UNKNOWN"],
  RUNNING: ["ACTION_REQUIRED", "SUCCEEDED", "FAILED", "CANCELLED"],
  ACTION_REQUIRED: ["SUBMITTING", "RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED"],
  UNKNOWN: ["QUEUED", "RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED"],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
};

export function canTransition(from: RequestStatus, to: RequestStatus): boolean {
  return transitions[from].includes(to);
}

/** A scheduled request is due for the sweep this long after its time, when its schedule has not fired. */
export const OVERDUE_MS = 90_000;

/**
 * Moves the record to its next state, and derives what follows from the state
 * alone: when the sweep processes it, and whether it waits in its lane or holds it.
 *
 * @throws Error when the transition is not in the table
 */
export function transition(
  request: RequestRecord,
  status: RequestStatus,
  context: DecisionContext,
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  return withDerivedFields(transitionWithoutDerivedFields(request, status, changes), context);
}

/**
 * The same without the fields that follow from the state. The caller calls `withDerivedFields` when
 * it has added its events: earlier, the request would lose its entry of the index `sweep`, and get
 * another one by the next write.
 *
 * @throws Error when the transition is not in the table
 */
export function transitionWithoutDerivedFields(
  request: RequestRecord,
  status: RequestStatus,
  changes: Partial<RequestRecord>,
): RequestRecord {
  if (!canTransition(request.status, status)) {
    throw new Error(`A request cannot go from ${request.status} to ${status}`);
  }
  return { ...request, ...fieldsClearedOn(status), ...changes, status };
}

/** Fields that the next state does not take over. */
function fieldsClearedOn(status: RequestStatus): Partial<RequestRecord> {
  const common = {
    owner: undefined,
    sendingUntilRealMs: undefined,
    holdUntilMs: undefined,
    pendingReason: undefined,
    endTries: undefined,
  };
  // Params are erased after the send, except while the request may still return to its lane.
  const mayReturn = ["SCHEDULED", "QUEUED", "SUBMITTING", "UNKNOWN"].includes(status);
  return {
    ...common,
    // An input is sent at most once.
    sealedInput: undefined,
    ...(mayReturn ? {} : { params: undefined, sealedParams: undefined }),
  };
}

/** The record in the same state, with its derived fields computed again. */
export function withDerivedFields(request: RequestRecord, context: DecisionContext): RequestRecord {
  return {
    ...request,
    laneState: laneStateOf(request),
    dueMs: dueOf(request, context),
    sweepAtRealMs: sweepAtOf(request, context),
    ...(isTerminal(request)
      ? {
          finishedMs: request.finishedMs ?? context.nowMs,
          deadlineMs: undefined,
          expiresMs: expiryOf(request, context),
        }
      : {}),
  };
}

/**
 * When a request that has ended is deleted. With unpublished events it is kept as long as the write
 * that added them says, and a write that only claims them does not prolong that.
 */
function expiryOf(request: RequestRecord, { nowMs, rules }: DecisionContext): number {
  const { finishedMs = nowMs, outbox, expiresMs = 0 } = request;
  return Math.max(finishedMs + rules.retentionMs, outbox.length > 0 ? expiresMs : 0);
}

function laneStateOf({ status, holdUntilMs }: RequestRecord): RequestRecord["laneState"] {
  if (status === "QUEUED") return "waiting";
  if (status === "SUBMITTING") return "holding";
  const mayHold = status === "RUNNING" || status === "ACTION_REQUIRED" || status === "UNKNOWN";
  return mayHold && holdUntilMs !== undefined ? "holding" : undefined;
}

function dueOf(request: RequestRecord, { rules }: DecisionContext): number | undefined {
  const { status, joinedMs = 0, deadlineMs = 0, dueMs } = request;
  const { notAfterMs = Number.POSITIVE_INFINITY } = request;
  switch (status) {
    case "SCHEDULED":
      return waitsForDependency(request) ? nextCheckOf(request) : startDueOf(request);
    case "QUEUED":
      return Math.min(joinedMs + rules.queueTimeoutMs, notAfterMs);
    case "RUNNING":
    case "ACTION_REQUIRED":
    case "UNKNOWN":
      return Math.min(dueMs ?? deadlineMs, deadlineMs);
    case "SUBMITTING":
      // An input that cannot be sent ends with the time in which it may be sent.
      return request.sealedInput === undefined ? undefined : request.actionDeadlineMs;
    default:
      return undefined;
  }
}

/** When the sweep joins a scheduled request to its lane. A released one may have no message that does. */
function startDueOf({ scheduledMs = 0, dependsOn, dueMs = 0 }: RequestRecord): number {
  return dependsOn ? Math.max(scheduledMs, dueMs) : scheduledMs + OVERDUE_MS;
}

/**
 * When the sweep looks at what its writer has perhaps not completed; `undefined` while everything
 * is. An entry of the index that is early enough stays as it is: moving it would be two writes of
 * the index, and where nothing is to recover yet, the sweep itself moves it.
 */
function sweepAtOf(request: RequestRecord, context: DecisionContext): number | undefined {
  const needed = overdueAfterOf(request, context);
  if (needed === undefined) return undefined;
  const { nowRealMs, rules } = context;
  const { sweepAtRealMs: planned = 0 } = request;
  if (planned > nowRealMs && planned <= needed) return planned;
  // The next state of this request can keep it.
  return Math.min(needed, nowRealMs + rules.outboxGraceMs);
}

/** When the last writer of the request has had its time. */
function overdueAfterOf(
  request: RequestRecord,
  { nowRealMs, rules }: DecisionContext,
): number | undefined {
  const [first] = request.outbox;
  const times = [
    // Whoever may publish the first entry publishes the others after it.
    first && first.sinceRealMs + rules.outboxGraceMs,
    // The worker that sends the request counts as dead by then. Without a worker, the
    // message that starts the sending of an input counts as lost.
    request.status === "SUBMITTING"
      ? (request.sendingUntilRealMs ?? nowRealMs + rules.outboxGraceMs)
      : undefined,
  ].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Time (business) for which a request that has ended is kept at least after an event was added. */
const UNPUBLISHED_KEPT_MS = 14 * 24 * 3_600_000;

/** Adds events to the outbox, as final bytes: the same write stores the change and its events (G2). */
export function withOutboxEvents(
  request: RequestRecord,
  context: DecisionContext,
  ...events: FinalEvent[]
): RequestRecord {
  const added = events.map(({ id, type, envelope, raw }) => ({
    id,
    type,
    version: request.version + 1,
    sinceRealMs: context.nowRealMs,
    envelope: { inline: envelope },
    ...(raw ? { raw: { inline: Buffer.from(raw).toString("base64") } } : {}),
  }));
  const outbox = [...request.outbox, ...added];
  const expiresMs = Math.max(request.expiresMs ?? 0, context.nowMs + UNPUBLISHED_KEPT_MS);
  const kept = isTerminal(request) ? { expiresMs } : {};
  return withDerivedFields({ ...request, outbox, ...kept }, context);
}

/** What makes a worker publish: its own write of the record, or the message of the acceptance. */
export type PublishTrigger = "written" | "accepted";

/**
 * Whether a worker may publish the outbox of a request. The first entry decides, and exactly one
 * worker at a time may:
 *
 * - `accepted`: the worker that processes the message of the acceptance may publish
 *   `workflow.created`, however late the message is, unless another worker has claimed the outbox;
 * - `written`, not claimed: the worker whose write added the first entry may, right after that
 *   write. If an entry stands behind another one, the worker that publishes that one publishes it;
 * - `written`, claimed: the worker that claimed the outbox (`withClaimedOutbox`) may.
 */
export function mayPublish(
  { outbox: [first], version }: RequestRecord,
  trigger: PublishTrigger,
): boolean {
  if (first === undefined) return false;
  if (trigger === "accepted") return first.version === 1 && first.claimedInVersion === undefined;
  return (first.claimedInVersion ?? first.version) === version;
}

/**
 * Takes over the right to publish the outbox with the write of the returned record. The write
 * succeeds for one worker only, and gives it the time in which a writer publishes its own events.
 */
export function withClaimedOutbox(request: RequestRecord, context: DecisionContext): RequestRecord {
  const claim = { claimedInVersion: request.version + 1, sinceRealMs: context.nowRealMs };
  const outbox = request.outbox.map((entry) => ({ ...entry, ...claim }));
  return withDerivedFields({ ...request, outbox }, context);
}

/** Whether the worker that had the right to publish the outbox has not done so in its time. */
export function isOutboxOverdue(
  { outbox: [first] }: RequestRecord,
  { nowRealMs, rules }: DecisionContext,
): boolean {
  return first !== undefined && nowRealMs - first.sinceRealMs >= rules.outboxGraceMs;
}

/** Adds `workflow.started` to the outbox, once per request. */
export function withStartedEvent(
  request: RequestRecord,
  context: DecisionContext,
  report?: ProviderEvent,
): RequestRecord {
  if (request.isStarted) return request;
  const { atMs, times } = startedEventTime(request, context, report);
  const { payload, createdAtReplaced } = report?.data ?? {};
  const event = requestEvent("workflow.started", request, {
    atMs,
    status: "running",
    eventType: "UNKNOWN",
    more: {
      ...(payload === undefined ? {} : { payload }),
      ...(createdAtReplaced ? { createdAtReplaced } : {}),
    },
  });
  return withOutboxEvents({ ...request, ...times, isStarted: true }, context, event);
}

/** How often a provider is asked at least within the time after which its silence ends a request. */
const POLLS_PER_RESULT_TIMEOUT = 3;

/**
 * The delay (business) before the next poll of a request that was polled so often already. It
 * doubles, up to a part of the time that a provider may be silent.
 */
export function pollDelayMs(
  polls: number,
  { firstPollMs, resultTimeoutMs }: Pick<RequestRules, "firstPollMs" | "resultTimeoutMs">,
): number {
  const maxMs = Math.max(firstPollMs, resultTimeoutMs / POLLS_PER_RESULT_TIMEOUT);
  return exponential({ firstMs: firstPollMs, maxMs }, polls);
}
