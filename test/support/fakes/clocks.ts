import type { Clock } from "../../../shared/core/clock.ts";

/** A clock whose time changes only when a test advances it. */
export interface TestClock extends Clock {
  passReal(ms: number): void;
  passBusiness(ms: number): void;
}

export function makeTestClock(startMs = Date.UTC(2026, 5, 25, 12)): TestClock {
  let realMs = startMs;
  let businessMs = startMs;
  return {
    realMs: () => realMs,
    businessMs: () => businessMs,
    passReal: (ms) => {
      realMs += ms;
    },
    passBusiness: (ms) => {
      businessMs += ms;
    },
  };
}
