import type { Lane } from "../state/record.ts";

/** Minimum, also if the lane may submit now. */
const MIN_MS = 5_000;
/** Maximum, also for a pause that only a person ends. */
const MAX_MS = 3_600_000;

/**
 * The `Retry-After` of a full lane: the time until its next submission or the end of its pause,
 * whichever is later. From 5 s to an hour.
 */
export function minRetryAfterMs(
  lane: Pick<Lane, "nextSubmissionNotBeforeMs" | "pause"> | undefined,
  nowMs: number,
): number {
  if (lane === undefined) return MIN_MS;
  const { nextSubmissionNotBeforeMs, pause } = lane;
  const pausedUntilMs = pause === undefined ? 0 : (pause.untilMs ?? Number.POSITIVE_INFINITY);
  const delayMs = Math.max(nextSubmissionNotBeforeMs, pausedUntilMs) - nowMs;
  return Math.min(Math.max(delayMs, MIN_MS), MAX_MS);
}
