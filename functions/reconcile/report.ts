import type { DeliveryObserver } from "../../shared/composition/delivery-use-cases.ts";
import { type LogMessage, logMessages } from "../../shared/contracts/log-messages.ts";
import type { SweepAuditResult } from "../../shared/core/audit/sweep-audit.ts";
import type { DeliverySweepResult } from "../../shared/core/deliveries/sweep-deliveries.ts";
import type { SweepEventOutboxResult } from "../../shared/core/events/sweep-event-outbox.ts";
import type { RequestSweepResult, SweepNotice } from "../../shared/core/requests/sweep-result.ts";
import {
  reportFailures,
  reportNonFatalError,
  reportPublished,
  reportUnpublished,
} from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** Logs and counts the result of the event outbox sweep. Logs nothing for an empty run. */
export function reportOutbox(telemetry: Telemetry, result: SweepEventOutboxResult): void {
  const { published, held, failures } = result;
  const failed = failures.length;
  if (published + held + failed === 0) return;
  telemetry.log(failed > 0 ? "error" : "warn", logMessages.outboxSweepFinished, {
    published,
    held,
    failed,
  });
  reportPublished(telemetry, result);
}

const messageOfNotice = {
  timedOut: logMessages.requestTimedOut,
  unknown: logMessages.submissionOutcomeUnknown,
  connectionPaused: logMessages.connectionPausedByPoll,
  accountPaused: logMessages.accountPausedByPoll,
  unclearReport: logMessages.unclearReportStored,
} satisfies Record<SweepNotice["kind"], LogMessage>;

/**
 * Logs and counts what the sweep recovered and what timed out, with the cause of each failure and
 * the requests of which a person should know.
 */
export function reportRequests(telemetry: Telemetry, result: RequestSweepResult): void {
  reportFailures(telemetry, logMessages.requestSweepItemFailed, result.failed);
  reportPublished(telemetry, { published: result.published, failures: result.unpublished });
  const { notices, lostAccepts: _, ...rest } = result;
  for (const { kind, request } of notices) {
    const { requestId, connectionId, clientId, provider, error } = request;
    telemetry.log("warn", messageOfNotice[kind], {
      ...{ requestId, connectionId, clientId, provider },
      ...(error ? { code: error.code } : {}),
    });
  }
  const [failed, unpublished] = [result.failed.length, result.unpublished.length];
  const counts = { ...rest, failed, unpublished };
  if (Object.values(counts).every((count) => count === 0)) return;
  const { joined, published, timedOut, unknown } = counts;
  const hasRecovered = joined + published + timedOut + unknown > 0;
  const level = failed + unpublished > 0 ? "error" : hasRecovered ? "warn" : "info";
  telemetry.log(level, logMessages.requestSweepFinished, counts);
  const metrics = {
    RequestTimedOut: timedOut,
    RequestUnknown: unknown,
    ConnectionPaused: counts.pausedConnections,
    AccountPaused: counts.pausedAccounts,
    UnclearReport: counts.unclearReports,
  } as const;
  for (const [metric, count] of Object.entries(metrics)) {
    if (count > 0) telemetry.count(metric as keyof typeof metrics, count);
  }
}

/**
 * Logs and counts what the sweep sent and recovered, with the cause of each failure. Due attempts
 * are normal and logged as info, recovered failures and jobs as warnings.
 */
export function reportDeliveries(telemetry: Telemetry, result: DeliverySweepResult): void {
  reportFailures(telemetry, logMessages.deliverySweepItemFailed, result.failed);
  reportUnpublished(telemetry, result.unpublished);
  const [failed, unpublished] = [result.failed.length, result.unpublished.length];
  const counts = { ...result, failed, unpublished };
  if (Object.values(counts).every((count) => count === 0)) return;
  const { published, restartedJobs } = counts;
  const level =
    failed + unpublished > 0 ? "error" : published + restartedJobs > 0 ? "warn" : "info";
  telemetry.log(level, logMessages.deliverySweepFinished, counts);
}

/** Logs the audit records that were published, and those whose change never told its outcome. */
export function reportAudit(telemetry: Telemetry, result: SweepAuditResult): void {
  const { published, incomplete, failures } = result;
  const failed = failures.length;
  if (published + failed === 0) return;
  const level = failed > 0 ? "error" : incomplete > 0 ? "warn" : "info";
  telemetry.log(level, logMessages.auditSweepFinished, { published, held: incomplete, failed });
  reportUnpublished(telemetry, failures);
}

/** Reports what happens while the sweeps run. */
export function makeObserver(
  telemetry: Telemetry,
): Pick<DeliveryObserver, "onDeliveriesFailed" | "onNonFatalError"> {
  return {
    onDeliveriesFailed: (count) => {
      telemetry.count("DeliveryFailed", count);
      telemetry.flush();
    },
    onNonFatalError: (error) => reportNonFatalError(telemetry, error),
  };
}
