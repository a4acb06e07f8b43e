import { onTestFinished, vi } from "vitest";

/**
 * Records the timers of `ms` milliseconds that are set during a test. The test ends one with its
 * function, so that it does not wait. Choose an `ms` that nothing else uses and that is longer than
 * the test.
 */
export function recordTimeouts(ms: number): (() => void)[] {
  const armed: (() => void)[] = [];
  const setRealTimeout = globalThis.setTimeout;
  const spy = vi.spyOn(globalThis, "setTimeout").mockImplementation(((
    callback: () => void,
    delayMs?: number,
    ...rest: []
  ) => {
    if (delayMs === ms) armed.push(callback);
    return setRealTimeout(callback, delayMs, ...rest);
  }) as typeof setTimeout);
  onTestFinished(() => spy.mockRestore());
  return armed;
}
