import type { ProviderClient, SubmissionOutcome } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import { withProviderUpdate } from "./provider-update.ts";
import type { LanePause, RequestRecord } from "./record.ts";
import { pollDelayMs, transition, withDerivedFields } from "./request-state.ts";
import { emitStarted } from "./started.ts";
import { failRequest } from "./timeouts.ts";

/** Taken by one worker, which may be at it until that real time. */
export function claimForSubmission(
  request: RequestRecord,
  by: { owner: string; untilRealMs: number },
  context: DecisionContext,
): RequestRecord {
  const sending = { owner: by.owner, sendingUntilRealMs: by.untilRealMs };
  // An input was taken over by the API already: now its sending begins.
  if (request.status === "SUBMITTING")
    return withDerivedFields({ ...request, ...sending }, context);
  return transition(request, "SUBMITTING", context, {
    ...sending,
    attempts: request.attempts + 1,
  });
}

/** Whether what is being sent is a person's input for a request that the provider has. */
export function isContinuation(request: RequestRecord): boolean {
  return request.submittedMs !== undefined;
}

/** What a submission may come to, with how the call itself may have failed. */
export type SubmissionResult = SubmissionOutcome | { kind: "notSent"; code: string };

export interface SubmissionDecision {
  request: RequestRecord;
  /** The account must not be worked for. */
  pause?: LanePause;
  /** The connection must not be used: its credentials were refused. */
  pausesConnection?: true;
}

/** The longest that we let a provider pause an account by `Retry-After`. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** How long an account waits that could not be reached, or not now. */
const NOT_NOW_MS = 60_000;

/**
 * The request after its submission (G3). Only what proves that nothing happened
 * returns it; an outcome that is not known is UNKNOWN and never sent again.
 */
export function applySubmissionOutcome(
  request: RequestRecord,
  outcome: SubmissionResult,
  context: DecisionContext,
  of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
): SubmissionDecision {
  const { provider } = of;
  const answered = { ...request, nextSubmissionNotBeforeMs: of.nextSubmissionNotBeforeMs };
  switch (outcome.kind) {
    case "accepted":
      return { request: accepted(answered, outcome, context, provider) };
    case "rejected":
      // A wrong code is not the end of a login: a person may try another.
      return isContinuation(request)
        ? { request: requeue(answered, context) }
        : { request: failRequest(answered, outcome.error, context, provider) };
    case "unknown":
      return { request: markUnknown(answered, context) };
    case "credentialsRefused":
      return { request: requeue(answered, context), pausesConnection: true };
    case "accountBlocked":
      return { request: requeue(answered, context), pause: { reason: outcome.code } };
    default:
      return {
        request: requeue(answered, context),
        pause: pauseOf(outcome, context),
      };
  }
}

function pauseOf(
  outcome: Extract<
    SubmissionResult,
    { kind: "rateLimited" | "temporarilyUnavailable" | "notSent" }
  >,
  { nowMs, rules }: DecisionContext,
): LanePause {
  if (outcome.kind === "notSent") return { reason: outcome.code, untilMs: nowMs + NOT_NOW_MS };
  const isLimit = outcome.kind === "rateLimited";
  const asked = outcome.retryAfterMs ?? (isLimit ? rules.rateLimitPauseMs : NOT_NOW_MS);
  const untilMs = nowMs + Math.min(Math.max(asked, 1_000), MAX_RETRY_AFTER_MS);
  return { reason: isLimit ? "RATE_LIMITED" : outcome.code, untilMs };
}

function accepted(
  request: RequestRecord,
  outcome: Extract<SubmissionOutcome, { kind: "accepted" }>,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const { nowMs, rules } = context;
  const providerRequestId = outcome.providerRequestId ?? request.providerRequestId;
  const running = transition(request, "RUNNING", context, {
    providerRequestId,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: nowMs + rules.laneHoldMs,
    deadlineMs: nowMs + rules.resultTimeoutMs,
    sweepDueMs: nowMs + pollDelayMs(0, rules),
    polls: 0,
  });
  const begun = provider.startsWhenAccepted ? emitStarted(running, context) : running;
  if (!outcome.outcome) return begun;
  // A call that is answered at once has its result in the answer.
  const { outcome: event, numbersAsText = false } = outcome;
  const update = { event, numbersAsText, isPolled: true };
  return withProviderUpdate(begun, update, context, provider).request;
}

/** Nothing happened: back to the head of its lane, or to waiting for a person's input. */
export function requeue(request: RequestRecord, context: DecisionContext): RequestRecord {
  if (!isContinuation(request)) return transition(request, "QUEUED", context);
  const deadlineMs = request.actionDeadlineMs ?? context.nowMs;
  const until = { deadlineMs, holdUntilMs: deadlineMs, sweepDueMs: deadlineMs };
  return transition(request, "ACTION_REQUIRED", context, until);
}

/** Nobody knows whether the provider has it (G3). */
export function markUnknown(request: RequestRecord, context: DecisionContext): RequestRecord {
  const { nowMs, rules } = context;
  const deadlineMs = nowMs + rules.unknownTimeoutMs;
  return transition(request, "UNKNOWN", context, {
    holdUntilMs: nowMs + rules.unknownHoldMs,
    deadlineMs,
    // Only a request whose id is known can be asked for.
    sweepDueMs: request.providerRequestId === undefined ? deadlineMs : nowMs,
    polls: 0,
  });
}

/** What comes after the answer of a request that ended, or was settled, before it was stored. */
export function mergeLateAnswer(
  request: RequestRecord,
  outcome: SubmissionResult,
  context: DecisionContext,
  of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
): RequestRecord | undefined {
  if (outcome.kind !== "accepted") return undefined;
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
  const isSilent = request.status === "CANCELLED" || !of.provider.startsWhenAccepted;
  return isSilent ? merged : emitStarted(merged, context);
}
