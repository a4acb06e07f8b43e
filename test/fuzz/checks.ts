import { eventSamples } from "../../local/simulator/event-samples.ts";
import { Failure } from "../../shared/contracts/failures.ts";

export const NOW_MS: number = Date.parse("2026-06-25T12:00:00.000Z");

/** Runs it, and lets only failures of ours pass: everything else is thrown. */
export function refusing<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** @throws Error that a check has failed */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** A body of each kind of webhook. */
export const bodies: readonly string[] = eventSamples.map(({ body }) =>
  JSON.stringify(body({ id: "id-1", accountId: "account-1", now: "2026-06-25T12:00:00.000Z" })),
);

export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
