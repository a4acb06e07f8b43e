import cronParser from "aws-cron-parser";

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
 * Parses `at(…)`, `rate(…)` and `cron(…)`, in UTC. Times are epoch milliseconds.
 *
 * @returns undefined for an invalid expression
 */
export function parseScheduleExpression(text: string): ScheduleExpression | undefined {
  const at = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(text)?.[1];
  if (at !== undefined) {
    const time = Date.parse(`${at}Z`);
    return Number.isNaN(time) ? undefined : { kind: "once", at: time };
  }
  const [, count = "", unit = "", plural = ""] =
    /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const periodMs = Number(count) * (unitMs[unit] ?? 0);
  if (periodMs > 0) {
    // AWS requires the grammatical form: `1 minute`, `2 minutes`.
    return (count === "1") === (plural === "") ? everyPeriod(periodMs) : undefined;
  }
  const cron = /^cron\((.+)\)$/.exec(text)?.[1];
  return cron === undefined ? undefined : byCron(cron);
}

function everyPeriod(periodMs: number): ScheduleExpression {
  return {
    kind: "recurring",
    first: (now) => now + periodMs,
    next: (previous, time) =>
      previous + (Math.max(0, Math.floor((time - previous) / periodMs)) + 1) * periodMs,
  };
}

function byCron(cron: string): ScheduleExpression | undefined {
  try {
    const parsed = cronParser.parse(cron);
    const after = (time: number) => cronParser.next(parsed, new Date(time))?.getTime();
    return { kind: "recurring", first: after, next: (_previous, time) => after(time) };
  } catch {
    return undefined;
  }
}
