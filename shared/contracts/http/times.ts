import * as z from "zod/mini";

/** The syntax of a scheduled time; whether the time exists and is late enough is checked later. */
export const SCHEDULED_FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?Z$/;

const describesTime = { error: ({ input }: { input?: unknown }) => describeTime(input) };

export const scheduledTime = z.string(describesTime).check(z.regex(SCHEDULED_FORM, describesTime));

const TIME_FORM =
  "must be a time in UTC as YYYY-MM-DDTHH:mm:ss.sssZ, such as 2026-09-22T18:30:00.000Z";

/** Says why an input is not a time, without repeating it. */
export function describeTime(input: unknown): string {
  if (typeof input !== "string") return `${TIME_FORM}, not a ${typeof input}`;
  if (/^\d{4}-\d{2}-\d{2}$/.test(input)) {
    return `${TIME_FORM}: the time of day is missing, and a local offset is not allowed`;
  }
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z$/.test(input) && !exists(input)) {
    return "is a day or a time of day that does not exist, such as 30 February or 24:00";
  }
  return `${TIME_FORM}; a local offset is not allowed`;
}

/** Whether a time in UTC exists; `Date.parse` reads 30 February and 24:00 as the next day. */
function exists(time: string): boolean {
  const at = new Date(time);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(time.slice(0, 16));
}
