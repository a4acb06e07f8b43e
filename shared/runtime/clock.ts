import type { Clock } from "../core/clock.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Set by the local run, by which it moves business time while functions run; absent elsewhere. */
const JUMPED_MS = Symbol.for("ackwire.businessJumpedMs");

/** Makes the clocks of a function from the variable BUSINESS_CLOCK. */
export function makeClock(anchor: { realMs: number; businessMs: number; speed: number }): Clock {
  return {
    realMs: () => Date.now(),
    businessMs: () => {
      const { [JUMPED_MS]: jumpedMs = 0 } = globalThis as { [JUMPED_MS]?: number };
      return anchor.businessMs + (Date.now() - anchor.realMs) * anchor.speed + jumpedMs;
    },
  };
}
