/** Node's maximum timer delay, about 24 days; Node fires longer timers immediately. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Starts a timer of any length. Returns a function that cancels it. */
export function setLongTimeout(callback: () => void, delayMs: number): () => void {
  let timer: NodeJS.Timeout;
  const arm = (remainingMs: number) => {
    const stepMs = Math.min(remainingMs, MAX_TIMEOUT_MS);
    timer = setTimeout(
      () => (remainingMs > stepMs ? arm(remainingMs - stepMs) : callback()),
      stepMs,
    );
  };
  arm(Math.max(0, delayMs));
  return () => clearTimeout(timer);
}
