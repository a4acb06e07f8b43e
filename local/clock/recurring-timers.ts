import { parseScheduleExpression } from "../aws/scheduler/schedule-expression.ts";
import type { DurableStore } from "../durable-store.ts";
import type { BusinessTimers } from "./business-timers.ts";
import type { BusinessClock } from "./clock.ts";

interface Recurrence {
  /** A `rate(…)` or `cron(…)` expression. */
  expression: string;
  /** Default: UTC. */
  timeZone?: string | undefined;
  startsAt?: number | undefined;
  endsAt?: number | undefined;
}

/**
 * Recurring timers in business time that continue after a restart: when one or
 * more occurrences were missed while the process was down, the timer fires once
 * at the start. A timer fires at most once per real second, at any speed.
 */
export interface RecurringTimers {
  /** @throws Error when the expression is not a recurring one */
  start(key: string, recurrence: Recurrence, fire: (occurrence: number) => void): void;
  /** Stops the timer and deletes its stored next occurrence. */
  stop(key: string): void;
}

/** The key of its timer. */
export const recurringKey = (key: string) => `recurring ${key}`;

const MIN_INTERVAL_REAL_MS = 1_000;

interface NextOccurrence {
  expression: string;
  at: number;
}

export function makeRecurringTimers(options: {
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
}): RecurringTimers {
  const { clock, timers } = options;
  const nextOccurrences = options.store.collection<NextOccurrence>("schedules.next");

  return {
    start(key, recurrence, fire) {
      const { timeZone = "UTC" } = recurrence;
      const text =
        timeZone === "UTC" ? recurrence.expression : `${recurrence.expression} ${timeZone}`;
      const expression = parseScheduleExpression(recurrence.expression, timeZone);
      if (expression?.kind !== "recurring") {
        throw new Error(`${key}: ${recurrence.expression} is neither rate(…) nor cron(…)`);
      }
      const arm = (at: number | undefined, notBefore: number) => {
        if (at === undefined || at > (recurrence.endsAt ?? Infinity))
          return nextOccurrences.delete(key);
        nextOccurrences.put(key, { expression: text, at });
        timers.set(recurringKey(key), Math.max(at, notBefore), () => {
          const now = clock.now();
          // Fires before the next occurrence is stored: a process that is killed in between fires
          // twice rather than never.
          fire(at);
          arm(expression.next(at, now), now + MIN_INTERVAL_REAL_MS * clock.speed);
        });
      };
      const stored = nextOccurrences.get(key);
      const isUnchanged = stored?.expression === text;
      const startsAt = Math.max(clock.now(), recurrence.startsAt ?? 0);
      arm(isUnchanged ? stored.at : expression.first(startsAt), 0);
    },
    stop(key) {
      timers.cancel(recurringKey(key));
      nextOccurrences.delete(key);
    },
  };
}
