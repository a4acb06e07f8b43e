import type { DeliveryView, RecoveryView } from "../../../contracts/http/deliveries.ts";
import { toIso } from "../../clock.ts";
import type { Attempt, DeliveryJob, DeliveryRecord } from "./record.ts";

/** Returns a delivery as the API shows it. */
export function deliveryView(delivery: DeliveryRecord): DeliveryView {
  const { status, nextMs } = delivery;
  return {
    id: delivery.deliveryId,
    webhookId: delivery.webhookId,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    status,
    reason: delivery.reason,
    cycle: delivery.cycle,
    attempts: delivery.attemptHistory.map(attemptView),
    nextAttemptAt: status === "waiting" && nextMs !== undefined ? toIso(nextMs) : undefined,
    createdAt: toIso(delivery.createdMs),
  };
}

/** Returns a delivery as a list shows it, without the texts of the answers: 100 deliveries with 100 answers each exceed the size limit of Lambda. */
export function deliverySummary(delivery: DeliveryRecord): DeliveryView {
  const attemptHistory = delivery.attemptHistory.map(
    ({ bodyStart: _, location: __, ...attempt }) => attempt,
  );
  return deliveryView({ ...delivery, attemptHistory });
}

/** Returns a job of kind `recover` as the API shows it. */
export function recoveryView(job: DeliveryJob): RecoveryView {
  return {
    recoveryId: job.jobId,
    status: job.status,
    since: toIso(job.sinceMs),
    until: toIso(job.untilMs),
    eventTypes: job.eventTypes && [...job.eventTypes],
    examined: job.examined,
    recovered: job.changed,
    skipped: job.skipped,
    createdAt: toIso(job.createdMs),
    finishedAt: toIso(job.finishedMs),
  };
}

function attemptView({
  atMs,
  attemptNumber: n,
  ...attempt
}: Attempt): DeliveryView["attempts"][number] {
  return { ...attempt, n, at: toIso(atMs) };
}
