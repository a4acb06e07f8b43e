/**
 * At the real time `realMs` business time was `businessMs`; it passes `speed` times as fast. With
 * the speed 0 it stands still, and moves by jumps alone.
 */
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
   * when it has passed, and Infinity for a time that only a jump reaches.
   */
  realMsUntil(businessMs: number): number;
  /** How far business time has been moved in all, in milliseconds; 0 at the start of the run. */
  readonly jumpedMs: number;
  /** Moves business time forward at once, then calls the listeners. */
  jump(byMs: number): void;
  onJump(listener: () => void): void;
}

export function makeBusinessClock(anchor: ClockAnchor): BusinessClock {
  let jumpedMs = 0;
  const listeners: (() => void)[] = [];
  const now = () => anchor.businessMs + (Date.now() - anchor.realMs) * anchor.speed + jumpedMs;
  return {
    anchor,
    speed: anchor.speed,
    now,
    get jumpedMs() {
      return jumpedMs;
    },
    jump(byMs) {
      jumpedMs += byMs;
      for (const listener of listeners) listener();
    },
    onJump: (listener) => void listeners.push(listener),
    realMsUntil: (businessMs) => {
      const leftMs = businessMs - now();
      return leftMs <= 0 ? 0 : leftMs / anchor.speed;
    },
  };
}
