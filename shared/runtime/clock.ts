import type { Clock } from "../core/clock.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes the clocks of a function from the variable BUSINESS_CLOCK. */
export function makeClock(anchor: { realMs: number; businessMs: number; speed: number }): Clock {
  return {
    realMs: () => Date.now(),
    businessMs: () => anchor.businessMs + (Date.now() - anchor.realMs) * anchor.speed,
  };
}
