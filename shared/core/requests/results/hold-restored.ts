import type { DecisionContext } from "../state/decision-context.ts";
import { waitsForDependency } from "../state/dependency.ts";
import type { RequestRecord } from "../state/record.ts";
import { withDerivedFields } from "../state/request-state.ts";

/**
 * Makes a request of a restored table UNKNOWN if it may have been submitted after the time of the
 * copy: it waits in its lane, was being sent, or its time or its condition may have come since.
 * It is not sent until a person or the provider has settled it (G3).
 *
 * @returns `undefined` for a request that cannot have been submitted since: it has ended, its
 *   provider has it already, or its time is still to come
 */
export function holdAfterRestore(
  request: RequestRecord,
  context: DecisionContext,
): RequestRecord | undefined {
  if (!mayHaveBeenSubmittedSince(request, context.nowMs)) return undefined;
  const { nowMs, rules } = context;
  const deadlineMs = nowMs + rules.unknownTimeoutMs;
  const held: RequestRecord = {
    ...request,
    status: "UNKNOWN",
    // It has a place to return to, also if it never joined its lane.
    lanePosition: request.lanePosition ?? request.scheduledMs ?? request.createdMs,
    joinedMs: request.joinedMs ?? nowMs,
    owner: undefined,
    sendingUntilRealMs: undefined,
    takenMs: request.takenMs ?? nowMs,
    holdUntilMs: nowMs + rules.unknownHoldMs,
    deadlineMs,
    dueMs: request.providerRequestId === undefined ? deadlineMs : nowMs,
    polls: 0,
  };
  return withDerivedFields(held, context);
}

function mayHaveBeenSubmittedSince(request: RequestRecord, nowMs: number): boolean {
  switch (request.status) {
    case "QUEUED":
    case "SUBMITTING":
      return true;
    case "SCHEDULED":
      return waitsForDependency(request) || (request.scheduledMs ?? 0) <= nowMs;
    default:
      return false;
  }
}
