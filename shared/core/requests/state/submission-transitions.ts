import { requestEvent } from "../../events/envelope.ts";
import type { ProviderClient, SubmissionOutcome } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { failRequest } from "./endings.ts";
import { laterEventTime } from "./event-times.ts";
import { CATEGORY_PAUSE_MS, pauseAfter, pauseOfAccount } from "./pause-after.ts";
import { type UpdateResult, withProviderUpdate } from "./provider-update.ts";
import type { LanePause, RequestError, RequestRecord } from "./record.ts";
import {
  pollDelayMs,
  transition,
  transitionWithoutDerivedFields,
  withDerivedFields,
  withOutboxEvents,
  withStartedEvent,
} from "./request-state.ts";
import { withUnclearReport } from "./unclear-reports.ts";

/** Claims the request for one worker until that real time. */
export function claimForSubmission(
  request: RequestRecord,
  by: { owner: string; untilRealMs: number },
  context: DecisionContext,
): RequestRecord {
  const sending = { owner: by.owner, sendingUntilRealMs: by.untilRealMs };
  // For a person's input the API has made the transition already.
  if (request.status === "SUBMITTING")
    return withDerivedFields({ ...request, ...sending }, context);
  return transition(request, "SUBMITTING", context, {
    ...sending,
    takenMs: context.nowMs,
    attempts: request.attempts + 1,
  });
}

/** Whether the provider has the request already. A send of such a request sends a person's input. */
export function hasBeenSubmitted(request: RequestRecord): boolean {
  return request.submittedMs !== undefined;
}

/** The outcome of a submission: what the provider answered, or that nothing was sent. */
export type SendOutcome = SubmissionOutcome | { kind: "notSent"; code: string };

export interface SubmissionDecision {
  request: RequestRecord;
  /** The account's lane must be paused. */
  pause?: LanePause;
  /** The connection must be paused because the provider refused its credentials. */
  pausesConnection?: true;
  /** A login succeeded, which ends the pause that waited for one. */
  endsLoginPause?: true;
  /** A report that is not clear was kept on the request. */
  hasStoredUnclearReport?: true;
}

/** The shortest pause (business), also where the provider says that its limit is over. */
const MIN_PAUSE_MS = 1_000;

/** Pause (business) of an account whose provider cannot be reached or is temporarily unavailable. */
const UNAVAILABLE_PAUSE_MS = 60_000;

/**
 * Applies the outcome of a submission (G3). The request returns to its lane only
 * when it is proven that nothing happened. A request whose outcome is not known
 * becomes UNKNOWN and is not sent again.
 */
export function applySubmissionOutcome(
  request: RequestRecord,
  outcome: SendOutcome,
  context: DecisionContext,
  of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
): SubmissionDecision {
  const { provider } = of;
  const answered = { ...request, nextSubmissionNotBeforeMs: of.nextSubmissionNotBeforeMs };
  switch (outcome.kind) {
    case "accepted":
      return applyAccepted(answered, outcome, context, provider);
    case "rejected":
      return applyRejected(answered, outcome, context, provider);
    case "forbidden":
      // Once more after a person has looked; what is forbidden again is not sent a third time.
      return request.wasForbidden
        ? applyRejected(answered, outcome, context, provider)
        : {
            request: returnToPreviousState({ ...answered, wasForbidden: true }, context, provider),
            pause: { reason: outcome.error.code },
          };
    case "unknown":
      return applyUnknown(answered, outcome, context);
    case "credentialsRefused":
      return {
        request: returnToPreviousState(answered, context, provider),
        pausesConnection: true,
      };
    case "accountBlocked":
      return {
        request: returnToPreviousState(answered, context, provider),
        pause: pauseOfAccount(outcome, provider),
      };
    default:
      return {
        request: returnToPreviousState(answered, context, provider),
        pause: pauseOf(outcome, request, context, provider),
      };
  }
}

/** The effect of a result on the lane, whether a webhook, a poll or this answer brought it. */
function laneChangesFrom(effect: UpdateResult["laneEffect"]): Partial<SubmissionDecision> {
  if (!effect) return {};
  return "pause" in effect ? { pause: effect.pause } : { endsLoginPause: true };
}

/** A refused input does not end the request: the person may try another. */
function applyRejected(
  request: RequestRecord,
  { error, retryAfterMs }: { error: RequestError; retryAfterMs?: number },
  context: DecisionContext,
  provider: ProviderClient,
): SubmissionDecision {
  const pauseMs = retryAfterMs === undefined ? undefined : Math.max(MIN_PAUSE_MS, retryAfterMs);
  const pause = pauseAfter(error.code, request, context, { provider, retryAfterMs: pauseMs });
  return {
    request: hasBeenSubmitted(request)
      ? returnToPreviousState(request, context, provider)
      : failRequest({ ...request, takenMs: undefined }, error, context, provider),
    ...(pause ? { pause } : {}),
  };
}

function applyUnknown(
  request: RequestRecord,
  { unclear }: Extract<SubmissionOutcome, { kind: "unknown" }>,
  context: DecisionContext,
): SubmissionDecision {
  const unknown = markUnknown(request, context);
  if (!unclear) return { request: unknown };
  const report = { event: { unclear }, isCurrentState: true };
  return { request: withUnclearReport(unknown, report, context), hasStoredUnclearReport: true };
}

function pauseOf(
  outcome: Extract<SendOutcome, { kind: "rateLimited" | "temporarilyUnavailable" | "notSent" }>,
  { category = "other" }: RequestRecord,
  { nowMs, rules }: DecisionContext,
  provider: Pick<ProviderClient, "consequenceOf">,
): LanePause {
  if (outcome.kind === "notSent")
    return { reason: outcome.code, untilMs: nowMs + UNAVAILABLE_PAUSE_MS, isOutage: true };
  const isLimit = outcome.kind === "rateLimited";
  const isOfCategory = isLimit && outcome.isOfCategory === true;
  const limitPauseMs = isOfCategory ? CATEGORY_PAUSE_MS : rules.rateLimitPauseMs;
  const askedMs = outcome.retryAfterMs ?? (isLimit ? limitPauseMs : UNAVAILABLE_PAUSE_MS);
  const untilMs = nowMs + Math.max(MIN_PAUSE_MS, askedMs);
  const reason = isLimit ? "RATE_LIMITED" : outcome.code;
  const isOutage = !isLimit && provider.consequenceOf(outcome.code) !== "pauseLane";
  return {
    reason,
    untilMs,
    ...(isOfCategory ? { category } : {}),
    ...(isOutage ? { isOutage } : {}),
  };
}

function applyAccepted(
  request: RequestRecord,
  outcome: Extract<SubmissionOutcome, { kind: "accepted" }>,
  context: DecisionContext,
  provider: ProviderClient,
): SubmissionDecision {
  const { nowMs, rules } = context;
  const providerRequestId = outcome.providerRequestId ?? request.providerRequestId;
  const running = transitionWithoutDerivedFields(request, "RUNNING", {
    providerRequestId,
    pendingReason: outcome.pendingReason,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: nowMs + rules.laneHoldMs,
    deadlineMs: nowMs + rules.resultTimeoutMs,
    dueMs: nowMs + pollDelayMs(0, rules),
    polls: 0,
  });
  const started = withDerivedFields(
    provider.startsWhenAccepted ? withStartedEvent(running, context) : running,
    context,
  );
  if (!outcome.resultEvent) return { request: started };
  const { resultEvent: event, numbersAsText = false } = outcome;
  const update = { event, numbersAsText, isCurrentState: true };
  const applied = withProviderUpdate(started, update, context, provider);
  const { request: ended, laneEffect, hasStoredUnclearReport } = applied;
  return {
    request: ended,
    ...laneChangesFrom(laneEffect),
    ...(hasStoredUnclearReport ? { hasStoredUnclearReport } : {}),
  };
}

/**
 * Returns a request whose submission did nothing to its previous state: QUEUED, with its position
 * in the lane, or ACTION_REQUIRED when the submission carried a person's input. While there is time
 * for another input, an event asks for it: what the person gave is erased.
 */
export function returnToPreviousState(
  request: RequestRecord,
  context: DecisionContext,
  provider: Pick<ProviderClient, "continuation">,
): RequestRecord {
  if (!hasBeenSubmitted(request)) {
    return transition(request, "QUEUED", context, { takenMs: undefined });
  }
  const deadlineMs = request.actionDeadlineMs ?? context.nowMs;
  const until = { deadlineMs, holdUntilMs: deadlineMs, dueMs: deadlineMs };
  const waiting = transitionWithoutDerivedFields(request, "ACTION_REQUIRED", until);
  return deadlineMs > context.nowMs
    ? withPromptAgain(waiting, context, provider)
    : withDerivedFields(waiting, context);
}

/** Adds the event that asks for the input once more. It is the next prompt, with the same digest. */
function withPromptAgain(
  request: RequestRecord,
  context: DecisionContext,
  { continuation }: Pick<ProviderClient, "continuation">,
): RequestRecord {
  const { atMs, times } = laterEventTime(request, context);
  // By its digest, a copy of the provider's own prompt is still recognised.
  const prompts = [...request.prompts, request.prompts.at(-1) ?? ""];
  const event = requestEvent("workflow.actionRequired", request, {
    n: prompts.length,
    atMs,
    status: "action_required",
    eventType: continuation?.promptEventType ?? "UNKNOWN",
  });
  return withOutboxEvents({ ...request, ...times, prompts }, context, event);
}

/** Makes the request UNKNOWN: it may be at the provider (G3). It is polled if its provider id is known. */
export function markUnknown(request: RequestRecord, context: DecisionContext): RequestRecord {
  const { nowMs, rules } = context;
  const deadlineMs = nowMs + rules.unknownTimeoutMs;
  return transition(request, "UNKNOWN", context, {
    holdUntilMs: nowMs + rules.unknownHoldMs,
    deadlineMs,
    dueMs: request.providerRequestId === undefined ? deadlineMs : nowMs,
    polls: 0,
  });
}

/**
 * Adds what the answer says to a request that another writer changed before the
 * answer was stored. Returns `undefined` when there is nothing to add. A request that waits in its
 * lane again, and that its provider has after all, is not sent a second time: it becomes RUNNING.
 */
export function mergeLateAnswer(
  request: RequestRecord,
  outcome: SendOutcome,
  context: DecisionContext,
  of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
): RequestRecord | undefined {
  if (outcome.kind !== "accepted") return undefined;
  // A person has resolved it as not submitted before the answer came.
  if (request.status === "QUEUED") {
    return applySubmissionOutcome(request, outcome, context, of).request;
  }
  const { providerRequestId } = outcome;
  const merged = withDerivedFields(
    {
      ...request,
      nextSubmissionNotBeforeMs: of.nextSubmissionNotBeforeMs,
      submittedMs: request.submittedMs ?? context.nowMs,
      providerRequestId: request.providerRequestId ?? providerRequestId,
    },
    context,
  );
  const emitsStarted = request.status !== "CANCELLED" && of.provider.startsWhenAccepted;
  return emitsStarted ? withStartedEvent(merged, context) : merged;
}
