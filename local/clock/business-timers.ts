import type { BusinessClock } from "./clock.ts";

/** Node fires longer timers at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Timers whose due time is business time. One per key: setting a key again replaces its timer. */
export interface BusinessTimers {
  /** Calls `onDue` as soon as business time has reached `dueAt`, never before, and never synchronously. */
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
      // Capped, or a millisecond early (Node's timers may be): wait for the rest.
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
