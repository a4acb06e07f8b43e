/** Providers are younger: an earlier time is the zero of some clock, such as 0001-01-01 or 1970-01-01. */
const MIN_MS = Date.UTC(2000, 0, 1);
/** ISO 8601 writes later years with more than four digits. */
const MAX_MS = Date.UTC(9999, 11, 31);

/**
 * Reads a provider's time in any form that names one instant: ISO 8601 in its
 * extended and basic format, with `.` or `,` before the fraction, with any offset, in
 * any letter case, and with a leap second; the dates of HTTP; and a number, or its
 * text, of seconds, milliseconds, microseconds or nanoseconds since 1970.
 *
 * @returns epoch milliseconds; `undefined` for anything else, such as a time without
 *   an offset or a date without a time
 */
export function providerTimeOf(value: unknown): number | undefined {
  const text = JSON.isRawJSON(value) ? value.rawJSON : value;
  if (typeof text !== "string" && typeof text !== "number") return undefined;
  const trimmed = String(text).trim();
  const ms = epochTime(trimmed) ?? isoTime(trimmed) ?? httpTime(trimmed);
  return ms !== undefined && ms >= MIN_MS && ms <= MAX_MS ? Math.floor(ms) : undefined;
}

/** The unit follows from the number of digits: each of them is unambiguous from 2001 to 2286. */
function epochTime(text: string): number | undefined {
  const { whole = "", fraction = "" } =
    /^(?<whole>\d{10}|\d{13}|\d{16}|\d{19})(?<fraction>\.\d+)?$/.exec(text)?.groups ?? {};
  if (whole === "") return undefined;
  const unitMs = 1_000 / 1_000 ** ((whole.length - 10) / 3);
  return Number(whole + fraction) * unitMs;
}

const isoPattern =
  /^(?<year>\d{4})(?<dash>-?)(?<month>\d\d)\k<dash>(?<day>\d\d)[t ](?<hour>\d\d)(?<colon>:?)(?<minute>\d\d)(?:\k<colon>(?<second>\d\d)(?<fraction>[.,]\d+)?)?(?: ?(?:z|utc|gmt)| ?(?<sign>[-+\u2212])(?<offsetHour>\d\d):?(?<offsetMinute>\d\d)?)$/i;

function isoTime(text: string): number | undefined {
  const parts = isoPattern.exec(text)?.groups;
  if (!parts) return undefined;
  const part = (name: string) => Number(parts[name] ?? 0);
  const [year, month, day] = [part("year"), part("month"), part("day")];
  const [hour, minute, second] = [part("hour"), part("minute"), part("second")];
  const [offsetHour, offsetMinute] = [part("offsetHour"), part("offsetMinute")];
  const midnight = new Date(Date.UTC(year, month - 1, day));
  const isDate = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  // 24:00:00 is the end of a day, and 60 a leap second, which is the next minute.
  const isTime = (hour <= 23 || (hour === 24 && minute + second === 0)) && minute <= 59;
  if (!isDate || !isTime || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const fractionMs = Number((parts.fraction ?? ".0").replace(",", ".")) * 1_000;
  const offsetMs = (parts.sign === "+" ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  const seconds = (hour * 60 + minute) * 60 + second;
  return midnight.getTime() + seconds * 1_000 + Math.floor(fractionMs) + offsetMs;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, which RFC 2822 writes with an offset too. */
function httpTime(text: string): number | undefined {
  const isDate = /^[a-z]{3}, \d{1,2} [a-z]{3} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[-+]\d{4})$/i.test(
    text,
  );
  const ms = isDate ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
