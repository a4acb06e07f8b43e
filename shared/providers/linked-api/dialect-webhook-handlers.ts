import * as z from "zod/mini";
import { deliverableTypes } from "../../contracts/events.ts";
import { undefinedIfNotFound } from "../../contracts/failures.ts";
import type { OperationHandlers } from "../../contracts/http/operation.ts";
import type { DeliveryStatus } from "../../contracts/statuses.ts";
import { type WebhookHeaders, webhookHeaders } from "../../contracts/webhook-headers.ts";
import { InvalidRequest, validate } from "../../core/input/invalid-request.ts";
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
    async linkedApiSetWebhook({ clientId, origin, body }) {
      const { url, payloadMode, signingEnabled, headers, events } = body;
      const { secret, ...registered } = await webhooks.register(clientId, {
        url,
        payloadMode,
        origin,
        headers: checkedHeaders(headers) ?? undefined,
        ...(events ? { eventTypes: events } : {}),
        ...(signingEnabled === undefined ? {} : { isSignedAsProvider: signingEnabled }),
      });
      // The same webhook may have been active already, with another choice of this.
      const isSigned = signingEnabled ?? registered.isSignedAsProvider;
      const view =
        isSigned === registered.isSignedAsProvider
          ? registered
          : await webhooks.update(clientId, { isSignedAsProvider: isSigned }, registered.id);
      return changed({ ...view, secret });
    },
    async linkedApiGetWebhook({ clientId }) {
      const view = await webhooks.get(clientId).catch(undefinedIfNotFound);
      return answered({ webhooks: view ? [webhookOf(view)] : [] });
    },
    async linkedApiSetPayloadMode({ clientId, body: { id, payloadMode } }) {
      return changed(await webhooks.update(clientId, { payloadMode }, id));
    },
    async linkedApiSetEvents({ clientId, body: { id, events } }) {
      return changed(await webhooks.update(clientId, { eventTypes: events }, id));
    },
    async linkedApiSetHeaders({ clientId, body: { id, headers } }) {
      const all = checkedHeaders(headers) ?? null;
      return changed(await webhooks.update(clientId, { headers: all }, id));
    },
    async linkedApiSetHeader({ clientId, body: { id, ...header } }) {
      return changed(await webhooks.update(clientId, { header }, id));
    },
    async linkedApiDeleteHeader({ clientId, body: { id, name } }) {
      return changed(await webhooks.update(clientId, { header: { name, value: null } }, id));
    },
    async linkedApiSetSigning({ clientId, body: { id, signingEnabled } }) {
      const view = await webhooks.update(clientId, { isSignedAsProvider: signingEnabled }, id);
      return signingEnabled ? changed(await webhooks.revealSecret(clientId, id)) : changed(view);
    },
    async linkedApiRevealSecret({ clientId, body: { id } }) {
      return changed(await webhooks.revealSecret(clientId, id));
    },
    async linkedApiRotateSecret({ clientId, body: { id } }) {
      return changed(await webhooks.rotateSecret(clientId, id));
    },
    async linkedApiListEventTypes() {
      return answered({ eventTypes: deliverableTypes.filter((type) => type !== "webhook.test") });
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

function changed({ secret, ...view }: DialectWebhook & { secret?: string }): string {
  return answered({ webhook: { ...webhookOf(view), ...(secret === undefined ? {} : { secret }) } });
}

function webhookOf(webhook: DialectWebhook) {
  const { id, url, payloadMode, status, isSignedAsProvider, createdAt } = webhook;
  return {
    id,
    url,
    payloadMode,
    isActive: status === "active",
    signingEnabled: isSignedAsProvider,
    headerNames: webhook.headerNames ?? [],
    events: webhook.eventTypes ?? null,
    createdAt,
  };
}

/** None for `null` and for an empty object, as in Linked API. @throws REQUEST_INVALID that names `headers` */
function checkedHeaders(
  headers: Readonly<Record<string, string>> | null | undefined,
): WebhookHeaders | undefined {
  if (!headers || Object.keys(headers).length === 0) return undefined;
  const { errors } = validate(z.object({ headers: webhookHeaders }), { headers });
  if (errors.length > 0) throw new InvalidRequest(errors);
  return headers;
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
