import type { Hours } from "../../contracts/pace.ts";
import { type LocalDay, openDaysOf } from "./open-days.ts";

/** Days that are looked through for the next opening: a week, and one whose hours a clock change has skipped. */
const MAX_DAYS_AHEAD = 15;

/** The day whose hours are open at this time, or that opens next; `undefined` when none does within two weeks. */
export function openDayFrom(hours: Hours, atMs: number): LocalDay | undefined {
  const openDays = openDaysOf(hours);
  let day = openDays.at(atMs);
  for (let ahead = 0; ahead < MAX_DAYS_AHEAD; ahead += 1) {
    if ((day.intervals.at(-1)?.toMs ?? 0) > atMs) return day;
    day = openDays.after(day);
  }
  return undefined;
}

/** Whether the hours are open. Without hours, it is always open. */
export function isOpen(hours: Hours | undefined, atMs: number): boolean {
  return nextOpening(hours, atMs) === atMs;
}

/** This time when the hours are open, else when they open next; infinity when they do not within two weeks. */
export function nextOpening(hours: Hours | undefined, atMs: number): number {
  if (!hours || !Number.isFinite(atMs)) return atMs;
  const next = openDayFrom(hours, atMs)?.intervals.find(({ toMs }) => toMs > atMs);
  return next ? Math.max(atMs, next.fromMs) : Number.POSITIVE_INFINITY;
}

/** The milliseconds between two times in which the hours are open. Without hours, all of them. */
export function openBetween(hours: Hours | undefined, fromMs: number, toMs: number): number {
  if (toMs <= fromMs) return 0;
  if (!hours) return toMs - fromMs;
  const openDays = openDaysOf(hours);
  let openMs = 0;
  for (let day = openDays.at(fromMs); day.fromMs < toMs; day = openDays.after(day)) {
    for (const interval of day.intervals) {
      openMs += Math.max(0, Math.min(interval.toMs, toMs) - Math.max(interval.fromMs, fromMs));
    }
  }
  return openMs;
}
