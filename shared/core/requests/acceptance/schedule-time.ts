import { describeTime, SCHEDULED_FORM } from "../../../contracts/http/times.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";

/**
 * Reads `scheduled`: UTC, `YYYY-MM-DDTHH:mm:ss[.s{1,3}]Z`, at least `leadMs`
 * (inclusive) and at most `maxMs` after `nowMs`. Leap seconds and dates that do
 * not exist are refused.
 *
 * Source: the specification, "Scheduling Requests".
 * @throws REQUEST_INVALID that says what is allowed
 */
export function readScheduled(
  text: string,
  { nowMs, leadMs, maxMs }: { nowMs: number; leadMs: number; maxMs: number },
): number {
  const atMs = parseUtc(text);
  if (atMs === undefined) {
    throw refused(describeTime(text));
  }
  const earliestMs = Math.ceil(nowMs) + leadMs;
  if (atMs < nowMs + leadMs) {
    throw refused(
      `must be at least ${inWords(leadMs)} later than now: ${new Date(earliestMs).toISOString()} or later`,
    );
  }
  if (atMs > nowMs + maxMs) throw refused(`must be at most ${inWords(maxMs)} later than now`);
  return atMs;
}

/**
 * Reads `notAfter`: the form of `scheduled`, and later than the request can be submitted at the
 * earliest.
 *
 * @throws REQUEST_INVALID that says what is allowed
 */
export function readNotAfter(text: string | undefined, earliestMs: number): number | undefined {
  if (text === undefined) return undefined;
  const atMs = parseUtc(text);
  if (atMs === undefined) throw refused(describeTime(text), "notAfter");
  if (atMs > earliestMs) return atMs;
  throw refused(`must be later than ${new Date(Math.ceil(earliestMs)).toISOString()}`, "notAfter");
}

/** Epoch milliseconds, or `undefined` when the text is not such a time. */
function parseUtc(text: string): number | undefined {
  const [, year, month, day, hour, minute, second, fraction = ""] = SCHEDULED_FORM.exec(text) ?? [];
  if (year === undefined) return undefined;
  const parts = [year, month, day, hour, minute, second].map(Number);
  const atMs = Date.parse(`${text.slice(0, 19)}.${fraction.padEnd(3, "0")}Z`);
  if (Number.isNaN(atMs)) return undefined;
  const at = new Date(atMs);
  const components = [
    at.getUTCFullYear(),
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
  ];
  // `Date.parse` reads `24:00:00` and 30 February as the next day.
  return components.every((part, index) => part === parts[index]) ? atMs : undefined;
}

function inWords(durationMs: number): string {
  const hours = durationMs / 3_600_000;
  if (hours >= 48 && Number.isInteger(hours / 24)) return `${hours / 24} days`;
  return Number.isInteger(hours) && hours > 0 ? `${hours} hours` : `${durationMs / 1000} seconds`;
}

function refused(message: string, field = "scheduled"): InvalidRequest {
  return new InvalidRequest([{ field, message }]);
}
