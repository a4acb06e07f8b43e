import type { WebhookItem } from "../../contracts/config-items.ts";
import { deliverableType } from "../../contracts/events.ts";
import { busSafeJson, type FinalEvent } from "../events/envelope.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { retryOnConflict } from "../retry-on-conflict.ts";
import { isSubscribed } from "./creation/body.ts";
import { newDelivery } from "./creation/new-delivery.ts";
import { type FetchMasterKeys, requireMasterKeys } from "./signing/signing.ts";
import { toAttemptMessage } from "./state/attempt-message.ts";
import { doneJob, sendJobMessage } from "./state/bulk-jobs.ts";
import type { DeliveryContext } from "./state/delivery-context.ts";
import { ANSWERED_GONE, attemptNow, endDelivery, startNextCycle } from "./state/delivery-state.ts";
import type { DeliveryQueue, DeliveryStore, JobStore, WebhookStore } from "./state/ports.ts";
import type { PublishDeliveryFailed } from "./state/publish-delivery-failed.ts";
import { type DeliveryJob, type DeliveryRecord, hasEnded } from "./state/record.ts";
import { webhookStatusOf } from "./state/webhook-status.ts";

export interface RunBulkJobDeps {
  jobs: JobStore;
  deliveries: DeliveryStore;
  webhooks: WebhookStore;
  deliveryQueue: DeliveryQueue;
  publishDeliveryFailed: PublishDeliveryFailed;
  /**
   * Stores an event and publishes it, or leaves publishing to the sweep. Idempotent.
   *
   * @throws DEPENDENCY_DOWN
   */
  publishEvent: (event: FinalEvent) => Promise<void>;
  /** Finds a stored event; `undefined` if it has expired. @throws DEPENDENCY_DOWN */
  findEvent: (eventId: string) => Promise<{ clientId: string; envelope: string } | undefined>;
  masterKeys: FetchMasterKeys;
  context: () => DeliveryContext;
  /** Called for a webhook that was disabled because its endpoint answered 410. */
  onWebhookDisabled: () => void;
  /** Called with an error that does no harm: the sweep sends these messages. */
  onNonFatalError: (error: unknown) => void;
}

export type RunBulkJob = (jobId: string, remainingMs: () => number) => Promise<void>;

const PAGE_SIZE = 100;

/** Statuses of deliveries that a recovery may resend; of the cancelled ones only those of deleted webhooks. */
const UNDELIVERED = ["failed", "cancelled", "waiting"] as const;

/** Writes of one delivery while other writers come first. */
const MAX_WRITES = 5;

/** Deliveries that are processed concurrently. */
const CONCURRENCY = 10;

/** Time that is kept to finish a page and save the progress (real). */
const STOP_BEFORE_MS = 15_000;

/**
 * Runs a job over many deliveries of one client, page by page, newest first.
 *
 * The progress is saved after each page. If a worker stops, the next one continues
 * with the last page that is not saved: processing a page twice changes nothing. If
 * the invocation ends first, a message continues the job.
 *
 * @throws DEPENDENCY_DOWN: process the message again
 */
export function makeRunBulkJob(deps: RunBulkJobDeps): RunBulkJob {
  return async (jobId, remainingMs) => {
    let job = await deps.jobs.find(jobId);
    while (job?.status === "running" && remainingMs() > STOP_BEFORE_MS) {
      const webhook = await deps.webhooks.find(job.clientId);
      const isObsolete = job.kind === "end" && !(await publishDisabledIfNeeded(job, webhook));
      const progress = isObsolete ? { status: "done" as const } : await processPage(job, webhook);
      job = await saveProgress(job, progress);
    }
    if (job?.status === "running") await sendJobMessage(job, deps);
  };

  /**
   * Publishes `webhook.disabled` before the first page of a job that ends the
   * deliveries of a disabled webhook.
   *
   * @returns `false` if the webhook is active (again): the job has nothing to do
   */
  async function publishDisabledIfNeeded(
    job: DeliveryJob,
    current: WebhookItem | undefined,
  ): Promise<boolean> {
    const { webhookId = "", clientId } = job;
    const { status, disabledAt, disabledReason } = webhookStatusOf(current, webhookId);
    if (status === "active") return false;
    const isFirstPage = job.before === undefined;
    if (isFirstPage && status === "disabled" && disabledAt !== undefined) {
      if (disabledReason === ANSWERED_GONE) deps.onWebhookDisabled();
      await deps.publishEvent(disabledEvent({ clientId, webhookId, disabledAt, disabledReason }));
    }
    return true;
  }

  /** Processes the next page. @returns the members of the job that change */
  async function processPage(
    job: DeliveryJob,
    webhook: WebhookItem | undefined,
  ): Promise<Partial<DeliveryJob>> {
    const { clientId, before, sinceMs, untilMs, eventTypes } = job;
    // In the index, which may be behind, one that has just failed may be delivered still.
    const statuses =
      job.kind === "recover" ? [...UNDELIVERED, "delivering" as const] : (["waiting"] as const);
    const page = await deps.deliveries.list({
      clientId,
      limit: PAGE_SIZE,
      before,
      statuses,
      eventTypes,
      sinceMs,
      untilMs,
    });
    const found = page.deliveries.filter(
      ({ status, reason }) => status !== "delivering" && reason !== "request_cancelled",
    );
    const changed: DeliveryRecord[] = [];
    const errors: unknown[] = [];
    await forEachConcurrent(found, CONCURRENCY, async (delivery) => {
      try {
        const next = await (job.kind === "recover"
          ? resendUndelivered(delivery, webhook)
          : endWaiting(delivery, job, webhook));
        if (next) changed.push(next);
      } catch (error) {
        errors.push(error);
      }
    });
    await deps.publishDeliveryFailed(
      changed.filter(({ unpublishedFailures }) => unpublishedFailures.length > 0),
    );
    const messages = changed
      .filter((delivery) => delivery.status === "waiting")
      .map((delivery) => ({ message: toAttemptMessage(delivery) }));
    if (messages.length > 0)
      await deps.deliveryQueue.send("retries", messages).catch(deps.onNonFatalError);
    // The page is processed again; what has changed goes on meanwhile.
    if (errors.length > 0) throw errors[0];
    return {
      before: page.before,
      examined: job.examined + found.length,
      changed: job.changed + changed.length,
      skipped: job.skipped + found.length - changed.length,
      ...(page.before === undefined ? { status: "done" } : {}),
    };
  }

  /**
   * Starts the next cycle of a failed delivery, makes the next attempt of a waiting one due at
   * once, or creates a delivery of the same event if the client has another webhook by now.
   *
   * @returns `undefined` if the delivery is skipped
   */
  async function resendUndelivered(
    delivery: DeliveryRecord,
    webhook: WebhookItem | undefined,
  ): Promise<DeliveryRecord | undefined> {
    if (webhook?.status !== "active") return undefined;
    if (delivery.webhookId === webhook.webhookId) {
      return resendTo(delivery);
    }
    const { eventId: id, eventType, clientId, requestId } = delivery;
    const type = deliverableType.safeParse(eventType).data;
    const event = await deps.findEvent(id);
    if (!type || !isSubscribed(webhook, type)) return undefined;
    if (!event || event.clientId !== clientId) return undefined;
    const deliverable = { id, type, clientId, envelope: event.envelope, requestId };
    const master = await requireMasterKeys(webhook, deps.masterKeys);
    const created = newDelivery(webhook, deliverable, { master, context: deps.context() });
    const stored = await deps.deliveries.create(created);
    // One that exists is attempted already, or is in the list itself if it has failed too.
    return stored === "created" ? { ...created, version: 1 } : undefined;
  }

  /** Makes the next attempt of a delivery due, as it is stored by now. */
  async function resendTo(delivery: DeliveryRecord): Promise<DeliveryRecord | undefined> {
    const result = await retryOnConflict({
      known: delivery,
      find: () => deps.deliveries.find(delivery.deliveryId),
      decide(current) {
        const { status, reason } = current;
        const isDone = status === "delivered" || status === "delivering";
        if (isDone || reason === "request_cancelled") return undefined;
        // One whose attempt is due gets a second message: the first may be held for minutes.
        const next = hasEnded(current) ? startNextCycle : attemptNow;
        return next(current, deps.context());
      },
      replace: (next) => deps.deliveries.replace(next),
      maxAttempts: MAX_WRITES,
    });
    return result.kind === "written" ? result.written : undefined;
  }

  /** Ends a waiting delivery of the job's webhook. @returns `undefined` if the delivery is skipped */
  async function endWaiting(
    delivery: DeliveryRecord,
    { webhookId = "" }: DeliveryJob,
    webhook: WebhookItem | undefined,
  ): Promise<DeliveryRecord | undefined> {
    if (delivery.webhookId !== webhookId) return undefined;
    const context = deps.context();
    const isDisabled = webhookStatusOf(webhook, webhookId).status === "disabled";
    const ended = isDisabled
      ? endDelivery(delivery, "failed", "disabled", context)
      : endDelivery(delivery, "cancelled", "webhook_deleted", context);
    return deps.deliveries.replace(ended);
  }

  /** @returns `undefined` if another worker has saved its progress meanwhile */
  async function saveProgress(
    job: DeliveryJob,
    change: Partial<DeliveryJob>,
  ): Promise<DeliveryJob | undefined> {
    const context = deps.context();
    const { nowRealMs, rules } = context;
    const isDone = change.status === "done";
    const next = { ...job, ...change, sweepAtRealMs: nowRealMs + rules.outboxGraceMs };
    return deps.jobs.replace(isDone ? doneJob(next, context) : next);
  }
}

/** Builds `webhook.disabled` from stored values only, so that every publisher sends the same bytes. */
function disabledEvent(webhook: {
  clientId: string;
  webhookId: string;
  disabledAt: string;
  disabledReason?: string | undefined;
}): FinalEvent {
  const { clientId, webhookId, disabledAt, disabledReason: reason = "unknown" } = webhook;
  const type = "webhook.disabled";
  const id = `${type}:${webhookId}:${Date.parse(disabledAt)}`;
  const envelope = busSafeJson({ id, type, createdAt: disabledAt, data: { webhookId, reason } });
  return { id, type, clientId, envelope };
}
