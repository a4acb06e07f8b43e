import type { DeliveryContext } from "./delivery-context.ts";
import type { DeliveryQueue } from "./ports.ts";
import type { DeliveryJob } from "./record.ts";

const JOB_ID_PREFIX = "job_";

/** Whether an id of the deliveries table is that of a job; all others are those of deliveries. */
export function isJobId(id: string): boolean {
  return id.startsWith(JOB_ID_PREFIX);
}

/** Returns a new job. If its message is lost, the sweep starts it after `rules.outboxGraceMs`. */
export function newJob(
  kind: DeliveryJob["kind"],
  job: Pick<DeliveryJob, "clientId" | "webhookId" | "eventTypes"> & {
    sinceMs?: number;
    untilMs?: number;
  },
  { context, randomHex }: { context: () => DeliveryContext; randomHex: (bytes: number) => string },
): DeliveryJob {
  const { nowMs, nowRealMs, rules } = context();
  const { sinceMs = nowMs - rules.retentionMs, untilMs = nowMs } = job;
  return {
    jobId: JOB_ID_PREFIX + randomHex(12),
    clientId: job.clientId,
    kind,
    webhookId: job.webhookId,
    eventTypes: job.eventTypes,
    sinceMs,
    untilMs,
    status: "running",
    examined: 0,
    changed: 0,
    skipped: 0,
    createdMs: nowMs,
    sweepAtRealMs: nowRealMs + rules.outboxGraceMs,
    expiresMs: nowMs + rules.retentionMs,
    version: 0,
  };
}

/** Returns the job as finished: the sweep does not restart it. */
export function doneJob(job: DeliveryJob, { nowMs }: DeliveryContext): DeliveryJob {
  return { ...job, status: "done", finishedMs: nowMs, sweepAtRealMs: undefined };
}

/** Sends the message that starts, continues or restarts a job. Never rejects: if it is lost, the sweep sends it. */
export async function sendJobMessage(
  { jobId, clientId }: DeliveryJob,
  {
    deliveryQueue,
    onNonFatalError,
  }: { deliveryQueue: DeliveryQueue; onNonFatalError: (error: unknown) => void },
): Promise<void> {
  const message = { v: 1, kind: "job", jobId, clientId } as const;
  await deliveryQueue.send("retries", [{ message }]).catch(onNonFatalError);
}
