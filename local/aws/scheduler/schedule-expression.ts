import cronParser from "aws-cron-parser";
import { instantOf, localTimeOf } from "./time-zone.ts";

const unitMs: Record<string, number> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

export type ScheduleExpression =
  | { kind: "once"; at: number }
  /** `next` returns the first occurrence after `time`, or undefined when there is none. */
  | { kind: "recurring"; first(now: number): number | undefined; next: Next };

type Next = (previous: number, time: number) => number | undefined;

/**
 * Parses `at(…)`, `rate(…)` and `cron(…)`. Times are epoch milliseconds. A `cron(…)` is read in
 * the time zone: a time that a clock change skips does not occur, and one that it repeats occurs
 * once.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
 *
 * @returns undefined for an invalid expression
 */
export function parseScheduleExpression(
  text: string,
  timeZone = "UTC",
): ScheduleExpression | undefined {
  const at = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(text)?.[1];
  if (at !== undefined) {
    const local = Date.parse(`${at}Z`);
    const time = Number.isNaN(local) ? undefined : instantOf(local, timeZone);
    return time === undefined ? undefined : { kind: "once", at: time };
  }
  const [, count = "", unit = "", plural = ""] =
    /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const periodMs = Number(count) * (unitMs[unit] ?? 0);
  if (periodMs > 0) {
    // AWS requires the grammatical form: `1 minute`, `2 minutes`.
    return (count === "1") === (plural === "") ? everyPeriod(periodMs) : undefined;
  }
  const cron = /^cron\((.+)\)$/.exec(text)?.[1];
  return cron === undefined ? undefined : byCron(cron, timeZone);
}

function everyPeriod(periodMs: number): ScheduleExpression {
  return {
    kind: "recurring",
    first: (now) => now + periodMs,
    next: (previous, time) =>
      previous + (Math.max(0, Math.floor((time - previous) / periodMs)) + 1) * periodMs,
  };
}

function byCron(cron: string, timeZone: string): ScheduleExpression | undefined {
  try {
    const parsed = cronParser.parse(cron);
    const after = (time: number): number | undefined => {
      let local: number | undefined = localTimeOf(time, timeZone);
      for (;;) {
        local = cronParser.next(parsed, new Date(local))?.getTime();
        if (local === undefined) return undefined;
        const instant = instantOf(local, timeZone);
        if (instant !== undefined && instant > time) return instant;
      }
    };
    return { kind: "recurring", first: after, next: (_previous, time) => after(time) };
  } catch {
    return undefined;
  }
}
