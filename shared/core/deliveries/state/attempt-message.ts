import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import { createWaiting } from "./delivery-state.ts";
import type { DeliveryRecord } from "./record.ts";

/** The message that has a delivery's next attempt made, if it is due. */
export function toAttemptMessage(
  delivery: Pick<DeliveryRecord, "deliveryId" | "clientId" | "webhookId" | "requestId">,
): AttemptMessage {
  const { deliveryId, clientId, webhookId, requestId } = delivery;
  return {
    v: 1,
    kind: "attempt",
    deliveryId,
    clientId,
    webhookId,
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** The same with all that stores the delivery, which is not stored yet. */
export function toInlineAttemptMessage(
  delivery: DeliveryRecord,
  of: Pick<UnstoredDelivery, "eventType" | "body">,
): AttemptMessage {
  const { eventId, createdMs } = delivery;
  return { ...toAttemptMessage(delivery), unstored: { eventId, createdMs, ...of } };
}

/** The delivery that such a message stands for. */
export function deliveryFromMessage(
  { unstored, ...hint }: AttemptMessage & { unstored: UnstoredDelivery },
  context: DeliveryContext,
): DeliveryRecord {
  const { body, createdMs, ...event } = unstored;
  return { ...createWaiting({ ...hint, ...event, body: { inline: body } }, context), createdMs };
}

type UnstoredDelivery = NonNullable<AttemptMessage["unstored"]>;
