import { Temporal } from "temporal-polyfill";

/** When a schedule fires, in epoch milliseconds. */
export type ScheduleTimes = { kind: "once"; atMs: number } | RecurringTimes;

export interface RecurringTimes {
  kind: "recurring";
  /** The times after one instant, up to and with another, in their order. */
  within(afterMs: number, untilMs: number): number[];
}

const UNIT_MS: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

/**
 * Reads `at(…)`, `rate(…)` and `cron(…)` as EventBridge Scheduler does. A time of the day that a
 * clock change skips does not occur, and one that it repeats occurs once.
 *
 * @param of the time zone of `at(…)` and `cron(…)`, and when the schedule is set: the first period
 *   of a `rate(…)` begins then
 * @returns `undefined` for an expression or a time zone that Scheduler refuses
 * @throws Error for a day of a `cron(…)` that is not simulated: `L`, `W` and `#`
 */
export function readTimes(
  expression: string,
  of: { timeZone: string; setMs: number },
): ScheduleTimes | undefined {
  try {
    return read(expression, of);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @throws RangeError for what Scheduler refuses, as Temporal does for what there is not */
function read(
  expression: string,
  { timeZone, setMs }: { timeZone: string; setMs: number },
): ScheduleTimes {
  dateAt(setMs, timeZone);
  const [, kind, text = ""] = /^(at|rate|cron)\((.+)\)$/.exec(expression) ?? [];
  if (kind === "at") return readOnce(text, timeZone);
  if (kind === "rate") return readRate(text, setMs);
  if (kind === "cron") return readCron(text, timeZone);
  throw new RangeError(expression);
}

function readOnce(text: string, timeZone: string): ScheduleTimes {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(text)) throw new RangeError(text);
  const atMs = instantOf(Temporal.PlainDateTime.from(text), timeZone);
  if (atMs === undefined) throw new RangeError(text);
  return { kind: "once", atMs };
}

function readRate(text: string, setMs: number): RecurringTimes {
  const [, digits = "", unit = "", plural] = /^(\d+) (minute|hour|day)(s?)$/.exec(text) ?? [];
  const periodMs = Number(digits) * (UNIT_MS[unit] ?? 0);
  // The grammatical form is required: `1 minute`, `2 minutes`.
  if (periodMs === 0 || (digits === "1") !== (plural === "")) throw new RangeError(text);
  return {
    kind: "recurring",
    within(afterMs, untilMs) {
      const passed = Math.max(0, Math.floor((afterMs - setMs) / periodMs));
      const times: number[] = [];
      for (let ms = setMs + (passed + 1) * periodMs; ms <= untilMs; ms += periodMs) times.push(ms);
      return times;
    },
  };
}

function readCron(text: string, timeZone: string): RecurringTimes {
  const [minute = "", hour = "", day = "", month = "", weekday = "", year = "", ...more] =
    text.split(" ");
  // One of the two fields of days is `?`, and only one.
  if (more.length > 0 || (day === "?") === (weekday === "?")) throw new RangeError(text);
  const minutes = numbersIn(minute, { least: 0, most: 59 });
  const hours = numbersIn(hour, { least: 0, most: 23 });
  const days = daysIn(day, { least: 1, most: 31 });
  const months = numbersIn(month, { least: 1, most: 12, names: MONTHS });
  const weekdays = daysIn(weekday, { least: 1, most: 7, names: WEEKDAYS });
  const years = numbersIn(year, { least: 1970, most: 2199 });
  const isDay = (date: Temporal.PlainDate) =>
    years.includes(date.year) &&
    months.includes(date.month) &&
    // Temporal counts from Monday, and a cron expression from Sunday.
    (days.includes(date.day) || weekdays.includes((date.dayOfWeek % 7) + 1));
  const clockTimes = hours.flatMap((h) => minutes.map((m) => ({ hour: h, minute: m })));
  const timesOn = (date: Temporal.PlainDate) =>
    clockTimes.flatMap((time) => instantOf(date.toPlainDateTime(time), timeZone) ?? []);
  return {
    kind: "recurring",
    within(afterMs, untilMs) {
      const times: number[] = [];
      const last = dateAt(untilMs, timeZone);
      let date = dateAt(afterMs, timeZone);
      while (Temporal.PlainDate.compare(date, last) <= 0) {
        if (isDay(date)) times.push(...timesOn(date));
        date = date.add({ days: 1 });
      }
      return times.filter((ms) => ms > afterMs && ms <= untilMs).sort((a, b) => a - b);
    },
  };
}

interface Field {
  least: number;
  most: number;
  /** Names of the numbers from the least one on. */
  names?: readonly string[];
}

/** A field of days, which is `?` when the other one decides: then it has none. */
function daysIn(text: string, field: Field): number[] {
  if (text === "?") return [];
  if (/^(?:L|LW|L-\d+|\d+[LW])$|#/.test(text)) throw new Error(`${text} is not simulated`);
  return numbersIn(text, field);
}

function numbersIn(text: string, { least, most, names = [] }: Field): number[] {
  const numberOf = (word: string) => {
    const place = names.indexOf(word.toUpperCase());
    const number = place >= 0 ? least + place : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new RangeError(text);
  };
  return text.split(",").flatMap((part) => {
    const [range = "", step] = part.split("/");
    const [from = least, to = step === undefined ? from : most] =
      range === "*" ? [least, most] : range.split("-").map(numberOf);
    const by = step === undefined ? 1 : Number(step);
    if (!(by >= 1)) throw new RangeError(text);
    return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, n) => from + n * by);
  });
}

/** The date that the calendars of the time zone show. */
const dateAt = (ms: number, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(timeZone).toPlainDate();

/** The first instant at which the clocks of the time zone show this; `undefined`: they skip it. */
function instantOf(local: Temporal.PlainDateTime, timeZone: string): number | undefined {
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  return zoned.toPlainDateTime().equals(local) ? zoned.epochMilliseconds : undefined;
}
