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
  /** The time at which the first timer is due, of those whose key is wanted. */
  firstDueAt(isWanted?: (key: string) => boolean): number | undefined;
  close(): void;
}

export function makeBusinessTimers(clock: BusinessClock): BusinessTimers {
  const timers = new Map<string, { timeout: NodeJS.Timeout; dueAt: number; onDue: () => void }>();
  let isClosed = false;

  function set(key: string, dueAt: number, onDue: () => void): void {
    if (isClosed) return;
    clearTimeout(timers.get(key)?.timeout);
    const waitMs = Math.min(Math.ceil(clock.realMsUntil(dueAt)), MAX_TIMER_MS);
    const onTimer = () => {
      // The delay was capped, or Node fired a millisecond early: wait for the rest.
      if (clock.realMsUntil(dueAt) > 0) return set(key, dueAt, onDue);
      timers.delete(key);
      onDue();
    };
    timers.set(key, { timeout: setTimeout(onTimer, waitMs), dueAt, onDue });
  }

  clock.onJump(() => {
    for (const [key, { dueAt, onDue }] of [...timers]) set(key, dueAt, onDue);
  });

  return {
    set,
    cancel(key) {
      clearTimeout(timers.get(key)?.timeout);
      timers.delete(key);
    },
    firstDueAt(isWanted = () => true) {
      const all = [...timers].filter(([key]) => isWanted(key));
      return all.length === 0 ? undefined : Math.min(...all.map(([, { dueAt }]) => dueAt));
    },
    close() {
      isClosed = true;
      for (const { timeout } of timers.values()) clearTimeout(timeout);
      timers.clear();
    },
  };
}
