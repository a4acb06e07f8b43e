/** Business time was `businessMs` when real time was `realMs`, and passes `speed` times as fast. */
export interface ClockAnchor {
  realMs: number;
  businessMs: number;
  speed: number;
}

export interface BusinessClock {
  readonly anchor: ClockAnchor;
  readonly speed: number;
  /** Business time now, in epoch milliseconds. */
  now(): number;
  /** Real milliseconds from now until business time reaches `businessMs`; 0 when it has passed. */
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
