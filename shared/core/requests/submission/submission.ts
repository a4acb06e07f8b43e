import type { ProviderRequests, SubmissionOutcome } from "../../providers/provider-client.ts";
import type { LanePause, RequestRecord } from "../record.ts";
import { derived, type Moment, moveTo, pollDelayMs } from "../request-state.ts";
import { applyNews } from "../results/provider-update.ts";
import { started } from "../results/started.ts";
import { failed } from "../timeouts.ts";

/** Taken by one worker, which may be at it until that real time. */
export function taken(
  request: RequestRecord,
  by: { owner: string; untilRealMs: number },
  moment: Moment,
): RequestRecord {
  const sending = { owner: by.owner, sendingUntilRealMs: by.untilRealMs };
  // An input was taken over by the API already: now its sending begins.
  if (request.status === "SUBMITTING") return derived({ ...request, ...sending }, moment);
  return moveTo(request, "SUBMITTING", moment, { ...sending, attempts: request.attempts + 1 });
}

/** Whether what is being sent is a person's input for a request that the provider has. */
export function isContinuation(request: RequestRecord): boolean {
  return request.submittedMs !== undefined;
}

/** What a submission may come to, with how the call itself may have failed. */
export type Outcome = SubmissionOutcome | { kind: "notSent"; code: string };

export interface Settled {
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
export function settled(
  request: RequestRecord,
  outcome: Outcome,
  moment: Moment,
  of: { provider: ProviderRequests; laneNextMs: number },
): Settled {
  const { provider } = of;
  const answered = { ...request, laneNextMs: of.laneNextMs };
  switch (outcome.kind) {
    case "accepted":
      return { request: accepted(answered, outcome, moment, provider) };
    case "rejected":
      // A wrong code is not the end of a login: a person may try another.
      return isContinuation(request)
        ? { request: returned(answered, moment) }
        : { request: failed(answered, outcome.error, moment, provider) };
    case "unknown":
      return { request: unknown(answered, moment) };
    case "credentialsRefused":
      return { request: returned(answered, moment), pausesConnection: true };
    case "accountBlocked":
      return { request: returned(answered, moment), pause: { reason: outcome.code } };
    default:
      return { request: returned(answered, moment), pause: pauseOf(outcome, moment) };
  }
}

function pauseOf(
  outcome: Extract<Outcome, { kind: "rateLimited" | "notNow" | "notSent" }>,
  { nowMs, rules }: Moment,
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
  moment: Moment,
  provider: ProviderRequests,
): RequestRecord {
  const { nowMs, rules } = moment;
  const providerRequestId = outcome.providerRequestId ?? request.providerRequestId;
  const running = moveTo(request, "RUNNING", moment, {
    providerRequestId,
    submittedMs: request.submittedMs ?? nowMs,
    holdUntilMs: nowMs + rules.laneHoldMs,
    deadlineMs: nowMs + rules.resultTimeoutMs,
    dueMs: nowMs + pollDelayMs(0, rules),
    polls: 0,
  });
  const begun = provider.startsWhenAccepted ? started(running, moment) : running;
  if (!outcome.outcome) return begun;
  // A call that is answered at once has its result in the answer.
  const { outcome: event, numbersAsText = false } = outcome;
  const news = { event, numbersAsText, isPolled: true };
  return applyNews(begun, news, moment, provider).request;
}

/** Nothing happened: back to the head of its lane, or to waiting for a person's input. */
export function returned(request: RequestRecord, moment: Moment): RequestRecord {
  if (!isContinuation(request)) return moveTo(request, "QUEUED", moment);
  const deadlineMs = request.actionDeadlineMs ?? moment.nowMs;
  const until = { deadlineMs, holdUntilMs: deadlineMs, dueMs: deadlineMs };
  return moveTo(request, "ACTION_REQUIRED", moment, until);
}

/** Nobody knows whether the provider has it (G3). */
export function unknown(request: RequestRecord, moment: Moment): RequestRecord {
  const { nowMs, rules } = moment;
  const deadlineMs = nowMs + rules.unknownTimeoutMs;
  return moveTo(request, "UNKNOWN", moment, {
    holdUntilMs: nowMs + rules.unknownHoldMs,
    deadlineMs,
    // Only a request whose id is known can be asked for.
    dueMs: request.providerRequestId === undefined ? deadlineMs : nowMs,
    polls: 0,
  });
}

/** What comes after the answer of a request that ended, or was settled, before it was stored. */
export function mergedAfterwards(
  request: RequestRecord,
  outcome: Outcome,
  moment: Moment,
  of: { provider: ProviderRequests; laneNextMs: number },
): RequestRecord | undefined {
  if (outcome.kind !== "accepted") return undefined;
  const { providerRequestId } = outcome;
  const merged = derived(
    {
      ...request,
      laneNextMs: of.laneNextMs,
      submittedMs: request.submittedMs ?? moment.nowMs,
      providerRequestId: request.providerRequestId ?? providerRequestId,
    },
    moment,
  );
  const isSilent = request.status === "CANCELLED" || !of.provider.startsWhenAccepted;
  return isSilent ? merged : started(merged, moment);
}
