import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import { delayAfterFailures, withRetryAfter } from "../../backoff.ts";
import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { PostResult } from "./ports.ts";
import type { Attempt, DeliveryRecord, EndReason } from "./record.ts";

/** The reason that is stored with a webhook whose endpoint answered 410. */
export const ANSWERED_GONE = "endpoint_answered_410";

/**
 * Time after which a message that was sent counts as lost (business time). It exceeds the
 * 15 minutes for which the messages of a failing endpoint are held.
 */
const LOST_AFTER_MS = 1_200_000;
/** The minimum of the same in real time, where business time runs faster. */
const LOST_AFTER_REAL_MS = 60_000;

/** Claims of one attempt: if that many workers stop during it, the attempt counts as failed. */
const MAX_CLAIMS_OF_ATTEMPT = 3;

/** The newest attempts that an item keeps: a delivery may be resent any number of times. */
const MAX_ATTEMPTS_KEPT = 100;

/**
 * Returns when a message that is to arrive at `nextMs` counts as lost: at that time, or now if it
 * has passed, plus a grace. The grace is the longer of 20 minutes and the time already overdue,
 * so that a message that only waits in a long queue is sent again at doubling intervals.
 */
export function messageLostAtMs(nextMs: number, { nowMs, speed }: DeliveryContext): number {
  const graceMs = Math.max(LOST_AFTER_MS, LOST_AFTER_REAL_MS * speed);
  return Math.max(nextMs, nowMs) + Math.max(nowMs - nextMs, graceMs);
}

/** Whether the current attempt has been claimed too often, this claim included, to be made again. */
export function hasExhaustedClaims({ claimsOfAttempt }: DeliveryRecord): boolean {
  return claimsOfAttempt > MAX_CLAIMS_OF_ATTEMPT;
}

/** Returns a new delivery that waits for its first attempt. The caller must send its message. */
export function waitingDelivery(
  delivery: Pick<
    DeliveryRecord,
    | "deliveryId"
    | "clientId"
    | "webhookId"
    | "eventId"
    | "eventType"
    | "requestId"
    | "traceparent"
    | "body"
  >,
  context: DeliveryContext,
): DeliveryRecord {
  return {
    deliveryId: delivery.deliveryId,
    clientId: delivery.clientId,
    webhookId: delivery.webhookId,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    requestId: delivery.requestId,
    traceparent: delivery.traceparent,
    body: delivery.body,
    createdMs: context.nowMs,
    status: "waiting",
    cycle: 1,
    attemptsInCycle: 0,
    claimsOfAttempt: 0,
    attemptHistory: [],
    unpublishedFailures: [],
    nextMs: context.nowMs,
    dueMs: messageLostAtMs(context.nowMs, context),
    expiresMs: context.nowMs + context.rules.retentionMs,
    version: 0,
  };
}

/**
 * Claims a new delivery for its first attempt, so that one write stores and claims it. It is in no
 * index of the sweep: its message stays in the queue until the attempt is recorded.
 */
export function claimFirstAttempt(
  delivery: DeliveryRecord,
  { owner, untilMs }: Lease,
): DeliveryRecord {
  return {
    ...delivery,
    status: "delivering",
    owner,
    leaseUntilRealMs: untilMs,
    claimsOfAttempt: 1,
    nextMs: undefined,
    dueMs: undefined,
  };
}

/** Releases a claimed delivery whose attempt was not made: it waits again, and the claim is not counted. */
export function releaseUnattempted(
  delivery: DeliveryRecord,
  delayMs: number,
  { nowMs, nowRealMs, rules }: DeliveryContext,
): DeliveryRecord {
  const nextMs = nowMs + delayMs;
  const hasUnpublished = delivery.unpublishedFailures.length > 0;
  return {
    ...delivery,
    status: "waiting",
    claimsOfAttempt: delivery.claimsOfAttempt - 1,
    owner: undefined,
    leaseUntilRealMs: undefined,
    nextMs,
    dueMs: nextMs,
    sweepAtRealMs: hasUnpublished ? nowRealMs : undefined,
    // It has not ended, so it does not vanish.
    expiresMs: Math.max(delivery.expiresMs, nowMs + rules.retentionMs),
  };
}

/** Starts the next cycle of a delivery that has ended: same id, same bytes, all attempts again. */
export function startNextCycle(delivery: DeliveryRecord, context: DeliveryContext): DeliveryRecord {
  return {
    ...resetAfterAttempt(delivery, context),
    status: "waiting",
    cycle: delivery.cycle + 1,
    attemptsInCycle: 0,
    reason: undefined,
    endedMs: undefined,
    nextMs: context.nowMs,
    dueMs: messageLostAtMs(context.nowMs, context),
  };
}

/** Makes the next attempt of a waiting delivery due at once. It keeps its number. The caller must send its message. */
export function attemptNow(delivery: DeliveryRecord, context: DeliveryContext): DeliveryRecord {
  return {
    ...delivery,
    nextMs: Math.min(delivery.nextMs ?? context.nowMs, context.nowMs),
    dueMs: messageLostAtMs(context.nowMs, context),
  };
}

/** Ends a delivery without success. A failure is kept as unpublished until `delivery.failed` is on the bus. */
export function endDelivery(
  delivery: DeliveryRecord,
  status: "failed" | "cancelled",
  reason: EndReason,
  context: DeliveryContext,
): DeliveryRecord {
  const { cycle, attemptsInCycle: attemptCount } = delivery;
  const failure = { cycle, attemptCount, reason, atMs: context.nowMs };
  const unpublishedFailures =
    status === "failed" ? [...delivery.unpublishedFailures, failure] : delivery.unpublishedFailures;
  return {
    ...resetAfterAttempt({ ...delivery, unpublishedFailures }, context),
    status,
    reason,
    endedMs: context.nowMs,
  };
}

/**
 * Clears the claim and the due times, and extends the expiry. If failures are unpublished, it
 * schedules their recovery: the sweep publishes them if this writer stops first.
 */
function resetAfterAttempt(delivery: DeliveryRecord, context: DeliveryContext): DeliveryRecord {
  const { nowMs, nowRealMs, rules } = context;
  return {
    ...delivery,
    claimsOfAttempt: 0,
    nextMs: undefined,
    owner: undefined,
    leaseUntilRealMs: undefined,
    dueMs: undefined,
    sweepAtRealMs:
      delivery.unpublishedFailures.length > 0 ? nowRealMs + rules.outboxGraceMs : undefined,
    expiresMs: nowMs + rules.retentionMs,
  };
}

/**
 * Applies one attempt: the delivery is delivered, waits for the next attempt, or has
 * failed (after the last attempt, or because the endpoint answered 410).
 *
 * @param attempt.atMs when the attempt started (business time)
 * @param attempt.random from 0 to 1, for the jitter of the next delay
 * @param attempt.hasMoved the webhook has another URL by now, which a 410 says nothing about
 */
export function applyAttempt(
  delivery: DeliveryRecord,
  of: { result: PostResult; atMs: number; random: number; hasMoved?: boolean },
  context: DeliveryContext,
): DeliveryRecord {
  const { result, atMs, random, hasMoved = false } = of;
  const { httpStatus, error, durationMs, bodyStart, location } = result;
  const { cycle } = delivery;
  const attemptNumber = delivery.attemptsInCycle + 1;
  const answer = { httpStatus, error, durationMs, bodyStart, location };
  const attempt: Attempt = { cycle, attemptNumber, atMs, ...answer };
  const attemptHistory = [...delivery.attemptHistory, attempt].slice(-MAX_ATTEMPTS_KEPT);
  const next = { ...delivery, attemptsInCycle: attemptNumber, attemptHistory };
  if (isSuccess(result)) {
    return { ...resetAfterAttempt(next, context), status: "delivered", endedMs: context.nowMs };
  }
  if (httpStatus === 410 && !hasMoved) return endDelivery(next, "failed", "gone", context);
  const delayMs = nextDelayMs({ attemptNumber, random, result }, context);
  if (delayMs === undefined) return endDelivery(next, "failed", "attempts_used", context);
  const nextMs = context.nowMs + delayMs;
  const dueMs = dueFor(nextMs, context);
  return { ...resetAfterAttempt(next, context), status: "waiting", nextMs, dueMs };
}

/** Whether a POST succeeded: any 2xx status. The answer's body is not needed. */
export function isSuccess({ httpStatus = 0 }: Pick<PostResult, "httpStatus">): boolean {
  return httpStatus >= 200 && httpStatus < 300;
}

/**
 * The delay before the next attempt. A `Retry-After` of a 429 or 503 counts when
 * it is longer, up to the longest delay of the schedule.
 *
 * @returns `undefined` after the last attempt
 */
function nextDelayMs(
  { attemptNumber, random, result }: { attemptNumber: number; random: number; result: PostResult },
  { rules }: DeliveryContext,
): number | undefined {
  const delayMs = delayAfterFailures(rules.delaysMs, attemptNumber, {
    jitter: rules.jitter,
    random,
  });
  const isAsked = result.httpStatus === 429 || result.httpStatus === 503;
  if (delayMs === undefined || !isAsked) return delayMs;
  return withRetryAfter(delayMs, result.retryAfterMs ?? 0, Math.max(...rules.delaysMs));
}

/**
 * Returns when the sweep must act on a delivery whose next attempt is due at `nextMs`. If SQS
 * can delay the message for that long, the caller sends it now, and the sweep sends it again
 * once it counts as lost. Otherwise the sweep sends it as soon as SQS can delay it.
 */
function dueFor(nextMs: number, context: DeliveryContext): number {
  const isSentNow = nextMs - context.nowMs <= MAX_SQS_DELAY_MS;
  return isSentNow ? messageLostAtMs(nextMs, context) : nextMs - MAX_SQS_DELAY_MS;
}
