import type { Telemetry } from "./telemetry.ts";

/** Tells an operator of what was given up without harm. */
export function reportDropped(telemetry: Telemetry, error: unknown): void {
  const fields = error instanceof Error ? { error } : {};
  telemetry.log("warn", "given up, and made up for later", fields);
}
