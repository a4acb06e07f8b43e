import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";

/** Logs an error that does no harm because a later run repeats the work. */
export function reportDropped(telemetry: Telemetry, error: unknown): void {
  const fields = error instanceof Error ? { error } : {};
  telemetry.log("warn", logMessages.nonCriticalErrorIgnored, fields);
}
