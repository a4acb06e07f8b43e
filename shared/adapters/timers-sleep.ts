import { setTimeout as timer } from "node:timers/promises";

/** Waits in real time. Rejects when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal });
}
