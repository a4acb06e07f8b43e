import type { RequestStatus } from "../../contracts/http/requests.ts";
import type { RequestRules } from "../../contracts/request-rules.ts";
import type { FinalEvent } from "../events/envelope.ts";
import type { RequestRecord } from "./record.ts";
import { isTerminal } from "./record.ts";

/** When a decision is made, and by which rules. */
export interface Moment {
  /** Business time. */
  nowMs: number;
  /** Real time. */
  nowRealMs: number;
  rules: RequestRules;
}

/**
 * Which state may follow which (G4): what is not here is a fault of ours. What
 * the provider says of a request that we took for unsent proves the contrary,
 * so that its words are taken in `QUEUED` too.
 */
const moves: Readonly<Record<RequestStatus, readonly RequestStatus[]>> = {
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

export function mayMove(from: RequestStatus, to: RequestStatus): boolean {
  return moves[from].includes(to);
}

/** A sweep finds a scheduled request this long after its time: its firing was lost. */
const OVERDUE_MS = 90_000;

/**
 * The record in its next state: all that follows from a state alone (who looks
 * at it when, whether it waits or holds its lane) is derived here.
 *
 * @throws Error where the table of moves does not know the step
 */
export function moveTo(
  request: RequestRecord,
  status: RequestStatus,
  moment: Moment,
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  if (!mayMove(request.status, status)) {
    throw new Error(`A request does not go from ${request.status} to ${status}`);
  }
  return derived({ ...request, ...leave(status), ...changes, status }, moment);
}

/** What no state takes over from the one before. */
function leave(status: RequestStatus): Partial<RequestRecord> {
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
export function derived(request: RequestRecord, moment: Moment): RequestRecord {
  return {
    ...request,
    standing: standingOf(request),
    dueMs: dueOf(request, moment),
    sweepRealMs: sweepOf(request, moment),
    ...(isTerminal(request)
      ? {
          finishedMs: request.finishedMs ?? moment.nowMs,
          deadlineMs: undefined,
          expiresMs: (request.finishedMs ?? moment.nowMs) + moment.rules.retentionMs,
        }
      : {}),
  };
}

function standingOf({ status, holdUntilMs }: RequestRecord): RequestRecord["standing"] {
  if (status === "QUEUED") return "waiting";
  if (status === "SUBMITTING") return "holding";
  const mayHold = status === "RUNNING" || status === "ACTION_REQUIRED" || status === "UNKNOWN";
  return mayHold && holdUntilMs !== undefined ? "holding" : undefined;
}

function dueOf(request: RequestRecord, { rules }: Moment): number | undefined {
  const { status, scheduledMs = 0, joinedMs = 0, deadlineMs = 0, dueMs } = request;
  switch (status) {
    case "SCHEDULED":
      return scheduledMs + OVERDUE_MS;
    case "QUEUED":
      return joinedMs + rules.queueTimeoutMs;
    case "RUNNING":
    case "ACTION_REQUIRED":
    case "UNKNOWN":
      return Math.min(dueMs ?? deadlineMs, deadlineMs);
    default:
      return undefined;
  }
}

function sweepOf(request: RequestRecord, { nowRealMs, rules }: Moment): number | undefined {
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
export function causing(
  request: RequestRecord,
  moment: Moment,
  ...events: FinalEvent[]
): RequestRecord {
  const added = events.map(({ id, type, envelope, raw }) => ({
    id,
    type,
    version: request.version + 1,
    sinceRealMs: moment.nowRealMs,
    envelope: { inline: envelope },
    ...(raw ? { raw: { inline: Buffer.from(raw).toString("base64") } } : {}),
  }));
  return derived({ ...request, outbox: [...request.outbox, ...added] }, moment);
}

/** After so many polls the next comes this much later: the first delay, then twice, four times … */
export function pollDelayMs(polls: number, { firstPollMs }: RequestRules): number {
  return firstPollMs * 2 ** Math.min(polls, 20);
}
