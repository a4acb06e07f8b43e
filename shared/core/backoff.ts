/**
 * Backoff formulas: how long to wait before the next try. All are pure; the caller draws `random`, a number from 0 (inclusive) to 1 (exclusive).
 */

/** The delay, varied evenly by up to `jitter` (0.2 is ±20 %) in both directions. */
export function withJitter(delayMs: number, jitter: number, random: number): number {
  return Math.round(delayMs * (1 + jitter * (2 * random - 1)));
}

/**
 * A fixed list of delays, each varied by ±`jitter`: the delay after the given
 * number of failures (1 or more).
 *
 * @returns `undefined` when the list is used up
 */
export function delayAfterFailures(
  delaysMs: readonly number[],
  failures: number,
  { jitter, random }: { jitter: number; random: number },
): number | undefined {
  const delayMs = delaysMs[failures - 1];
  return delayMs === undefined ? undefined : withJitter(delayMs, jitter, random);
}

/** The longer of our delay and the one that a `Retry-After` asks for, which counts up to `maxMs`. */
export function withRetryAfter(delayMs: number, retryAfterMs: number, maxMs: number): number {
  return Math.max(delayMs, Math.min(retryAfterMs, maxMs));
}

/** The first delay, then twice, four times, … as long, up to `maxMs`: the delay after `retries` (from 0) retries. */
export function exponential(
  { firstMs, maxMs }: { firstMs: number; maxMs: number },
  retries: number,
): number {
  return Math.min(firstMs * 2 ** retries, maxMs);
}

/**
 * The next delay of a list when only the sum of the delays so far is known,
 * because a message carries its total wait and no counter.
 *
 * @returns the first delay again when the list is used up
 */
export function delayAfterTotalWait(
  delaysMs: readonly [number, ...number[]],
  waitedMs: number,
): number {
  let totalMs = 0;
  for (const delayMs of delaysMs) {
    totalMs += delayMs;
    if (waitedMs < totalMs) return delayMs;
  }
  return delaysMs[0];
}
