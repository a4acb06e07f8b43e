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
  /** Told of what was given up without harm: the sweep makes up for it. */
  onIgnoredError: (error: unknown) => void;
}

export type DeactivateWebhook = ReturnType<typeof makeDeactivateWebhook>;

/**
 * Disables or deletes a webhook, and has all end that waits for it.
 *
 * The job is stored first: whoever dies on the way, it finds what became of the
 * webhook, tells the bus, and ends the deliveries.
 *
 * @returns the webhook as it is now, or `undefined` when another write came first
 * @throws DEPENDENCY_DOWN
 */
export function makeDeactivateWebhook(deps: DeactivateWebhookDeps) {
  return async (
    webhook: WebhookItem,
    to: { status: "disabled"; reason: string } | { status: "deleted" },
  ): Promise<WebhookItem | undefined> => {
    const context = deps.context();
    const job = newJob("end", { clientId: webhook.clientId, webhookId: webhook.webhookId }, deps);
    await deps.jobs.create(job);
    const at = new Date(context.nowMs).toISOString();
    const ended = await deps.webhooks.replace({
      ...webhook,
      status: to.status,
      ...(to.status === "disabled" ? { disabledReason: to.reason, disabledAt: at } : {}),
    });
    if (ended) await startJob(job, deps);
    return ended;
  };
}

/** A job that has all before it; its message counts as lost after the writer's time. */
export function newJob(
  kind: DeliveryJob["kind"],
  of: Pick<DeliveryJob, "clientId" | "webhookId"> & { sinceMs?: number; untilMs?: number },
  { context, randomHex }: Pick<DeactivateWebhookDeps, "context" | "randomHex">,
): DeliveryJob {
  const { nowMs, nowRealMs, rules } = context();
  const { sinceMs = nowMs - rules.retentionMs, untilMs = nowMs } = of;
  return {
    jobId: `job_${randomHex(12)}`,
    clientId: of.clientId,
    kind,
    webhookId: of.webhookId,
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

export async function startJob(
  { jobId, clientId }: DeliveryJob,
  { queue, onIgnoredError }: Pick<DeactivateWebhookDeps, "queue" | "onIgnoredError">,
): Promise<void> {
  const message = { v: 1, kind: "job", jobId, clientId } as const;
  await queue.send("retries", [{ message }]).catch(onIgnoredError);
}
