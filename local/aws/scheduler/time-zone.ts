/**
 * Local times of a time zone, as epoch milliseconds of the same reading in UTC: half past two is
 * half past two, whatever the zone.
 */

const HOUR_MS = 3_600_000;

/** Farther than any zone's clock is from UTC, in either direction. */
const MAX_OFFSET_MS = 16 * HOUR_MS;

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of the zone show at an instant. */
export function localTimeOf(instant: number, timeZone: string): number {
  if (timeZone === "UTC") return instant;
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day, hour, minute, second } = parts;
  const fraction = instant - Math.floor(instant / 1_000) * 1_000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + fraction;
}

/**
 * The instant at which the clocks of the zone show a local time: the first, where a clock change
 * repeats it; `undefined`, where one skips it.
 */
export function instantOf(local: number, timeZone: string): number | undefined {
  if (timeZone === "UTC") return local;
  // At most one clock change lies in between, so that each offset of that day is one of the two.
  const offsets = [local - MAX_OFFSET_MS, local + MAX_OFFSET_MS].map(
    (instant) => localTimeOf(instant, timeZone) - instant,
  );
  const instants = offsets
    .map((offset) => local - offset)
    .filter((instant) => localTimeOf(instant, timeZone) === local);
  return instants.length === 0 ? undefined : Math.min(...instants);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, format);
  return format;
}
