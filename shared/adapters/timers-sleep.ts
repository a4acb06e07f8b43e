import { setTimeout as timer } from "node:timers/promises";

/** Waits in real time; rejects when it is told to end before. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal });
}
