/** At the real time `realMs` business time was `businessMs`; it passes `speed` times as fast. */
export interface ClockAnchor {
  realMs: number;
  businessMs: number;
  speed: number;
}

export interface BusinessClock {
  readonly anchor: ClockAnchor;
  readonly speed: number;
  /** Returns the current business time in epoch milliseconds. */
  now(): number;
  /**
   * Returns the real milliseconds until business time reaches `businessMs`; 0
   * when it has passed.
   */
  realMsUntil(businessMs: number): number;
}

export function makeBusinessClock(anchor: ClockAnchor): BusinessClock {
  const now = () => anchor.businessMs + (Date.now() - anchor.realMs) * anchor.speed;
  return {
    anchor,
    speed: anchor.speed,
    now,
    realMsUntil: (businessMs) => Math.max(0, (businessMs - now()) / anchor.speed),
  };
}
