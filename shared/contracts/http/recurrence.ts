import * as z from "zod/mini";
import { text } from "./parts.ts";

/** When a recurring request fires. */
export const recurrence = z.strictObject({
  cron: text(128).check(
    z.regex(
      /^\S+( \S+){5}$/,
      "must be six fields: minutes hours day-of-month month day-of-week year",
    ),
    z.describe(
      "Six fields as EventBridge Scheduler reads them, without `cron()`: `0 9 ? * MON-FRI *`.",
    ),
  ),
  timeZone: text(64).check(
    z.refine(isTimeZone, "must be a time zone of the IANA database, such as Europe/Berlin"),
    z.describe("A time zone of the IANA database, in which `cron` is read."),
  ),
});

export type Recurrence = z.output<typeof recurrence>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
