import { parseScheduleExpression } from "../aws/scheduler/schedule-expression.ts";
import type { DurableStore } from "../durable-store.ts";
import type { BusinessTimers } from "./business-timers.ts";
import type { BusinessClock } from "./clock.ts";

interface Recurrence {
  /** A `rate(…)` or `cron(…)` expression. */
  expression: string;
  startsAt?: number | undefined;
  endsAt?: number | undefined;
}

/**
 * Recurring timers in business time that go on after a restart: an occurrence
 * that was missed while the process was down is made up for once, at the start.
 * Each fires at most once per real second, whatever the speed.
 */
export interface RecurringTimers {
  /** @throws when the expression is not a recurring one */
  start(key: string, recurrence: Recurrence, fire: (occurrence: number) => void): void;
  /** Stops it, and forgets where it was. */
  stop(key: string): void;
}

const MIN_INTERVAL_REAL_MS = 1_000;

interface Next {
  expression: string;
  at: number;
}

export function makeRecurringTimers(options: {
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
}): RecurringTimers {
  const { clock, timers } = options;
  const nexts = options.store.collection<Next>("schedules.next");

  return {
    start(key, recurrence, fire) {
      const expression = parseScheduleExpression(recurrence.expression);
      if (expression?.kind !== "recurring") {
        throw new Error(`${key}: ${recurrence.expression} is neither rate(…) nor cron(…)`);
      }
      const arm = (at: number | undefined, notBefore: number) => {
        if (at === undefined || at > (recurrence.endsAt ?? Infinity)) return nexts.delete(key);
        nexts.put(key, { expression: recurrence.expression, at });
        timers.set(`recurring ${key}`, Math.max(at, notBefore), () => {
          const now = clock.now();
          // First: a process killed in between fires twice rather than not at all.
          fire(at);
          arm(expression.next(at, now), now + MIN_INTERVAL_REAL_MS * clock.speed);
        });
      };
      const known = nexts.get(key);
      const isKnown = known?.expression === recurrence.expression;
      const from = Math.max(clock.now(), recurrence.startsAt ?? 0);
      arm(isKnown ? known.at : expression.first(from), 0);
    },
    stop(key) {
      timers.cancel(`recurring ${key}`);
      nexts.delete(key);
    },
  };
}
