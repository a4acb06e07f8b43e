/** The longest delay that is honoured: a longer one counts as this. */
export const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** A longer header means nothing. */
const MAX_HEADER_LENGTH = 1_000;

/** The parts of an answer that say when to try again. */
export interface RetryAfterAnswer {
  /** By names in lower case; the values of a repeated header, together or one by one. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Real time at which the answer arrived; the reference for a date where the answer has no `Date`. */
  receivedRealMs?: number | undefined;
}

/**
 * Returns the delay that an answer's `Retry-After` asks for: seconds, rounded up, or a
 * date in any of the three forms of RFC 9110. A date is compared with the answer's own
 * `Date`, so that a clock that differs does no harm, and without one with the time at
 * which the answer arrived. What is over already counts as 0, what is longer than a day as
 * one day; the longest of several values counts. Absent where the header is missing or
 * means nothing.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterOf({ headers, receivedRealMs }: RetryAfterAnswer): {
  retryAfterMs?: number;
} {
  const delays = valuesOf(headers["retry-after"])
    .map((value) => secondsIn(value) ?? untilDate(value, { headers, receivedRealMs }))
    .filter((delayMs) => delayMs !== undefined);
  if (delays.length === 0) return {};
  return { retryAfterMs: Math.min(Math.max(0, ...delays), MAX_RETRY_AFTER_MS) };
}

/** The comma that separates two values of a header; the one after the name of a day is part of a date. */
const SEPARATOR = /(?<!(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*),/i;

function valuesOf(header: string | readonly string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .filter(({ length }) => length <= MAX_HEADER_LENGTH)
    .flatMap((text) => text.split(SEPARATOR))
    .map((value) => value.trim());
}

/** Whole seconds by RFC 9110; servers also send fractions, and a negative number for a limit that is over. */
function secondsIn(value: string): number | undefined {
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(value)) return undefined;
  return Math.max(0, Math.ceil(Number(value))) * 1_000;
}

function untilDate(
  value: string,
  { headers, receivedRealMs }: RetryAfterAnswer,
): number | undefined {
  const [own = ""] = [headers.date ?? ""].flat();
  const answeredMs = readHttpDate(own.trim(), receivedRealMs) ?? receivedRealMs;
  const atMs = readHttpDate(value, answeredMs);
  return atMs === undefined || answeredMs === undefined ? undefined : atMs - answeredMs;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** IMF-fixdate, then the two obsolete forms: RFC 850's and that of C's `asctime`. */
const HTTP_DATES: readonly RegExp[] = [
  /^[a-z]{3}, (?<day>\d{1,2}) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) (?:gmt|utc)$/i,
  /^[a-z]{6,9}, (?<day>\d{1,2})-(?<month>[a-z]{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) (?:gmt|utc)$/i,
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
];

/**
 * Epoch milliseconds of an HTTP date; `undefined` for any other text. `Date.parse` reads
 * far more than HTTP allows, and what it reads differs.
 *
 * @param nowMs decides the century of a year of two digits, which is never more than 50 years ahead
 */
function readHttpDate(text: string, nowMs: number | undefined): number | undefined {
  const {
    day,
    month = "",
    year = "",
    time = "",
  } = HTTP_DATES.map((form) => form.exec(text)).find((match) => match !== null)?.groups ?? {};
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number);
  // 60 is a leap second.
  if (day === undefined || monthIndex < 0 || hour > 23 || minute > 59 || second > 60) {
    return undefined;
  }
  const fullYear = year.length === 2 ? nearestYear(Number(year), nowMs) : Number(year);
  const dayMs = Date.UTC(fullYear, monthIndex, Number(day));
  if (new Date(dayMs).getUTCDate() !== Number(day)) return undefined;
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1_000;
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
function nearestYear(twoDigits: number, nowMs: number | undefined): number {
  const thisYear = new Date(nowMs ?? 0).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
