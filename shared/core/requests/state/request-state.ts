import type { RequestStatus } from "../../../contracts/statuses.ts";
import { exponential } from "../../backoff.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { RequestRecord } from "./record.ts";
import { isTerminal } from "./record.ts";
import type { RequestRules } from "./request-rules.ts";

/**
 * Which state may follow which (G4): what is not here is a fault of ours. What
 * the provider says of a request that we took for unsent proves the contrary,
 * so that its words are taken in `QUEUED` too.
 */
const transitions: Readonly<Record<RequestStatus, readonly RequestStatus[]>> = {
  SCHEDULED: ["QUEUED", "CANCELLED"],
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

/** A sweep finds a scheduled request this long after its time: its firing was lost. */
const OVERDUE_MS = 90_000;

/**
 * The record in its next state: all that follows from a state alone (who looks
 * at it when, whether it waits or holds its lane) is derived here.
 *
 * @throws Error where the table of moves does not know the step
 */
export function transition(
  request: RequestRecord,
  status: RequestStatus,
  context: DecisionContext,
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  if (!canTransition(request.status, status)) {
    throw new Error(`A request does not go from ${request.status} to ${status}`);
  }
  return withDerivedFields({ ...request, ...fieldsClearedOn(status), ...changes, status }, context);
}

/** What no state takes over from the one before. */
function fieldsClearedOn(status: RequestStatus): Partial<RequestRecord> {
  const common = { owner: undefined, sendingUntilRealMs: undefined, holdUntilMs: undefined };
  // Secrets are gone with the send; a request that may return to its lane needs its params.
  const mayReturn = ["SCHEDULED", "QUEUED", "SUBMITTING", "UNKNOWN"].includes(status);
  return {
    ...common,
    // An input is never sent again: it is on its way, or gone.
    sealedInput: undefined,
    ...(mayReturn ? {} : { params: undefined, sealedParams: undefined }),
  };
}

/** The same state with what is derived from it brought up to date. */
export function withDerivedFields(request: RequestRecord, context: DecisionContext): RequestRecord {
  return {
    ...request,
    laneState: laneStateOf(request),
    sweepDueMs: dueOf(request, context),
    recoverAfterRealMs: sweepOf(request, context),
    ...(isTerminal(request)
      ? {
          finishedMs: request.finishedMs ?? context.nowMs,
          deadlineMs: undefined,
          expiresMs: (request.finishedMs ?? context.nowMs) + context.rules.retentionMs,
        }
      : {}),
  };
}

function laneStateOf({ status, holdUntilMs }: RequestRecord): RequestRecord["laneState"] {
  if (status === "QUEUED") return "waiting";
  if (status === "SUBMITTING") return "holding";
  const mayHold = status === "RUNNING" || status === "ACTION_REQUIRED" || status === "UNKNOWN";
  return mayHold && holdUntilMs !== undefined ? "holding" : undefined;
}

function dueOf(request: RequestRecord, { rules }: DecisionContext): number | undefined {
  const { status, scheduledMs = 0, joinedMs = 0, deadlineMs = 0, sweepDueMs } = request;
  switch (status) {
    case "SCHEDULED":
      return scheduledMs + OVERDUE_MS;
    case "QUEUED":
      return joinedMs + rules.queueTimeoutMs;
    case "RUNNING":
    case "ACTION_REQUIRED":
    case "UNKNOWN":
      return Math.min(sweepDueMs ?? deadlineMs, deadlineMs);
    default:
      return undefined;
  }
}

function sweepOf(
  request: RequestRecord,
  { nowRealMs, rules }: DecisionContext,
): number | undefined {
  const times = [
    ...request.outbox.map(({ sinceRealMs }) => sinceRealMs + rules.outboxGraceMs),
    // The worker that sends it is dead by then; without one, its message was lost.
    request.status === "SUBMITTING"
      ? (request.sendingUntilRealMs ?? nowRealMs + rules.outboxGraceMs)
      : undefined,
  ].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The record with events that its change causes, as final bytes. */
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
  return withDerivedFields({ ...request, outbox: [...request.outbox, ...added] }, context);
}

/** More doublings of the delay between polls than any timeout allows. */
const MAX_POLL_DOUBLINGS = 20;

/** The delay (business) before the next poll of a request that was polled so often already. */
export function pollDelayMs(polls: number, { firstPollMs }: RequestRules): number {
  return exponential({ firstMs: firstPollMs, maxMs: firstPollMs * 2 ** MAX_POLL_DOUBLINGS }, polls);
}
