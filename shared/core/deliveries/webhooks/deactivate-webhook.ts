import type { WebhookItem } from "../../../contracts/config-items.ts";
import { newJob, sendJobMessage } from "../state/bulk-jobs.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryQueue, JobStore, WebhookStore } from "../state/ports.ts";

export interface DeactivateWebhookDeps {
  webhooks: WebhookStore;
  jobs: JobStore;
  deliveryQueue: DeliveryQueue;
  context: () => DeliveryContext;
  randomHex: (bytes: number) => string;
  /** Called with an error that does no harm: the sweep repeats the work. */
  onNonFatalError: (error: unknown) => void;
}

export type DeactivateWebhook = (
  webhook: WebhookItem,
  to: { status: "disabled"; reason: string } | { status: "deleted" },
) => Promise<WebhookItem | undefined>;

/**
 * Disables or deletes a webhook, and starts a job that ends its waiting deliveries. If the
 * webhook is disabled, the job publishes `webhook.disabled` first.
 *
 * The job is stored before the webhook is changed. If the worker stops in between, the sweep
 * starts the job, which reads the webhook's status and does nothing if the webhook is active.
 *
 * @returns the webhook as stored, or `undefined` if another write came first
 * @throws DEPENDENCY_DOWN; the webhook may have been changed
 */
export function makeDeactivateWebhook(deps: DeactivateWebhookDeps): DeactivateWebhook {
  return async (webhook, to) => {
    const context = deps.context();
    const { clientId, webhookId } = webhook;
    const job = newJob("end", { clientId, webhookId }, deps);
    await deps.jobs.create(job);
    const at = new Date(context.nowMs).toISOString();
    const deactivated = await deps.webhooks.replace({
      ...webhook,
      status: to.status,
      ...(to.status === "disabled" ? { disabledReason: to.reason, disabledAt: at } : {}),
    });
    if (!deactivated) return undefined;
    // The sweep ends a job that finds the webhook active, if this worker stood still for so long.
    const isEnded = (await deps.jobs.find(job.jobId))?.status === "done";
    const next = isEnded ? newJob("end", { clientId, webhookId }, deps) : job;
    if (isEnded) await deps.jobs.create(next);
    await sendJobMessage(next, deps);
    return deactivated;
  };
}
