import { AckwireError } from "./errors.ts";

/** The time and the signal that bound a call. */
export interface Deadline {
  /** Aborted by the caller, or when the time is over. */
  signal: AbortSignal;
  remainingMs(): number;
  /**
   * Waits. @throws the reason of the caller's signal, or an AckwireError `TIMEOUT`
   */
  wait(ms: number): Promise<void>;
  /** Returns what to throw instead of `error`, if the deadline is what caused it. */
  reasonOf(error: unknown): unknown;
  /** Ends the timer. */
  close(): void;
}

export function startDeadline(
  timeoutMs: number,
  caller: AbortSignal | undefined,
  message: string,
): Deadline {
  caller?.throwIfAborted();
  const controller = new AbortController();
  const endsAt = Date.now() + timeoutMs;
  const onAbort = () => controller.abort(caller?.reason);
  caller?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(
    () => {
      controller.abort(new AckwireError(`${message} within ${timeoutMs} ms`, { code: "TIMEOUT" }));
    },
    Math.min(timeoutMs, 2 ** 31 - 1),
  );
  const { signal } = controller;
  return {
    signal,
    remainingMs: () => endsAt - Date.now(),
    wait: (ms) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const stop = () => {
          clearTimeout(waiting);
          reject(signal.reason);
        };
        const waiting = setTimeout(() => {
          signal.removeEventListener("abort", stop);
          resolve();
        }, ms);
        signal.addEventListener("abort", stop, { once: true });
      }),
    reasonOf: (error) => (signal.aborted ? signal.reason : error),
    close() {
      clearTimeout(timer);
      caller?.removeEventListener("abort", onAbort);
    },
  };
}
