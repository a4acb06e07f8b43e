import type { BusinessClock } from "./clock.ts";

/** Node fires timers with a longer delay immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Timers that are due at a business time, one per key: setting a key again replaces its timer. */
export interface BusinessTimers {
  /**
   * Calls `onDue` when business time has reached `dueAt`, never earlier and never
   * synchronously.
   */
  set(key: string, dueAt: number, onDue: () => void): void;
  cancel(key: string): void;
  close(): void;
}

export function makeBusinessTimers(clock: BusinessClock): BusinessTimers {
  const timers = new Map<string, NodeJS.Timeout>();
  let isClosed = false;

  function set(key: string, dueAt: number, onDue: () => void): void {
    if (isClosed) return;
    clearTimeout(timers.get(key));
    const waitMs = Math.min(Math.ceil(clock.realMsUntil(dueAt)), MAX_TIMER_MS);
    const onTimer = () => {
      // The delay was capped, or Node fired a millisecond early: wait for the rest.
      if (clock.realMsUntil(dueAt) > 0) return set(key, dueAt, onDue);
      timers.delete(key);
      onDue();
    };
    timers.set(key, setTimeout(onTimer, waitMs));
  }

  return {
    set,
    cancel(key) {
      clearTimeout(timers.get(key));
      timers.delete(key);
    },
    close() {
      isClosed = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
