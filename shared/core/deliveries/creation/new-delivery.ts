import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { EventType } from "../../../contracts/events.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { signingSecret } from "../signing/signing.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { createWaiting } from "../state/delivery-state.ts";
import type { DeliveryRecord } from "../state/record.ts";
import { bodyOf } from "./body.ts";
import { deliveryIdOf } from "./delivery-id.ts";

/** An event as a delivery needs it. */
export interface DeliverableEvent {
  id: string;
  type: EventType;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  /** Of an event that is not sent any more once its request is cancelled. */
  requestId?: string | undefined;
}

/**
 * The delivery of an event to a webhook, with the body that every attempt sends.
 * It is inline, however large.
 *
 * @throws Error where the webhook's format does not carry the event, or a master key is gone
 */
export function newDelivery(
  webhook: WebhookItem,
  event: DeliverableEvent,
  { master, context }: { master: MasterKeys; context: DeliveryContext },
): DeliveryRecord {
  const { webhookId, payloadMode, format, hashFormat } = webhook;
  const { id: eventId, type: eventType, clientId, envelope, requestId } = event;
  const secret = presentSecret(webhook, master);
  const body = bodyOf({ envelope, eventType, payloadMode, format, hashFormat, secret });
  return createWaiting(
    {
      deliveryId: deliveryIdOf(webhookId, eventId),
      clientId,
      webhookId,
      eventId,
      eventType,
      requestId,
      body: { inline: body },
    },
    context,
  );
}

/** The secret by which a webhook's receiver knows us from now on. @throws Error when its master key is gone */
export function presentSecret(
  { webhookId, secrets: [present] }: Pick<WebhookItem, "webhookId" | "secrets">,
  master: MasterKeys,
): string {
  if (!present) throw new Error(`The webhook ${webhookId} has no secret`);
  return signingSecret(master, { webhookId, ...present });
}
