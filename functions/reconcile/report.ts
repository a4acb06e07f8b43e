import type { DeliverySweepResult } from "../../shared/core/deliveries/sweep-deliveries.ts";
import type { SweepOutboxResult } from "../../shared/core/events/sweep-outbox.ts";
import type { RequestSweepResult } from "../../shared/core/requests/sweep-requests.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** A run that found nothing says nothing. */
export function report(telemetry: Telemetry, result: SweepOutboxResult): void {
  const { published, held, failed } = result;
  if (published + held + failed === 0) return;
  telemetry.log(failed > 0 ? "error" : "warn", "outbox swept", { published, held, failed });
  if (failed > 0) telemetry.count("PublishFailed", failed);
}

/** What was made up for, and what ended. */
export function reportRequests(telemetry: Telemetry, result: RequestSweepResult): void {
  if (Object.values(result).every((count) => count === 0)) return;
  const { failed, joined, published, timedOut, unknown, unpublished } = result;
  const isNews = joined + published + timedOut + unknown > 0;
  const level = failed + unpublished > 0 ? "error" : isNews ? "warn" : "info";
  telemetry.log(level, "requests looked after", { ...result });
  const counts = {
    RequestTimedOut: timedOut,
    RequestUnknown: unknown,
    PublishFailed: unpublished,
    ConnectionPaused: result.pausedConnections,
    AccountPaused: result.pausedAccounts,
  } as const;
  for (const [metric, count] of Object.entries(counts)) {
    if (count > 0) telemetry.count(metric as keyof typeof counts, count);
  }
}

/** Attempts that came due are the daily work; what a crash left is news. */
export function reportDeliveries(telemetry: Telemetry, result: DeliverySweepResult): void {
  if (Object.values(result).every((count) => count === 0)) return;
  const { failed, untold, told, jobs } = result;
  const level = failed + untold > 0 ? "error" : told + jobs > 0 ? "warn" : "info";
  telemetry.log(level, "deliveries looked after", { ...result });
  if (untold > 0) telemetry.count("PublishFailed", untold);
}
