import type { WebhookItem } from "../../contracts/config-items.ts";
import { deliverableType } from "../../contracts/events.ts";
import { busSafeJson, type FinalEvent } from "../events/envelope.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { formatCarries } from "./creation/body.ts";
import { newDelivery } from "./creation/new-delivery.ts";
import { masterKeysOf, type ReadMasterKeys } from "./signing/master-keys-of.ts";
import { toAttemptMessage } from "./state/attempt-message.ts";
import type { DeliveryContext } from "./state/delivery-context.ts";
import { ANSWERED_GONE, endDelivery, startNextCycle } from "./state/delivery-state.ts";
import type { DeliveryQueue, DeliveryStore, JobStore, WebhookStore } from "./state/ports.ts";
import type { PublishFailures } from "./state/publish-failures.ts";
import type { DeliveryJob, DeliveryRecord } from "./state/record.ts";
import { webhookStatusOf } from "./state/webhook-status.ts";
import { startJob } from "./webhooks/deactivate-webhook.ts";

export interface RunJobDeps {
  jobs: JobStore;
  deliveries: DeliveryStore;
  webhooks: WebhookStore;
  queue: DeliveryQueue;
  publishFailures: PublishFailures;
  /** Stores an event, puts it on the bus, or leaves that to the sweep; again changes nothing. @throws DEPENDENCY_DOWN */
  publish: (event: FinalEvent) => Promise<void>;
  /** The stored event, if it still is. @throws DEPENDENCY_DOWN */
  findEvent: (eventId: string) => Promise<{ clientId: string; envelope: string } | undefined>;
  masterKeys: ReadMasterKeys;
  context: () => DeliveryContext;
  /** Told of a webhook that was disabled because its endpoint said so. */
  onWebhookDisabled: () => void;
  onIgnoredError: (error: unknown) => void;
}

const PAGE = 100;
const AT_ONCE = 10;

/** A run ends in its own time: a page begun is also noted. */
const STOP_BEFORE_MS = 15_000;

/**
 * Walks over a client's deliveries, newest first, page by page, and notes after
 * each how far it is: whoever dies on the way, the next goes on from there, and
 * to do a page twice changes nothing.
 *
 * @throws DEPENDENCY_DOWN: the message must come again
 */
export type RunBulkJob = (jobId: string, remainingMs: () => number) => Promise<void>;

export function makeRunBulkJob(deps: RunJobDeps): RunBulkJob {
  return async (jobId: string, remainingMs: () => number): Promise<void> => {
    let job = await deps.jobs.find(jobId);
    if (!job || job.status === "done") return;
    while (job && job.status === "running" && remainingMs() > STOP_BEFORE_MS) {
      const webhook = await deps.webhooks.find(job.clientId);
      const isEnd = job.kind === "end";
      const goesOn = !isEnd || (await begin(job, webhook));
      job = await note(job, goesOn ? await page(job, webhook) : { status: "done" });
    }
    if (job?.status === "running") await startJob(job, deps);
  };

  /** Tells that a webhook is disabled; `false` when it is active (again), and nothing is to be done. */
  async function begin(job: DeliveryJob, present: WebhookItem | undefined): Promise<boolean> {
    const { webhookId = "", clientId } = job;
    const { status, disabledAt, disabledReason } = webhookStatusOf(present, webhookId);
    if (status === "active") return false;
    const isBegun = job.before !== undefined;
    if (!isBegun && status === "disabled" && disabledAt !== undefined) {
      if (disabledReason === ANSWERED_GONE) deps.onWebhookDisabled();
      await deps.publish(disabledEvent({ clientId, webhookId, disabledAt, disabledReason }));
    }
    return true;
  }

  async function page(
    job: DeliveryJob,
    webhook: WebhookItem | undefined,
  ): Promise<Partial<DeliveryJob>> {
    const { clientId, before, sinceMs, untilMs } = job;
    const status = job.kind === "recover" ? "failed" : "waiting";
    const found = await deps.deliveries.list({ clientId, status, limit: PAGE, before });
    const inTime = found.deliveries.filter(
      ({ createdMs }) => createdMs >= sinceMs && createdMs <= untilMs,
    );
    // It begins with the time, also of those that the page has passed over.
    const isPast = (found.before ?? "") < new Date(sinceMs).toISOString();
    const done = { changed: 0, skipped: 0 };
    const changed: DeliveryRecord[] = [];
    await forEachConcurrent(inTime, AT_ONCE, async (delivery) => {
      const next = await (job.kind === "recover"
        ? recover(delivery, webhook)
        : end(delivery, job, webhook));
      if (next) changed.push(next);
      done[next ? "changed" : "skipped"]++;
    });
    await deps.publishFailures(
      changed.filter(({ unpublishedFailures }) => unpublishedFailures.length > 0),
    );
    const again = changed.filter((one) => one.status === "waiting");
    if (again.length > 0) {
      // What is not sent here is found by the sweep.
      const messages = again.map((one) => ({ message: toAttemptMessage(one) }));
      await deps.queue.send("retries", messages).catch(deps.onIgnoredError);
    }
    return {
      before: found.before,
      examined: job.examined + inTime.length,
      changed: job.changed + done.changed,
      skipped: job.skipped + done.skipped,
      ...(isPast ? { status: "done" } : {}),
    };
  }

  /** The same delivery in its next cycle, or one of the same event to the webhook that came after. */
  async function recover(
    delivery: DeliveryRecord,
    webhook: WebhookItem | undefined,
  ): Promise<DeliveryRecord | undefined> {
    if (webhook?.status !== "active") return undefined;
    if (delivery.webhookId === webhook.webhookId) {
      return deps.deliveries.replace(startNextCycle(delivery, deps.context()));
    }
    const { eventId: id, eventType, clientId, requestId } = delivery;
    const type = deliverableType.safeParse(eventType).data;
    const event = await deps.findEvent(id);
    const isWanted = type && (webhook.eventTypes?.includes(type) ?? true);
    if (!isWanted || !formatCarries(webhook.format, type)) return undefined;
    if (!event || event.clientId !== clientId) return undefined;
    const of = { id, type, clientId, envelope: event.envelope, requestId };
    const master = await masterKeysOf(webhook, deps.masterKeys);
    const fresh = newDelivery(webhook, of, { master, context: deps.context() });
    const stored = await deps.deliveries.create(fresh);
    // One that was made before takes its own way; one that failed too is met by itself.
    return stored === "created" ? { ...fresh, version: 1 } : undefined;
  }

  async function end(
    delivery: DeliveryRecord,
    { webhookId = "" }: DeliveryJob,
    webhook: WebhookItem | undefined,
  ): Promise<DeliveryRecord | undefined> {
    if (delivery.webhookId !== webhookId) return undefined;
    const context = deps.context();
    const isDisabled = webhookStatusOf(webhook, webhookId).status === "disabled";
    const over = isDisabled
      ? endDelivery(delivery, "failed", "disabled", context)
      : endDelivery(delivery, "cancelled", "webhook_deleted", context);
    return deps.deliveries.replace(over);
  }

  async function note(job: DeliveryJob, change: Partial<DeliveryJob>) {
    const { nowMs, nowRealMs, rules } = deps.context();
    const isDone = change.status === "done";
    return deps.jobs.replace({
      ...job,
      ...change,
      ...(isDone ? { finishedMs: nowMs } : {}),
      recoverAfterRealMs: isDone ? undefined : nowRealMs + rules.outboxGraceMs,
    });
  }
}

/** Derived, so that every teller tells the same. */
function disabledEvent(of: {
  clientId: string;
  webhookId: string;
  disabledAt: string;
  disabledReason?: string | undefined;
}): FinalEvent {
  const { clientId, webhookId, disabledAt, disabledReason: reason = "unknown" } = of;
  const type = "webhook.disabled";
  const id = `${type}:${webhookId}:${Date.parse(disabledAt)}`;
  const envelope = busSafeJson({ id, type, createdAt: disabledAt, data: { webhookId, reason } });
  return { id, type, clientId, envelope };
}
