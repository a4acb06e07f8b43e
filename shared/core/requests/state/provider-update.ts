import { sha256Hex } from "../../crypto/digest.ts";
import { type FinalEvent, requestEvent } from "../../events/envelope.ts";
import type { ProviderEvent } from "../../events/provider-event.ts";
import { canonicalJson } from "../../json/json.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { keysWithResult } from "./dependency.ts";
import { laterEventTime } from "./event-times.ts";
import { withLateResult } from "./late-result.ts";
import { pauseAfter } from "./pause-after.ts";
import { isTerminal, type LanePause, type RequestRecord } from "./record.ts";
import {
  transition,
  withDerivedFields,
  withOutboxEvents,
  withStartedEvent,
} from "./request-state.ts";
import { extendResultDeadline, toRunningIfProven, withPendingReason } from "./result-deadline.ts";
import { isNewUnclearReport, unclearReportsOf, withUnclearReport } from "./unclear-reports.ts";
import { marksOf, numbersAsTextFlag } from "./update-marks.ts";

/** A report of the provider about a request, from a webhook, a poll, or the answer to the submission. */
export interface ProviderUpdate {
  event: ProviderEvent;
  /** True for an answer to our own call, which is the current state. A webhook may be late or repeated. */
  isCurrentState?: boolean;
  /** True for a webhook that waited for the answer to a submission or an input. */
  hasWaited?: boolean;
  numbersAsText?: boolean;
  /** The webhook's exact bytes, when the event could not keep every digit. */
  raw?: Uint8Array;
}

export interface UpdateResult {
  request: RequestRecord;
  /**
   * `late`: the request had ended otherwise; the outcome is stored and published. `needsPoll`: an
   * old prompt came again. `unrecognised`: the status is not listed. Both need a poll.
   */
  verdict: "applied" | "duplicate" | "late" | "needsPoll" | "unrecognised";
  /** True when the report is not clear and was kept on the request. */
  hasStoredUnclearReport?: true;
  /** Effect on the account's lane. Apply it before the request is stored. Applying it again changes nothing. */
  laneEffect?: { pause: LanePause } | { endLoginPause: true };
}

/**
 * Applies a report of the provider to the request (G4). Reports may come in any
 * order, more than once, and by webhook as well as by poll.
 */
export function withProviderUpdate(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): UpdateResult {
  const result = applyReport(request, update, context, provider);
  const kept = withUnclearReport(result.request, update, context);
  if (kept === result.request) return result;
  return { ...result, request: kept, hasStoredUnclearReport: true };
}

function applyReport(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): UpdateResult {
  switch (update.event.type) {
    case "workflow.started":
      return applyStarted(request, update, context);
    case "workflow.actionRequired":
      return applyPrompt(request, update, context);
    case "workflow.completed":
      return applyCompletion(
        request,
        withoutAddedLabel(request, update, provider),
        context,
        provider,
      );
    case "event.unrecognised":
      return applyUnrecognised(request, update, context);
    default:
      // `workflow.created` is our own event.
      return { request, verdict: "duplicate" };
  }
}

/** Clients get the result of what they sent: the label that names our request is not theirs. */
function withoutAddedLabel(
  { requestId }: RequestRecord,
  update: ProviderUpdate,
  provider: ProviderClient,
): ProviderUpdate {
  const { event } = update;
  if (!provider.withoutAddedLabel || event.data.result === undefined) return update;
  const result = provider.withoutAddedLabel(event.data.result, requestId);
  return { ...update, event: { ...event, data: { ...event.data, result } } };
}

/**
 * A status that the vocabulary does not list proves nothing. The request continues, the provider
 * is polled, and `event.unrecognised` is published once. A poll response triggers no further poll.
 */
function applyUnrecognised(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  const { data } = update.event;
  if (!isNewUnclearReport(request, update)) return { request, verdict: "duplicate" };
  // No events are published for a cancelled request (G9). The report itself is stored.
  if (request.status === "CANCELLED") return { request, verdict: "unrecognised" };
  const asked = withDerivedFields(
    {
      ...request,
      providerRequestId: request.providerRequestId ?? data.providerRequestId,
      ...(update.isCurrentState || isTerminal(request) ? {} : { dueMs: context.nowMs }),
    },
    context,
  );
  const event = requestEvent("event.unrecognised", asked, {
    n: unclearReportsOf(request).length + 1,
    atMs: context.nowMs,
    eventType: data.eventType,
    more: { payload: data.payload, ...numbersAsTextFlag(update) },
    raw: update.raw,
  });
  return { request: withOutboxEvents(asked, context, event), verdict: "unrecognised" };
}

function applyStarted(
  request: RequestRecord,
  { event, isCurrentState }: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (request.status === "CANCELLED") return { request, verdict: "duplicate" };
  const { pendingReason } = event;
  const { providerRequestId } = event.data;
  const running = isCurrentState
    ? extendResultDeadline(request, { providerRequestId, pendingReason }, context)
    : withPendingReason(toRunningIfProven(request, providerRequestId, context), pendingReason);
  const started = withStartedEvent(running, context, event);
  return started === request
    ? { request, verdict: "duplicate" }
    : { request: started, verdict: "applied" };
}

function applyPrompt(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (isTerminal(request)) return { request, verdict: "duplicate" };
  const { event, isCurrentState, hasWaited } = update;
  const digest = event.discriminator ?? sha256Hex(canonicalJson(event.data)).slice(0, 16);
  // A poll, and an answer for which the webhook waited, may word the open prompt differently.
  const isKnown = isCurrentState || hasWaited || request.prompts.at(-1) === digest;
  if (request.status === "ACTION_REQUIRED" && isKnown) return { request, verdict: "duplicate" };
  // While an input is being sent, the provider still reports the prompt that it answers.
  if (request.sealedInput !== undefined) return { request, verdict: "duplicate" };
  if (!isCurrentState && request.prompts.includes(digest)) {
    const polledNow = withDerivedFields({ ...request, dueMs: context.nowMs }, context);
    return { request: polledNow, verdict: "needsPoll" };
  }
  const deadlineMs = context.nowMs + context.rules.actionTimeoutMs;
  const { atMs, times } = laterEventTime(request, context, event);
  const waiting = transition(request, "ACTION_REQUIRED", context, {
    ...times,
    prompts: [...request.prompts, digest],
    providerRequestId: request.providerRequestId ?? event.data.providerRequestId,
    submittedMs: request.submittedMs ?? context.nowMs,
    holdUntilMs: deadlineMs,
    deadlineMs,
    actionDeadlineMs: deadlineMs,
    dueMs: deadlineMs,
  });
  const promptEvent = requestEvent("workflow.actionRequired", waiting, {
    n: waiting.prompts.length,
    atMs,
    status: "action_required",
    eventType: event.data.eventType,
    more: { payload: event.data.payload, ...marksOf(update) },
    raw: update.raw,
  });
  return { request: withOutboxEvents(waiting, context, promptEvent), verdict: "applied" };
}

function applyCompletion(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): UpdateResult {
  const { data } = update.event;
  const outcome = data.status === "completed" ? "SUCCEEDED" : "FAILED";
  const digest = sha256Hex(canonicalJson([data.status, data.result ?? null, data.error ?? null]));
  const effect = laneEffectOf(request, update, context, provider);
  if (isTerminal(request)) {
    const late = withLateResult(request, { data, digest, outcome }, context);
    if (late.verdict === "duplicate") return late;
    const told = withLateEvent(late, update, context, provider);
    return { request: told, verdict: "late", ...(late.nth === null ? {} : effect) };
  }
  const { result } = data;
  const error = data.error && truncated(data.error);
  const { atMs, times } = laterEventTime(request, context, update.event);
  const ended = transition(request, outcome, context, {
    ...times,
    providerRequestId: request.providerRequestId ?? data.providerRequestId,
    submittedMs: request.submittedMs ?? context.nowMs,
    outcomeDigest: digest,
    ...keysWithResult(request, result, provider.correlatedMembers),
    ...(result === undefined ? {} : { result: { inline: JSON.stringify(result) } }),
    ...(result === undefined ? {} : numbersAsTextFlag(update)),
    ...(error === undefined ? {} : { error }),
  });
  const event = outcomeEvent("workflow.completed", ended, update, provider, { atMs });
  return { request: withOutboxEvents(ended, context, event), verdict: "applied", ...effect };
}

/**
 * Tells the client of a later outcome, in the write that keeps it (G2). Cancelled is silent (G9):
 * the outcome of a cancelled request is kept, and told to nobody but the operator.
 */
function withLateEvent(
  { request, nth: n }: { request: RequestRecord; nth: number | null },
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  if (n === null || request.status === "CANCELLED") return request;
  const { atMs, times } = laterEventTime(request, context, update.event);
  const event = outcomeEvent("workflow.lateResult", request, update, provider, { atMs, n });
  return withOutboxEvents({ ...request, ...times }, context, event);
}

function outcomeEvent(
  type: "workflow.completed" | "workflow.lateResult",
  request: RequestRecord,
  update: ProviderUpdate,
  provider: ProviderClient,
  of: { atMs: number; n?: number },
): FinalEvent {
  const { status, result, error } = update.event.data;
  return requestEvent(type, request, {
    ...of,
    status: status === "completed" ? "completed" : "failed",
    eventType: eventTypeOf(request, update, provider),
    more: {
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error: truncated(error) }),
      ...marksOf(update),
    },
    raw: update.raw,
  });
}

/** A provider's error is stored in the item, which has at most 400 KB. Lengths in characters. */
const MAX_CODE_LENGTH = 200;
const MAX_MESSAGE_LENGTH = 1_000;

function truncated({ code, message }: { code: string; message: string }) {
  return { code: code.slice(0, MAX_CODE_LENGTH), message: message.slice(0, MAX_MESSAGE_LENGTH) };
}

function eventTypeOf(
  request: RequestRecord,
  { event }: ProviderUpdate,
  provider: ProviderClient,
): string {
  if (event.hasProviderEventType) return event.data.eventType;
  const succeeded = event.data.status === "completed";
  const known = provider.eventTypeOf(request.action, succeeded ? "succeeded" : "failed");
  return known === "UNKNOWN" ? event.data.eventType : known;
}

function laneEffectOf(
  request: RequestRecord,
  { event }: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): Pick<UpdateResult, "laneEffect"> {
  const code = event.data.error?.code;
  if (code !== undefined) {
    const pause = pauseAfter(code, request, context, { provider });
    return pause ? { laneEffect: { pause } } : {};
  }
  const isLoggedIn = event.data.status === "completed" && provider.isLogin(request.action);
  return isLoggedIn ? { laneEffect: { endLoginPause: true } } : {};
}
