import { createContext, type ReactNode, use, useEffect, useMemo, useState } from "react";

/** Times of records are business time, which a local run may let pass faster. */
interface Clock {
  businessNowMs(): number;
}

const ClockContext = createContext<Clock>({ businessNowMs: Date.now });

/** Relative times are renewed so often. */
const TICK_MS = 5_000;

export function ClockProvider({
  now,
  speed,
  readAtMs,
  children,
}: {
  /** Business time when it was read. */
  now: string;
  speed: number;
  /** Real time when it was read. */
  readAtMs: number;
  children: ReactNode;
}) {
  const clock = useMemo(
    () => ({ businessNowMs: () => Date.parse(now) + (Date.now() - readAtMs) * speed }),
    [now, speed, readAtMs],
  );
  return <ClockContext value={clock}>{children}</ClockContext>;
}

export const useClock = (): Clock => use(ClockContext);

/** Renews the component every five seconds. */
export function useTick(): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
}
