import { sha256Hex } from "../../crypto/digest.ts";
import { requestEvent } from "../../events/envelope.ts";
import type { ProviderEvent } from "../../events/provider-event.ts";
import { canonicalJson } from "../../json/json.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { isTerminal, type LanePause, type RequestRecord } from "./record.ts";
import {
  pollDelayMs,
  transition,
  withDerivedFields,
  withOutboxEvents,
  withStartedEvent,
} from "./request-state.ts";

/** A report of the provider about a request, from a webhook, a poll, or the answer to the submission. */
export interface ProviderUpdate {
  event: ProviderEvent;
  /** True for an answer to our own call, which is the current state. A webhook may be late or repeated. */
  isCurrentState?: boolean;
  numbersAsText?: boolean;
  /** The webhook's exact bytes, when the event could not keep every digit. */
  raw?: Uint8Array;
}

export interface UpdateResult {
  request: RequestRecord;
  /**
   * `late`: the request had ended with another outcome. `needsPoll`: an old prompt
   * arrived again; a poll must show whether it is the current one.
   */
  verdict: "applied" | "duplicate" | "late" | "needsPoll";
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
  switch (update.event.type) {
    case "workflow.started":
      return applyStarted(request, update, context);
    case "workflow.actionRequired":
      return applyPrompt(request, update, context);
    case "workflow.completed":
      return applyCompletion(request, update, context, provider);
    default:
      // `workflow.created` is our own event.
      return { request, verdict: "duplicate" };
  }
}

function applyStarted(
  request: RequestRecord,
  { event }: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (request.status === "CANCELLED") return { request, verdict: "duplicate" };
  const provesSubmission = ["QUEUED", "UNKNOWN"].includes(request.status);
  const running = provesSubmission ? toRunning(request, event, context) : request;
  const started = withStartedEvent(running, context, event.data.payload);
  return started === request
    ? { request, verdict: "duplicate" }
    : { request: started, verdict: "applied" };
}

/** The provider has the request although no answer was recorded. */
function toRunning(
  request: RequestRecord,
  event: ProviderEvent,
  context: DecisionContext,
): RequestRecord {
  const { nowMs, rules } = context;
  return transition(request, "RUNNING", context, {
    providerRequestId: request.providerRequestId ?? event.data.providerRequestId,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: nowMs + rules.laneHoldMs,
    deadlineMs: nowMs + rules.resultTimeoutMs,
    sweepDueMs: nowMs + pollDelayMs(0, rules),
    polls: 0,
  });
}

function applyPrompt(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (isTerminal(request)) return { request, verdict: "duplicate" };
  const { event } = update;
  const digest = event.discriminator ?? sha256Hex(canonicalJson(event.data)).slice(0, 16);
  const isKnown = update.isCurrentState || request.prompts.at(-1) === digest;
  // A poll may word the open prompt differently.
  if (request.status === "ACTION_REQUIRED" && isKnown) return { request, verdict: "duplicate" };
  // While an input is being sent, the provider still reports the prompt that it answers.
  if (request.sealedInput !== undefined) return { request, verdict: "duplicate" };
  if (!update.isCurrentState && request.prompts.includes(digest)) {
    const polledNow = withDerivedFields({ ...request, sweepDueMs: context.nowMs }, context);
    return { request: polledNow, verdict: "needsPoll" };
  }
  const { nowMs, rules } = context;
  const deadlineMs = nowMs + rules.actionTimeoutMs;
  const waiting = transition(request, "ACTION_REQUIRED", context, {
    prompts: [...request.prompts, digest],
    providerRequestId: request.providerRequestId ?? event.data.providerRequestId,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: deadlineMs,
    deadlineMs,
    actionDeadlineMs: deadlineMs,
    sweepDueMs: deadlineMs,
  });
  const promptEvent = requestEvent("workflow.actionRequired", waiting, {
    n: waiting.prompts.length,
    atMs: nowMs,
    status: "action_required",
    eventType: event.data.eventType,
    more: { payload: event.data.payload, ...numbersAsTextFlag(update) },
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
  if (isTerminal(request))
    return applyAfterEnd(request, { update, digest, outcome }, context, effect);
  const { result } = data;
  const error = data.error && truncated(data.error);
  const ended = transition(request, outcome, context, {
    providerRequestId: request.providerRequestId ?? data.providerRequestId,
    submittedMs: request.submittedMs ?? context.nowMs,
    outcomeDigest: digest,
    ...(result === undefined ? {} : { result: { inline: JSON.stringify(result) } }),
    ...(result === undefined ? {} : numbersAsTextFlag(update)),
    ...(error === undefined ? {} : { error }),
  });
  const event = requestEvent("workflow.completed", ended, {
    atMs: context.nowMs,
    status: outcome === "SUCCEEDED" ? "completed" : "failed",
    eventType: eventTypeOf(request, update, provider),
    more: {
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
      ...numbersAsTextFlag(update),
    },
    raw: update.raw,
  });
  return { request: withOutboxEvents(ended, context, event), verdict: "applied", ...effect };
}

/** A provider's error is stored in the item, which has at most 400 KB. Lengths in characters. */
const MAX_CODE_LENGTH = 200;
const MAX_MESSAGE_LENGTH = 1_000;

function truncated({ code, message }: { code: string; message: string }) {
  return { code: code.slice(0, MAX_CODE_LENGTH), message: message.slice(0, MAX_MESSAGE_LENGTH) };
}

/** A report about a request that has ended: the same outcome is a duplicate, another one is stored as `lateResult`. */
function applyAfterEnd(
  request: RequestRecord,
  of: { update: ProviderUpdate; digest: string; outcome: RequestRecord["status"] },
  context: DecisionContext,
  effect: Pick<UpdateResult, "laneEffect">,
): UpdateResult {
  const isSame =
    request.outcomeDigest === of.digest ||
    // A poll and a webhook may word the same result differently.
    (request.outcomeDigest !== undefined && request.status === of.outcome);
  if (isSame || request.lateResult !== undefined) return { request, verdict: "duplicate" };
  const { status, result, error } = of.update.event.data;
  const late = { inline: JSON.stringify({ status, result, error }) };
  return {
    request: withDerivedFields({ ...request, lateResult: late }, context),
    verdict: "late",
    ...effect,
  };
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
  if (code === undefined)
    return provider.isLogin(request.action) ? { laneEffect: { endLoginPause: true } } : {};
  if (provider.isRateLimit(code)) {
    const untilMs = context.nowMs + context.rules.rateLimitPauseMs;
    return { laneEffect: { pause: { reason: code, untilMs } } };
  }
  return provider.blocksAccount(code) ? { laneEffect: { pause: { reason: code } } } : {};
}

function numbersAsTextFlag(update: ProviderUpdate): { numbersAsText?: true } {
  return update.numbersAsText ? { numbersAsText: true } : {};
}
