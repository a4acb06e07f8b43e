import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import { newDelivery } from "../creation/new-delivery.ts";
import { type FetchMasterKeys, requireMasterKeys } from "../signing/signing.ts";
import { sendAttemptMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryQueue, DeliveryStore } from "../state/ports.ts";

export interface TestSendDeps {
  deliveries: DeliveryStore;
  deliveryQueue: DeliveryQueue;
  masterKeys: FetchMasterKeys;
  context: () => DeliveryContext;
  randomHex: (bytes: number) => string;
  /** Called with an error that does no harm: the sweep sends the message. */
  onNonFatalError: (error: unknown) => void;
}

/** The error of an operation that needs an active webhook. */
export function webhookDisabled(): Failure {
  const detail = "the webhook is disabled: enable it with PATCH /v1/webhook";
  return new Failure("CONFLICT", detail, { remedy: "enableWebhook" });
}

/**
 * Sends a test event to a webhook, as a delivery like every other. The event is not
 * published on the bus, and the webhook's `eventTypes` do not apply.
 *
 * @throws CONFLICT if the webhook is disabled
 * @throws DEPENDENCY_DOWN; the event may be sent
 */
export async function sendTest(
  webhook: WebhookItem,
  deps: TestSendDeps,
): Promise<{ deliveryId: string; eventId: string }> {
  if (webhook.status !== "active") throw webhookDisabled();
  const { clientId } = webhook;
  const context = deps.context();
  const type = "webhook.test" as const;
  const eventId = `${type}:${deps.randomHex(16)}`;
  const envelope = JSON.stringify({
    id: eventId,
    type,
    createdAt: new Date(context.nowMs).toISOString(),
    data: { provider: "ackwire", eventType: "UNKNOWN", message: "A test of your webhook" },
  });
  const master = await requireMasterKeys(webhook, deps.masterKeys);
  const event = { id: eventId, type, clientId, envelope };
  const delivery = newDelivery(webhook, event, { master, context });
  await deps.deliveries.create(delivery);
  await sendAttemptMessage(delivery, deps);
  return { deliveryId: delivery.deliveryId, eventId };
}
