import type { SweepOutboxResult } from "../../shared/core/sweep-outbox.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** A run that found nothing says nothing. */
export function report(telemetry: Telemetry, result: SweepOutboxResult): void {
  const { published, held, failed } = result;
  if (published + held + failed === 0) return;
  telemetry.log(failed > 0 ? "error" : "warn", "outbox swept", { published, held, failed });
  if (failed > 0) telemetry.count("PublishFailed", failed);
}
