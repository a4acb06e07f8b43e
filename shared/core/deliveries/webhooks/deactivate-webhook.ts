import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryQueue, JobStore, WebhookStore } from "../state/ports.ts";
import type { DeliveryJob } from "../state/record.ts";

export interface DeactivateWebhookDeps {
  webhooks: WebhookStore;
  jobs: JobStore;
  queue: DeliveryQueue;
  context: () => DeliveryContext;
  randomHex: (bytes: number) => string;
  /** Called with an error that does no harm: the sweep repeats the work. */
  onIgnoredError: (error: unknown) => void;
}

export type DeactivateWebhook = (
  webhook: WebhookItem,
  to: { status: "disabled"; reason: string } | { status: "deleted" },
) => Promise<WebhookItem | undefined>;

/**
 * Disables or deletes a webhook, and starts a job that ends its waiting deliveries and
 * publishes `webhook.disabled`.
 *
 * The job is stored first. If the worker stops before the end, the sweep starts the job,
 * which reads the webhook's status and does nothing if the webhook is active.
 *
 * @returns the webhook as stored, or `undefined` if another write came first
 * @throws DEPENDENCY_DOWN; the webhook may have been changed
 */
export function makeDeactivateWebhook(deps: DeactivateWebhookDeps): DeactivateWebhook {
  return async (webhook, to) => {
    const context = deps.context();
    const job = newJob("end", { clientId: webhook.clientId, webhookId: webhook.webhookId }, deps);
    await deps.jobs.create(job);
    const at = new Date(context.nowMs).toISOString();
    const deactivated = await deps.webhooks.replace({
      ...webhook,
      status: to.status,
      ...(to.status === "disabled" ? { disabledReason: to.reason, disabledAt: at } : {}),
    });
    if (deactivated) await sendJobMessage(job, deps);
    return deactivated;
  };
}

/** Returns a new job. If its message is lost, the sweep starts it after `rules.outboxGraceMs`. */
export function newJob(
  kind: DeliveryJob["kind"],
  job: Pick<DeliveryJob, "clientId" | "webhookId"> & { sinceMs?: number; untilMs?: number },
  { context, randomHex }: Pick<DeactivateWebhookDeps, "context" | "randomHex">,
): DeliveryJob {
  const { nowMs, nowRealMs, rules } = context();
  const { sinceMs = nowMs - rules.retentionMs, untilMs = nowMs } = job;
  return {
    jobId: `job_${randomHex(12)}`,
    clientId: job.clientId,
    kind,
    webhookId: job.webhookId,
    sinceMs,
    untilMs,
    status: "running",
    examined: 0,
    changed: 0,
    skipped: 0,
    createdMs: nowMs,
    recoverAfterRealMs: nowRealMs + rules.outboxGraceMs,
    expiresMs: nowMs + rules.retentionMs,
    version: 0,
  };
}

/** Sends the message that starts or continues a job. Never rejects: if it is lost, the sweep sends it. */
export async function sendJobMessage(
  { jobId, clientId }: DeliveryJob,
  { queue, onIgnoredError }: Pick<DeactivateWebhookDeps, "queue" | "onIgnoredError">,
): Promise<void> {
  const message = { v: 1, kind: "job", jobId, clientId } as const;
  await queue.send("retries", [{ message }]).catch(onIgnoredError);
}
