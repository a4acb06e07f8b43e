import type { FinalEvent } from "../../events/envelope.ts";
import { requestEvent } from "../../events/envelope.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { laterEventTime } from "./event-times.ts";
import { blockedSinceJoin } from "./lane-counters.ts";
import { notAfterPassed } from "./not-after-passed.ts";
import type { Lane, RequestError, RequestRecord } from "./record.ts";
import { transition, withDerivedFields, withOutboxEvents } from "./request-state.ts";

/** `workflow.completed` of a request that failed. */
function failedEvent(
  request: RequestRecord,
  error: RequestError,
  { eventType, atMs }: { eventType: string; atMs: number },
): FinalEvent {
  return requestEvent("workflow.completed", request, {
    atMs,
    status: "failed",
    eventType,
    more: { error },
  });
}

/** Ends the request FAILED with this error and adds its event to the outbox. */
export function failRequest(
  request: RequestRecord,
  error: RequestError,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const eventType = provider.eventTypeOf(request.action, "failed");
  const { atMs, times } = laterEventTime(request, context);
  const ended = transition(request, "FAILED", context, { error, ...times });
  const event = failedEvent(ended, error, { eventType, atMs });
  return withOutboxEvents(ended, context, event);
}

/**
 * The error of a request whose time in its current state is up; `undefined` while it is not.
 *
 * @param lane of a request that waits in it; without it, the lane counts as never blocked
 */
export function timeoutError(
  request: RequestRecord,
  context: DecisionContext,
  lane?: Pick<Lane, "counters">,
): RequestError | undefined {
  const { status, deadlineMs = Number.POSITIVE_INFINITY } = request;
  if (status === "QUEUED") {
    if (context.nowMs >= (request.notAfterMs ?? Number.POSITIVE_INFINITY)) return notAfterPassed;
    return context.nowMs > queueDeadlineMs(request, context, lane) ? queueTimeout : undefined;
  }
  if (status === "SUBMITTING") return isInputTooLate(request, context) ? inputNotSent : undefined;
  if (context.nowMs < deadlineMs) return undefined;
  return status === "RUNNING" ? resultTimeout(request, context) : deadlineErrors[status];
}

/**
 * The error of a running request whose provider has been silent for too long, or has had it for
 * as long as it may.
 */
export function resultTimeout(
  { submittedMs = Number.POSITIVE_INFINITY }: RequestRecord,
  { nowMs, rules }: DecisionContext,
  of: { isCancelledThere?: boolean } = {},
): RequestError {
  const { pendingCapMs, resultTimeoutMs } = rules;
  const isAtCap = pendingCapMs > resultTimeoutMs && nowMs >= submittedMs + pendingCapMs;
  const cause = isAtCap
    ? `The provider accepted the request and has not ended it within ${pendingCapMs / DAY_MS} days`
    : "The provider accepted the request and sent no result in time";
  const advice = of.isCancelledThere
    ? "it was cancelled there"
    : "check there before you create a new request";
  return { code: "RESULT_TIMEOUT", message: `${cause}: ${advice}` };
}

const DAY_MS = 24 * 3_600_000;

/** How often the timeout of a running request is postponed at most. */
const MAX_END_TRIES = 2;

/** By how much (business) each time, at least. */
const END_RETRY_MS = 5 * 60_000;

/**
 * Postpones the timeout of a running request whose provider could not be asked, or gave no clear
 * answer. Returns `undefined` if it was postponed `MAX_END_TRIES` times already.
 *
 * @param againMs when the provider may be asked again (business)
 */
export function postponeTimeout(
  request: RequestRecord,
  context: DecisionContext,
  againMs: number,
): RequestRecord | undefined {
  const { endTries = 0 } = request;
  if (endTries >= MAX_END_TRIES) return undefined;
  const untilMs = Math.max(context.nowMs + END_RETRY_MS, againMs);
  const later = { deadlineMs: untilMs, dueMs: untilMs, endTries: endTries + 1 };
  return withDerivedFields({ ...request, ...later }, context);
}

/**
 * When a waiting request has waited too long. Time in which its lane was blocked for its
 * category, by hours, limits or a pause, does not count (G8).
 */
export function queueDeadlineMs(
  request: RequestRecord,
  { nowMs, rules }: DecisionContext,
  lane?: Pick<Lane, "counters">,
): number {
  const { joinedMs = nowMs } = request;
  const blockedMs = lane ? blockedSinceJoin(request, lane.counters, Number.POSITIVE_INFINITY) : 0;
  return joinedMs + rules.queueTimeoutMs + blockedMs;
}

/** Whether a person's input waits to be sent, no worker sends it, and the time in which it may be sent is over. */
function isInputTooLate(
  { sealedInput, owner, actionDeadlineMs = Number.POSITIVE_INFINITY }: RequestRecord,
  { nowMs }: DecisionContext,
): boolean {
  return sealedInput !== undefined && owner === undefined && nowMs >= actionDeadlineMs;
}

const inputNotSent: RequestError = {
  code: "ACTION_TIMEOUT",
  message:
    "The input could not be sent to the provider in time and was not sent: create a new request",
};

const queueTimeout: RequestError = {
  code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
  message:
    "The request waited in its account's queue for longer than the threshold and was never submitted: create a new request with a new Idempotency-Key",
};

const deadlineErrors: Readonly<Partial<Record<RequestRecord["status"], RequestError>>> = {
  ACTION_REQUIRED: {
    code: "ACTION_TIMEOUT",
    message: "The input that the request waited for did not arrive in time",
  },
  UNKNOWN: {
    code: "OUTCOME_UNKNOWN",
    message:
      "It is not known whether the provider accepted the request: check there before you create a new request",
  },
};

/** Ends the request CANCELLED. Its unpublished events are dropped (G9). */
export function cancelRequest(request: RequestRecord, context: DecisionContext): RequestRecord {
  return transition(request, "CANCELLED", context, { outbox: [] });
}
