import { undefinedIfNotFound } from "../../contracts/failures.ts";
import type { OperationHandlers } from "../../contracts/http/operation.ts";
import type { DeliveryStatus } from "../../contracts/statuses.ts";
import type {
  DialectDelivery,
  DialectServices,
  DialectWebhook,
} from "../../core/providers/dialect.ts";
import { answered } from "./dialect-answer.ts";
import type { linkedApiWebhookOperations } from "./dialect-webhook-operations.ts";

/** The maximum size of a page of Ackwire's own API. */
const LISTED_DELIVERIES = 100;

/**
 * Linked API's operations on the client's webhook. An id in a call must be the
 * id of the client's one webhook.
 */
export function linkedApiWebhookHandlers({ webhooks, deliveries }: DialectServices) {
  return {
    async linkedApiSetWebhook({ clientId, origin, body: { url, payloadMode } }) {
      const { secret, ...view } = await webhooks.register(clientId, { url, payloadMode, origin });
      return answered({ webhook: { ...webhookOf(view), secret } });
    },
    async linkedApiGetWebhook({ clientId }) {
      const view = await webhooks.get(clientId).catch(undefinedIfNotFound);
      return answered({ webhooks: view ? [webhookOf(view)] : [] });
    },
    async linkedApiSetPayloadMode({ clientId, body: { id, payloadMode } }) {
      return answered({
        webhook: webhookOf(await webhooks.update(clientId, { payloadMode }, id)),
      });
    },
    async linkedApiDeleteWebhook({ clientId, body }) {
      await webhooks.delete(clientId, body.id);
      return answered({ deleted: true });
    },
    async linkedApiSendTest({ clientId }) {
      const { deliveryId } = await webhooks.test(clientId);
      return answered({ deliveryId });
    },
    async linkedApiListDeliveries({ clientId }) {
      const newest = await deliveries.newest(clientId, LISTED_DELIVERIES);
      return answered({ deliveries: newest.map(deliveryOf) });
    },
    async linkedApiReplayDelivery({ clientId, body }) {
      const { id } = await deliveries.resend(clientId, body.deliveryId);
      return answered({ deliveryId: id });
    },
  } satisfies OperationHandlers<typeof linkedApiWebhookOperations>;
}

function webhookOf({ id, url, payloadMode, status, createdAt }: DialectWebhook) {
  return { id, url, payloadMode, isActive: status === "active", createdAt };
}

/** Linked API has no status for a cancelled delivery. */
const statuses = {
  waiting: "pending",
  delivering: "delivering",
  delivered: "success",
  failed: "failed",
  cancelled: "failed",
} as const satisfies Record<DeliveryStatus, string>;

function deliveryOf(delivery: DialectDelivery) {
  const { status, reason, attemptHistory, createdMs, endedMs } = delivery;
  const last = attemptHistory.at(-1);
  return {
    id: delivery.deliveryId,
    eventType: delivery.eventType,
    eventId: delivery.eventId,
    status: statuses[status],
    attempts: attemptHistory.length,
    responseStatusCode: last?.httpStatus,
    lastError: status === "delivered" ? undefined : (last?.error ?? reason),
    createdAt: new Date(createdMs).toISOString(),
    updatedAt: new Date(Math.max(createdMs, last?.atMs ?? 0, endedMs ?? 0)).toISOString(),
  };
}
