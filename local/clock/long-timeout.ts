/** Node's timers hold 2^31-1 ms, some 24 days; longer ones would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A timer of any length. Returns what cancels it. */
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
