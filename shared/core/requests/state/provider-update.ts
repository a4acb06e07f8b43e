import { sha256Hex } from "../../crypto/digest.ts";
import { requestEvent } from "../../events/envelope.ts";
import type { InboundEvent } from "../../events/inbound-event.ts";
import { canonicalJson } from "../../json/json.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { isTerminal, type LanePause, type RequestRecord } from "./record.ts";
import { pollDelayMs, transition, withDerivedFields, withOutboxEvents } from "./request-state.ts";
import { emitStarted } from "./started.ts";

/** What the provider says of a request: by webhook, by an answer to a poll, or at once. */
export interface ProviderUpdate {
  event: InboundEvent;
  /** We asked: what it says is so now. A webhook may be late, and come twice. */
  isPolled?: boolean;
  numbersAsText?: boolean;
  /** The exact bytes, where the event could not carry each digit. */
  raw?: Uint8Array;
}

export interface UpdateResult {
  request: RequestRecord;
  /**
   * `late`: the request had ended otherwise. `unsure`: an old prompt again, which
   * counts only once a poll has confirmed it.
   */
  verdict: "applied" | "duplicate" | "late" | "unsure";
  /** For the account's lane, to be done before the request is stored: doing it again changes nothing. */
  lane?: { pause: LanePause } | { resume: true };
}

/** The request after news of it (G4): by whichever way and in whichever order it comes. */
export function withProviderUpdate(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): UpdateResult {
  switch (update.event.type) {
    case "workflow.started":
      return running(request, update, context);
    case "workflow.actionRequired":
      return prompted(request, update, context);
    case "workflow.completed":
      return completed(request, update, context, provider);
    default:
      // We said ourselves that it was created.
      return { request, verdict: "duplicate" };
  }
}

function running(
  request: RequestRecord,
  { event }: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (request.status === "CANCELLED") return { request, verdict: "duplicate" };
  const proves = ["QUEUED", "UNKNOWN"].includes(request.status);
  const now = proves ? runningNow(request, event, context) : request;
  const payload = event.data.payload;
  const told = emitStarted(now, context, payload);
  return told === request
    ? { request, verdict: "duplicate" }
    : { request: told, verdict: "applied" };
}

/** It is with the provider, though we did not know. */
function runningNow(
  request: RequestRecord,
  event: InboundEvent,
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

function prompted(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
): UpdateResult {
  if (isTerminal(request)) return { request, verdict: "duplicate" };
  const { event } = update;
  const digest = event.discriminator ?? sha256Hex(canonicalJson(event.data)).slice(0, 16);
  const isKnown = update.isPolled || request.prompts.at(-1) === digest;
  // A poll words the prompt that waits in its own way.
  if (request.status === "ACTION_REQUIRED" && isKnown) return { request, verdict: "duplicate" };
  // While an input is on its way, what the provider says is of before.
  if (request.sealedInput !== undefined) return { request, verdict: "duplicate" };
  if (!update.isPolled && request.prompts.includes(digest)) {
    const asked = withDerivedFields({ ...request, sweepDueMs: context.nowMs }, context);
    return { request: asked, verdict: "unsure" };
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
  const said = requestEvent("workflow.actionRequired", waiting, {
    n: waiting.prompts.length,
    atMs: nowMs,
    status: "action_required",
    eventType: event.data.eventType,
    more: { payload: event.data.payload, ...marks(update) },
    raw: update.raw,
  });
  return { request: withOutboxEvents(waiting, context, said), verdict: "applied" };
}

function completed(
  request: RequestRecord,
  update: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): UpdateResult {
  const { data } = update.event;
  const outcome = data.status === "completed" ? "SUCCEEDED" : "FAILED";
  const digest = sha256Hex(canonicalJson([data.status, data.result ?? null, data.error ?? null]));
  const lane = laneEffect(request, update, context, provider);
  if (isTerminal(request)) return after(request, { update, digest, outcome }, context, lane);
  const { result } = data;
  const error = data.error && shortened(data.error);
  const ended = transition(request, outcome, context, {
    providerRequestId: request.providerRequestId ?? data.providerRequestId,
    submittedMs: request.submittedMs ?? context.nowMs,
    outcomeDigest: digest,
    ...(result === undefined ? {} : { result: { inline: JSON.stringify(result) } }),
    ...(error === undefined ? {} : { error }),
  });
  const said = requestEvent("workflow.completed", ended, {
    atMs: context.nowMs,
    status: outcome === "SUCCEEDED" ? "completed" : "failed",
    eventType: eventTypeOf(request, update, provider),
    more: {
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
      ...marks(update),
    },
    raw: update.raw,
  });
  return { request: withOutboxEvents(ended, context, said), verdict: "applied", ...lane };
}

/** A provider's words lie in the item, which has its limit. */
const MAX_CODE = 200;
const MAX_MESSAGE = 1_000;

function shortened({ code, message }: { code: string; message: string }) {
  return { code: code.slice(0, MAX_CODE), message: message.slice(0, MAX_MESSAGE) };
}

/** The terminal write is made: what says the same is a duplicate, what says otherwise is kept. */
function after(
  request: RequestRecord,
  of: { update: ProviderUpdate; digest: string; outcome: RequestRecord["status"] },
  context: DecisionContext,
  lane: Pick<UpdateResult, "lane">,
): UpdateResult {
  const isSame =
    request.outcomeDigest === of.digest ||
    // A poll and a webhook may word one result differently.
    (request.outcomeDigest !== undefined && request.status === of.outcome);
  if (isSame || request.lateResult !== undefined) return { request, verdict: "duplicate" };
  const { status, result, error } = of.update.event.data;
  const late = { inline: JSON.stringify({ status, result, error }) };
  return {
    request: withDerivedFields({ ...request, lateResult: late }, context),
    verdict: "late",
    ...lane,
  };
}

function eventTypeOf(
  request: RequestRecord,
  { event }: ProviderUpdate,
  provider: ProviderClient,
): string {
  if (event.hasOwnEventType) return event.data.eventType;
  const succeeded = event.data.status === "completed";
  const known = provider.eventTypeOf(request.action, succeeded ? "succeeded" : "failed");
  return known === "UNKNOWN" ? event.data.eventType : known;
}

function laneEffect(
  request: RequestRecord,
  { event }: ProviderUpdate,
  context: DecisionContext,
  provider: ProviderClient,
): Pick<UpdateResult, "lane"> {
  const code = event.data.error?.code;
  if (code === undefined) return provider.isLogin(request.action) ? { lane: { resume: true } } : {};
  if (provider.isRateLimit(code)) {
    const untilMs = context.nowMs + context.rules.rateLimitPauseMs;
    return { lane: { pause: { reason: code, untilMs } } };
  }
  return provider.blocksAccount(code) ? { lane: { pause: { reason: code } } } : {};
}

function marks(update: ProviderUpdate): { numbersAsText?: true } {
  return update.numbersAsText ? { numbersAsText: true } : {};
}
