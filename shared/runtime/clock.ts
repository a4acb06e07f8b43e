import type { Clock } from "../core/clock.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;

/** The clocks of one function; the anchor is the variable BUSINESS_CLOCK. */
export function makeClock(anchor: { realMs: number; businessMs: number; speed: number }): Clock {
  return {
    realMs: () => Date.now(),
    businessMs: () => anchor.businessMs + (Date.now() - anchor.realMs) * anchor.speed,
  };
}
