import type { FinalEvent } from "../../events/envelope.ts";
import { requestEvent } from "../../events/envelope.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { RequestRecord } from "./record.ts";
import { transition, withOutboxEvents } from "./request-state.ts";

export interface RequestError {
  code: string;
  message: string;
}

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

/** The request ends FAILED by our own word, not by the provider's. */
export function failRequest(
  request: RequestRecord,
  error: RequestError,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const eventType = provider.eventTypeOf(request.action, "failed");
  const ended = transition(request, "FAILED", context, { error });
  const event = failedEvent(ended, error, { eventType, atMs: context.nowMs });
  return withOutboxEvents(ended, context, event);
}

/** Why a request ends whose time is up in its present state; `undefined` where it is not. */
export function timeoutError(
  request: RequestRecord,
  context: DecisionContext,
): RequestError | undefined {
  const { status, deadlineMs = Number.POSITIVE_INFINITY } = request;
  if (status === "QUEUED") {
    const waitedMs = context.nowMs - (request.joinedMs ?? context.nowMs);
    return waitedMs > context.rules.queueTimeoutMs ? queueTimeout : undefined;
  }
  return context.nowMs >= deadlineMs ? endings[status] : undefined;
}

const queueTimeout: RequestError = {
  code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
  message:
    "It waited in its account's queue for longer than the threshold and was never submitted: submit it anew, with another Idempotency-Key",
};

const endings: Readonly<Partial<Record<RequestRecord["status"], RequestError>>> = {
  RUNNING: {
    code: "RESULT_TIMEOUT",
    message:
      "The provider took it and told no result in time: look there before you submit it anew",
  },
  ACTION_REQUIRED: {
    code: "ACTION_TIMEOUT",
    message: "The input that it waited for did not come in time",
  },
  UNKNOWN: {
    code: "OUTCOME_UNKNOWN",
    message:
      "Whether the provider took it was never found out: look there before you submit it anew",
  },
};

/** Cancelled is silent: what was to be published is not (G9). */
export function cancelRequest(request: RequestRecord, context: DecisionContext): RequestRecord {
  return transition(request, "CANCELLED", context, { outbox: [] });
}
