import { Temporal } from "temporal-polyfill";
import { type Hours, weekdays } from "../../contracts/pace.ts";
import { DAY_MS } from "./windows.ts";

/** A time from the first millisecond to before the second (epoch). */
export interface Interval {
  fromMs: number;
  toMs: number;
}

/** A local day: from its midnight to the next one, which a clock change moves. */
export interface LocalDay extends Interval {
  /**
   * When the hours are open, in order: none on days that are not named; one; or two where the
   * clock is put back while they are open.
   */
  intervals: readonly Interval[];
  /** The length of the intervals. */
  openMs: number;
}

/** The local days of hours, each computed once. */
export interface OpenDays {
  at(ms: number): LocalDay;
  after(day: LocalDay): LocalDay;
}

/** By the object, and by its content: each request reads a new object. */
const byObject = new WeakMap<Hours, OpenDays>();
const byContent = new Map<string, OpenDays>();

/** Different hours of which the days are kept; then all are forgotten. */
const MAX_CACHED_HOURS = 500;

export function openDaysOf(hours: Hours): OpenDays {
  const known = byObject.get(hours);
  if (known) return known;
  const key = JSON.stringify([hours.timeZone, hours.days, hours.from, hours.to]);
  const openDays = byContent.get(key) ?? makeOpenDays(hours);
  if (byContent.size >= MAX_CACHED_HOURS) byContent.clear();
  byContent.set(key, openDays);
  byObject.set(hours, openDays);
  return openDays;
}

/** Days of the same hours that are kept; then all are forgotten. */
const MAX_CACHED_DAYS = 1_000;

function makeOpenDays(hours: Hours): OpenDays {
  const days = new Map<number, LocalDay>();
  const numbers = new WeakMap<LocalDay, number>();

  function read(number: number): LocalDay {
    const known = days.get(number);
    if (known) return known;
    if (days.size >= MAX_CACHED_DAYS) days.clear();
    const day = localDay(hours, number);
    days.set(number, day);
    numbers.set(day, number);
    return day;
  }

  return {
    at(ms) {
      // A local date is at most a day from the date in UTC.
      let number = Math.floor(ms / DAY_MS) - 1;
      while (read(number).toMs <= ms) number += 1;
      return read(number);
    },
    after: (day) => read((numbers.get(day) ?? 0) + 1),
  };
}

/** @param number days since 1970-01-01, a Thursday */
function localDay(hours: Hours, number: number): LocalDay {
  const { timeZone, days } = hours;
  const date = Temporal.PlainDate.from(new Date(number * DAY_MS).toISOString().slice(0, 10));
  const start = date.toZonedDateTime(timeZone);
  const end = date.add({ days: 1 }).toZonedDateTime(timeZone);
  const [fromMs, toMs] = [start.epochMilliseconds, end.epochMilliseconds];
  const weekday = weekdays[(((number + 3) % 7) + 7) % 7];
  const isNamed = weekday !== undefined && days.includes(weekday);
  const intervals = isNamed ? intervalsBetween(start, end, hours, number * DAY_MS) : [];
  const openMs = intervals.reduce((sum, one) => sum + one.toMs - one.fromMs, 0);
  return { fromMs, toMs, intervals, openMs };
}

/**
 * The times between two midnights at which a clock on the wall is within the hours. An hour that
 * the clock skips is not open; one that it repeats is open twice.
 */
function intervalsBetween(
  start: Temporal.ZonedDateTime,
  end: Temporal.ZonedDateTime,
  { from, to }: Hours,
  wallMidnightMs: number,
): Interval[] {
  const intervals: Interval[] = [];
  let since = start;
  while (since.epochMilliseconds < end.epochMilliseconds) {
    const until = nextOffsetChange(since, end);
    const midnightMs = wallMidnightMs - since.offsetNanoseconds / 1_000_000;
    const fromMs = Math.max(midnightMs + clockMs(from), since.epochMilliseconds);
    const toMs = Math.min(midnightMs + clockMs(to), until.epochMilliseconds);
    if (fromMs < toMs) intervals.push({ fromMs, toMs });
    since = until;
  }
  return intervals;
}

function nextOffsetChange(
  since: Temporal.ZonedDateTime,
  end: Temporal.ZonedDateTime,
): Temporal.ZonedDateTime {
  // Looking for a change is slow, and 363 days a year have none.
  if (since.offsetNanoseconds === end.offsetNanoseconds) return end;
  const change = since.getTimeZoneTransition("next");
  return change && change.epochMilliseconds < end.epochMilliseconds ? change : end;
}

/** Milliseconds since midnight of a time such as 09:00. */
function clockMs(time: string): number {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return (hour * 60 + minute) * 60_000;
}
