import { limits } from "../../../contracts/limits.ts";
import { asLongAsOverdue, schedule, withRetryAfter } from "../../backoff.ts";
import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { Posted } from "./ports.ts";
import type { Attempt, DeliveryRecord, EndReason } from "./record.ts";

/** Why a webhook is disabled whose endpoint wants no more. */
export const ANSWERED_GONE = "endpoint_answered_410";

/** A message can be sent for an attempt this far ahead (business); the sweep sends the later ones. */
export const LONGEST_DELAY_MS = limits.maxSqsDelaySeconds * 1_000;

/**
 * A message that was sent is missed only so much later (business): endpoints that
 * fail are held back by a quarter of an hour, and queues have their own pace.
 */
const MISSED_AFTER_MS = 1_200_000;
/** The same at least, in real time, where business time is sped up. */
const MISSED_AFTER_REAL_MS = 60_000;

/** A worker may die over one attempt so often before the attempt counts as failed. */
const MAX_BEGUN = 3;

/** Attempts that an item has room for, whatever number of times it is resent. */
const MAX_ATTEMPTS_KEPT = 100;

/**
 * When a message that is to arrive at `nextMs` counts as lost. The longer it is
 * overdue the later it is sent again: what only waits in a long queue does not
 * make it longer and longer.
 */
export function considerLostAfterMs(nextMs: number, { nowMs, speed }: DeliveryContext): number {
  const graceMs = Math.max(MISSED_AFTER_MS, MISSED_AFTER_REAL_MS * speed);
  return Math.max(nextMs, nowMs) + asLongAsOverdue(nowMs - nextMs, graceMs);
}

/** Whether the present attempt was begun too often to be begun again. */
export function hasExhaustedStarts({ startCount }: DeliveryRecord): boolean {
  return startCount > MAX_BEGUN;
}

/** A new delivery that waits for its first attempt, for which a message is sent at once. */
export function waiting(
  of: Pick<
    DeliveryRecord,
    "deliveryId" | "clientId" | "webhookId" | "eventId" | "eventType" | "requestId" | "body"
  >,
  context: DeliveryContext,
): DeliveryRecord {
  return {
    deliveryId: of.deliveryId,
    clientId: of.clientId,
    webhookId: of.webhookId,
    eventId: of.eventId,
    eventType: of.eventType,
    requestId: of.requestId,
    body: of.body,
    createdMs: context.nowMs,
    status: "waiting",
    cycle: 1,
    attempt: 0,
    startCount: 0,
    attempts: [],
    unpublishedFailures: [],
    nextMs: context.nowMs,
    dueMs: considerLostAfterMs(context.nowMs, context),
    expiresMs: context.nowMs + context.rules.retentionMs,
    version: 0,
  };
}

/** The same, taken for its first attempt by whoever stores it. */
export function taken(delivery: DeliveryRecord, { owner, untilMs }: Lease): DeliveryRecord {
  return {
    ...delivery,
    status: "delivering",
    owner,
    leaseUntilRealMs: untilMs,
    recoverAfterRealMs: untilMs,
    startCount: 1,
    nextMs: undefined,
    dueMs: undefined,
  };
}

/** The next cycle of a delivery that has ended: same id, same bytes. */
export function resent(delivery: DeliveryRecord, context: DeliveryContext): DeliveryRecord {
  return {
    ...over(delivery, context),
    status: "waiting",
    cycle: delivery.cycle + 1,
    attempt: 0,
    reason: undefined,
    endedMs: undefined,
    nextMs: context.nowMs,
    dueMs: considerLostAfterMs(context.nowMs, context),
  };
}

/** The delivery without an attempt: it is not wanted any more, or not possible. */
export function ended(
  delivery: DeliveryRecord,
  status: "failed" | "cancelled",
  reason: EndReason,
  context: DeliveryContext,
): DeliveryRecord {
  const { cycle, attempt: attempts } = delivery;
  const failure = { cycle, attempts, reason, atMs: context.nowMs };
  const unpublishedFailures =
    status === "failed" ? [...delivery.unpublishedFailures, failure] : delivery.unpublishedFailures;
  return {
    ...over({ ...delivery, unpublishedFailures }, context),
    status,
    reason,
    endedMs: context.nowMs,
  };
}

/** Nobody is at it and nobody waits for it. */
function over(delivery: DeliveryRecord, context: DeliveryContext): DeliveryRecord {
  const { nowMs, nowRealMs, rules } = context;
  return {
    ...delivery,
    startCount: 0,
    nextMs: undefined,
    owner: undefined,
    leaseUntilRealMs: undefined,
    dueMs: undefined,
    // A failure is published by whoever writes it, and by the sweep where that one dies.
    recoverAfterRealMs:
      delivery.unpublishedFailures.length > 0 ? nowRealMs + rules.outboxGraceMs : undefined,
    expiresMs: nowMs + rules.retentionMs,
  };
}

/**
 * The delivery after an attempt: delivered, waiting for the next, or failed.
 *
 * @param atMs when the attempt began (business)
 * @param draw a random number from 0 to 1
 */
export function attempted(
  delivery: DeliveryRecord,
  of: { posted: Posted; atMs: number; draw: number },
  context: DeliveryContext,
): DeliveryRecord {
  const { posted, atMs, draw } = of;
  const { httpStatus, error, durationMs, bodyStart } = posted;
  const attempt = delivery.attempt + 1;
  const made: Attempt = {
    cycle: delivery.cycle,
    n: attempt,
    atMs,
    httpStatus,
    error,
    durationMs,
    bodyStart,
  };
  const attempts = [...delivery.attempts, made].slice(-MAX_ATTEMPTS_KEPT);
  const done = { ...delivery, attempt, attempts };
  if (isSuccess(posted)) {
    return { ...over(done, context), status: "delivered", endedMs: context.nowMs };
  }
  if (httpStatus === 410) return ended(done, "failed", "gone", context);
  const delayMs = nextDelayMs({ attempt, draw, posted }, context);
  if (delayMs === undefined) return ended(done, "failed", "attempts_used", context);
  const nextMs = context.nowMs + delayMs;
  return {
    ...over(done, context),
    status: "waiting",
    nextMs,
    dueMs: dueFor(nextMs, context),
  };
}

/** Any 2xx, at the headers. */
export function isSuccess({ httpStatus = 0 }: Pick<Posted, "httpStatus">): boolean {
  return httpStatus >= 200 && httpStatus < 300;
}

/**
 * The delay before the next attempt. A `Retry-After` of a 429 or 503 counts when
 * it is longer, up to the longest delay of the schedule.
 *
 * @returns `undefined` after the last attempt
 */
function nextDelayMs(
  { attempt, draw, posted }: { attempt: number; draw: number; posted: Posted },
  { rules }: DeliveryContext,
): number | undefined {
  const delayMs = schedule(rules.delaysMs, rules.jitter)(attempt, draw);
  const isAsked = posted.httpStatus === 429 || posted.httpStatus === 503;
  if (delayMs === undefined || !isAsked) return delayMs;
  return withRetryAfter(delayMs, posted.retryAfterMs ?? 0, Math.max(...rules.delaysMs));
}

/** A message is sent for what SQS can delay; the rest is left to the sweep, which sends it in time. */
function dueFor(nextMs: number, context: DeliveryContext): number {
  const isSent = nextMs - context.nowMs <= LONGEST_DELAY_MS;
  return isSent ? considerLostAfterMs(nextMs, context) : nextMs - LONGEST_DELAY_MS;
}
