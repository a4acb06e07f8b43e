import type { WebhookItem } from "../../contracts/config-items.ts";
import type { EventTypeFilter } from "../../contracts/event-type-filter.ts";
import { Failure } from "../../contracts/failures.ts";
import type { DeliveryView, RecoveryView } from "../../contracts/http/deliveries.ts";
import type { DeliveryStatus } from "../../contracts/statuses.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";
import { InvalidRequest } from "../input/invalid-request.ts";
import { retryOnConflict } from "../retry-on-conflict.ts";
import { sendAttemptMessage } from "./state/attempt-message.ts";
import { doneJob, newJob, sendJobMessage } from "./state/bulk-jobs.ts";
import { attemptNow, startNextCycle } from "./state/delivery-state.ts";
import { deliverySummary, deliveryView, recoveryView } from "./state/delivery-views.ts";
import type { DeliveryStore } from "./state/ports.ts";
import { type DeliveryJob, type DeliveryRecord, hasEnded } from "./state/record.ts";
import type { DeactivateWebhookDeps } from "./webhooks/deactivate-webhook.ts";
import { webhookDisabled } from "./webhooks/test-send.ts";

export interface DeliveriesDeps extends DeactivateWebhookDeps {
  deliveries: DeliveryStore;
}

/** A client's deliveries. A delivery of another client is treated as not found. */
export interface Deliveries {
  /** Returns one page, newest first. @throws REQUEST_INVALID for an invalid cursor; DEPENDENCY_DOWN */
  list(
    clientId: string,
    query: DeliveryQuery,
  ): Promise<{ items: DeliveryView[]; nextCursor?: string }>;

  /** Returns the newest deliveries, newest first. @throws DEPENDENCY_DOWN */
  newest(clientId: string, limit: number): Promise<DeliveryRecord[]>;

  /** @throws NOT_FOUND, DEPENDENCY_DOWN */
  get(clientId: string, deliveryId: string): Promise<DeliveryView>;

  /**
   * Starts the next cycle of a delivery that has ended. If it waits for its next attempt, that
   * attempt is made at once and keeps its number. A delivery that is being attempted is returned
   * unchanged.
   *
   * @throws NOT_FOUND
   * @throws CONFLICT if the delivery was cancelled, or its webhook is deleted or disabled
   * @throws DEPENDENCY_DOWN; the cycle may have been started
   */
  resend(clientId: string, deliveryId: string): Promise<DeliveryView>;

  /**
   * Starts a job that sends everything of a time range that was not delivered to the client's
   * current webhook: failed deliveries, those that were cancelled because their webhook was
   * deleted, and those that wait. A client has one such job at a time.
   *
   * @param range.until defaults to now
   * @param range.eventTypes only these types
   * @throws REQUEST_INVALID if the range is empty
   * @throws NOT_FOUND without a webhook, CONFLICT if it is disabled or a job is running
   * @throws DEPENDENCY_DOWN; the job may have been started
   */
  recover(clientId: string, range: RecoveryRange): Promise<RecoveryView>;

  /** @throws NOT_FOUND, DEPENDENCY_DOWN */
  getRecovery(clientId: string, recoveryId: string): Promise<RecoveryView>;
}

/** The filters of a list; times are ISO 8601. */
export interface DeliveryQuery {
  limit: number;
  cursor?: string;
  status?: DeliveryStatus;
  eventType?: EventTypeFilter;
  eventId?: string;
  webhookId?: string;
  since?: string;
  until?: string;
}

export interface RecoveryRange {
  since: string;
  until?: string;
  eventTypes?: readonly EventTypeFilter[];
}

/** The form of a store's cursor: a time and an id. */
const LISTED_AS = /^[^#]{1,32}#dl_[0-9a-f]{32}$/;

/** Attempts to resend when other writers come first: more happen only to a caller that never pauses. */
const MAX_ATTEMPTS = 5;

export function makeDeliveries(deps: DeliveriesDeps): Deliveries {
  const { deliveries: store, jobs, webhooks, context } = deps;

  async function requireDelivery(clientId: string, deliveryId: string): Promise<DeliveryRecord> {
    const delivery = await store.find(deliveryId);
    if (delivery?.clientId === clientId) return delivery;
    throw new Failure("NOT_FOUND", "there is no such delivery");
  }

  /** A recovery reads all deliveries of its period: several at once would take the workers of other clients. */
  async function requireNoRecovery({ recoveryId = "" }: WebhookItem): Promise<void> {
    const running = await jobs.find(recoveryId);
    if (running?.status !== "running") return;
    const how = `GET /v1/recoveries/${recoveryId} returns its progress`;
    throw new Failure("CONFLICT", `the recovery ${recoveryId} is still running: ${how}`, {
      remedy: "awaitRecovery",
    });
  }

  /** Records in the webhook that this is the client's recovery. @throws NOT_FOUND, CONFLICT */
  async function nameRecovery({ clientId, jobId }: DeliveryJob): Promise<void> {
    const result = await retryOnConflict({
      find: () => webhooks.find(clientId),
      async decide(stored) {
        const webhook = requireActive(stored);
        await requireNoRecovery(webhook);
        return { ...webhook, recoveryId: jobId };
      },
      replace: (webhook) => webhooks.replace(webhook),
      maxAttempts: MAX_ATTEMPTS,
    });
    if (result.kind === "written") return;
    throw new Failure("CONFLICT", "the webhook was changed meanwhile: try again");
  }

  return {
    async list(clientId, query) {
      const { limit, cursor, status, eventType, eventId, webhookId } = query;
      const scope = { list: "deliveries", clientId } as const;
      const before = cursor === undefined ? undefined : readCursor(scope, cursor, LISTED_AS);
      const page = await store.list({
        clientId,
        limit,
        before,
        statuses: status && [status],
        eventTypes: eventType === undefined ? undefined : [eventType],
        eventId,
        webhookId,
        sinceMs: toMs(query.since),
        untilMs: toMs(query.until),
      });
      const items = page.deliveries.map(deliverySummary);
      if (page.before === undefined) return { items };
      return { items, nextCursor: writeCursor(scope, page.before) };
    },

    async newest(clientId, limit) {
      return (await store.list({ clientId, limit })).deliveries;
    },

    get: async (clientId, deliveryId) => deliveryView(await requireDelivery(clientId, deliveryId)),

    async resend(clientId, deliveryId) {
      const result = await retryOnConflict({
        find: () => requireDelivery(clientId, deliveryId),
        async decide(delivery) {
          if (delivery.status === "delivering") return undefined;
          requireResendable(delivery, await webhooks.find(clientId));
          return hasEnded(delivery)
            ? startNextCycle(delivery, context())
            : attemptNow(delivery, context());
        },
        replace: (delivery) => store.replace(delivery),
        maxAttempts: MAX_ATTEMPTS,
      });
      if (result.kind === "unchanged") return deliveryView(result.item);
      if (result.kind !== "written") {
        throw new Failure("CONFLICT", "the delivery was changed meanwhile: read it and try again");
      }
      await sendAttemptMessage(result.written, deps);
      return deliveryView(result.written);
    },

    async recover(clientId, { since, until, eventTypes }) {
      const sinceMs = Date.parse(since);
      const untilMs = toMs(until) ?? context().nowMs;
      if (sinceMs > untilMs) {
        throw new InvalidRequest([{ field: "since", message: "must not be in the future" }]);
      }
      const webhook = requireActive(await webhooks.find(clientId));
      await requireNoRecovery(webhook);
      const job = newJob("recover", { clientId, sinceMs, untilMs, eventTypes }, deps);
      // Stored before the webhook names it, so that a concurrent call finds it.
      await jobs.create(job);
      await nameRecovery(job).catch(async (error) => {
        await jobs.replace(doneJob({ ...job, version: 1 }, context()));
        throw error;
      });
      await sendJobMessage(job, deps);
      return recoveryView(job);
    },

    async getRecovery(clientId, recoveryId) {
      const job = await jobs.find(recoveryId);
      if (job?.clientId === clientId && job.kind === "recover") return recoveryView(job);
      throw new Failure("NOT_FOUND", "there is no such recovery");
    },
  };
}

/** @throws CONFLICT with the reason and what to do */
function requireResendable(delivery: DeliveryRecord, webhook: WebhookItem | undefined): void {
  if (delivery.status === "cancelled" && delivery.reason !== "webhook_deleted") {
    throw new Failure("CONFLICT", "the delivery was cancelled and is not sent again");
  }
  if (webhook?.webhookId !== delivery.webhookId || webhook.status === "deleted") {
    const how = "POST /v1/deliveries/recover sends what was not delivered to the current webhook";
    throw new Failure("CONFLICT", `the webhook of this delivery was deleted: ${how}`, {
      remedy: "recoverDeliveries",
    });
  }
  if (webhook.status === "disabled") throw webhookDisabled();
}

/** @throws NOT_FOUND, CONFLICT */
function requireActive(webhook: WebhookItem | undefined): WebhookItem {
  if (!webhook || webhook.status === "deleted") {
    throw new Failure("NOT_FOUND", "there is no webhook: register one with PUT /v1/webhook", {
      remedy: "registerWebhook",
    });
  }
  if (webhook.status === "disabled") throw webhookDisabled();
  return webhook;
}

function toMs(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
