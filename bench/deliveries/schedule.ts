import type { DeliveryView } from "../../shared/contracts/http/deliveries.ts";
import { percentile } from "../run/report.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The delays between an attempt's end and the next attempt, from the specification. */
const DELAYS_MS = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  10 * HOUR_MS,
];
const JITTER = 0.2;

export const MAX_ATTEMPTS = DELAYS_MS.length + 1;
/** The longest time (business) in which nothing need happen. */
export const LONGEST_DELAY_MS = 10 * HOUR_MS * (1 + JITTER);

/** The sweep runs every minute, and at most once per real second. */
const SWEEP_MS = MINUTE_MS;
const SWEEP_REAL_MS = 1_000;
/** The attempts at an endpoint that fails are held back by so much. */
const BREAKER_MS = 15 * MINUTE_MS;
/** Two times of a millisecond's precision (real) each. */
const ROUNDING_REAL_MS = 2;

/** What is wrong with the times of attempts, one line for each; and how late they were. */
export interface ScheduleFaults {
  early: string[];
  late: string[];
  /** Real milliseconds after the last moment that jitter allows, breaker and all. */
  latenessRealMs: number[];
  /** Business milliseconds from the first attempt to the last, of those that used all. */
  spansMs: number[];
}

/** Holds the times of each delivery's attempts against the schedule; the first against its creation. */
export function checkSchedule(
  deliveries: readonly DeliveryView[],
  of: { speed: number; slackRealMs: number },
): ScheduleFaults {
  const { speed, slackRealMs } = of;
  const allowedMs = BREAKER_MS + Math.max(SWEEP_MS, SWEEP_REAL_MS * speed) + slackRealMs * speed;
  const faults: ScheduleFaults = { early: [], late: [], latenessRealMs: [], spansMs: [] };
  for (const { id, attempts, createdAt } of deliveries) {
    let readyMs = Date.parse(createdAt);
    for (const [at, attempt] of attempts.entries()) {
      const delayMs = at === 0 ? 0 : (DELAYS_MS[at - 1] ?? Number.NaN);
      const atMs = Date.parse(attempt.at);
      const gapMs = atMs - readyMs;
      const lateMs = gapMs - delayMs * (1 + JITTER);
      const line = `${id}: attempt ${attempt.n} ${(gapMs / 1000).toFixed(1)} s after ${at === 0 ? "its creation" : "the one before"}, not ${delayMs / 1000} s`;
      if (gapMs < delayMs * (1 - JITTER) - ROUNDING_REAL_MS * speed) faults.early.push(line);
      if (lateMs > allowedMs) faults.late.push(line);
      faults.latenessRealMs.push(Math.max(0, lateMs) / speed);
      // The next delay begins when this attempt has ended; its duration is real time.
      readyMs = atMs + attempt.durationMs * speed;
    }
    const [first, last] = [attempts[0], attempts[MAX_ATTEMPTS - 1]];
    if (first && last) faults.spansMs.push(Date.parse(last.at) - Date.parse(first.at));
  }
  return faults;
}

/** `min / median / max`, in hours and minutes. */
export function hours(ofMs: readonly number[]): string {
  return [0, 0.5, 1]
    .map((share) => percentile(ofMs, share))
    .map((ms) => `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} m`)
    .join(" / ");
}
