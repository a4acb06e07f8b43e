import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { EventType } from "../../../contracts/events.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { traceparentIn } from "../../events/envelope.ts";
import { currentSecret } from "../signing/signing.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { waitingDelivery } from "../state/delivery-state.ts";
import type { DeliveryRecord } from "../state/record.ts";
import { composeWebhookBody } from "./body.ts";

/** The parts of an event from which a delivery is created. */
export interface DeliverableEvent {
  id: string;
  type: EventType;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  /** Set if the delivery is cancelled together with this request. */
  requestId?: string | undefined;
}

/**
 * Creates the delivery of an event to a webhook, with the body that every attempt sends.
 * The body is inline, whatever its size; the store moves a large one to the bucket.
 *
 * @throws Error if the webhook's format has no payload for the event, or a master key does not exist
 */
export function newDelivery(
  webhook: WebhookItem,
  event: DeliverableEvent,
  { master, context }: { master: MasterKeys; context: DeliveryContext },
): DeliveryRecord {
  const { webhookId, payloadMode, format, hashFormat } = webhook;
  const { id: eventId, type: eventType, clientId, envelope, requestId } = event;
  const secret = currentSecret(webhook, master);
  const body = composeWebhookBody({ envelope, eventType, payloadMode, format, hashFormat, secret });
  return waitingDelivery(
    {
      deliveryId: deliveryIdOf(webhookId, eventId),
      clientId,
      webhookId,
      eventId,
      eventType,
      requestId,
      traceparent: traceparentIn(envelope),
      body: { inline: body },
    },
    context,
  );
}

/** Returns the id of a delivery: the same for the same webhook and event, so that a repeated creation finds the first. */
export function deliveryIdOf(webhookId: string, eventId: string): string {
  return `dl_${sha256Hex(JSON.stringify([webhookId, eventId])).slice(0, 32)}`;
}
