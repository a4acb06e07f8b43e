import type { DecisionContext } from "./decision-context.ts";
import type { RequestRecord } from "./record.ts";
import { pollDelayMs, transition, withDerivedFields } from "./request-state.ts";

/**
 * Applies an answer by which the provider says that it has the request and has not ended it. The
 * result timeout counts anew from this answer, up to `pendingCapMs` after the submission.
 *
 * @param of.pendingReason absent: it runs, or waits without a reason
 */
export function extendResultDeadline(
  request: RequestRecord,
  of: { providerRequestId?: string | undefined; pendingReason?: string | undefined },
  context: DecisionContext,
): RequestRecord {
  const { nowMs, rules } = context;
  const proven = toRunningIfProven(request, of.providerRequestId, context);
  const running = withPendingReason(proven, of.pendingReason);
  if (running.status !== "RUNNING") return running;
  const { submittedMs = nowMs, deadlineMs = 0, polls } = running;
  const untilMs = Math.min(nowMs + rules.resultTimeoutMs, submittedMs + rules.pendingCapMs);
  if (untilMs <= deadlineMs) return running;
  const dueMs = nowMs + pollDelayMs(polls, rules);
  const again = { ...running, deadlineMs: untilMs, endTries: undefined, dueMs };
  return withDerivedFields(again, context);
}

/** Keeps why the provider has not started it; absent: it has. */
export function withPendingReason(
  request: RequestRecord,
  reason: string | undefined,
): RequestRecord {
  if (request.status !== "RUNNING" || request.pendingReason === reason) return request;
  return { ...request, pendingReason: reason };
}

/** A report that the provider has the request proves its submission, although no answer was recorded. */
export function toRunningIfProven(
  request: RequestRecord,
  providerRequestId: string | undefined,
  context: DecisionContext,
): RequestRecord {
  if (request.status !== "QUEUED" && request.status !== "UNKNOWN") return request;
  const { nowMs, rules } = context;
  return transition(request, "RUNNING", context, {
    providerRequestId: request.providerRequestId ?? providerRequestId,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: nowMs + rules.laneHoldMs,
    deadlineMs: nowMs + rules.resultTimeoutMs,
    dueMs: nowMs + pollDelayMs(0, rules),
    polls: 0,
  });
}
