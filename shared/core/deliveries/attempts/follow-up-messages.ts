import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { delayAfterTotalWait } from "../../backoff.ts";
import { toAttemptMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryRecord } from "../state/record.ts";

/** A message for the retries queue. */
export interface QueuedMessage {
  message: AttemptMessage;
  /** Business time. */
  delayMs: number;
}

/** Holds of messages for a failing endpoint, one after another (business time). */
const HOLDS_MS = [60_000, 120_000, 240_000, 480_000] as const;
const MIN_HOLD_REAL_MS = 1_000;

/** Delay of messages for an endpoint without a free slot: business time, and a minimum in real time. */
const BUSY_MS = 10_000;
const BUSY_REAL_MS = 1_000;

/** Clock skew between two workers: business time, and a minimum in real time. */
const SKEW_MS = 2_000;
const SKEW_REAL_MS = 100;

/**
 * Returns the message to send again because the circuit of its endpoint is open. A hold is
 * not an attempt; the message carries the sum of its holds.
 *
 * @param random from 0 to 1
 */
export function heldMessage(
  message: AttemptMessage,
  { speed }: DeliveryContext,
  random: number,
): QueuedMessage {
  const { heldMs = 0 } = message;
  const holdMs = delayAfterTotalWait(HOLDS_MS, heldMs);
  // A round trip through SQS takes real time, however fast business time passes.
  const delayMs = Math.max(holdMs, MIN_HOLD_REAL_MS * speed);
  return {
    message: { ...message, heldMs: heldMs + holdMs },
    delayMs: shortenedRandomly(delayMs, random),
  };
}

/** Returns the message to send again because all slots of its endpoint are taken. */
export function busyEndpointMessage(
  message: AttemptMessage,
  { speed }: DeliveryContext,
  random: number,
): QueuedMessage {
  return { message, delayMs: shortenedRandomly(Math.max(BUSY_MS, BUSY_REAL_MS * speed), random) };
}

/**
 * Returns the message to send again because it arrived before its delivery's next attempt is
 * due, if the difference can be clock skew.
 *
 * A message that is earlier than that is a duplicate: its attempt has been made, and the
 * worker that recorded that attempt has sent the message of the next one.
 *
 * @param nextMs when the next attempt is due
 * @returns `undefined` if the message is a duplicate and is dropped
 */
export function earlyMessage(
  message: AttemptMessage,
  nextMs: number,
  { nowMs, speed }: DeliveryContext,
): QueuedMessage | undefined {
  const delayMs = Math.max(0, nextMs - nowMs);
  return delayMs <= Math.max(SKEW_MS, SKEW_REAL_MS * speed) ? { message, delayMs } : undefined;
}

/**
 * Returns the message of a delivery's next attempt.
 *
 * @returns `undefined` if there is no next attempt, or if it is further away than the 15 minutes
 *   that SQS can delay a message: `sweep-deliveries.ts`, which runs in `reconcile`, sends it
 */
export function nextAttemptMessage(
  delivery: DeliveryRecord,
  { nowMs }: DeliveryContext,
): QueuedMessage | undefined {
  const { nextMs } = delivery;
  if (nextMs === undefined || nextMs - nowMs > MAX_SQS_DELAY_MS) return undefined;
  return { message: toAttemptMessage(delivery), delayMs: Math.max(0, nextMs - nowMs) };
}

/** Takes off up to 30 %, so that messages that wait together do not come back together. */
function shortenedRandomly(delayMs: number, random: number): number {
  return delayMs * (1 - 0.3 * random);
}
