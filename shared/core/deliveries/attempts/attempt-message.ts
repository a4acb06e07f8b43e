import type { AttemptHint } from "../../../contracts/messages/delivery.ts";
import { waiting } from "../delivery-state.ts";
import type { DeliveryMoment } from "../moment.ts";
import type { DeliveryRecord } from "../record.ts";

/** The message that has a delivery's next attempt made, if it is due. */
export function hintOf(
  delivery: Pick<DeliveryRecord, "deliveryId" | "clientId" | "webhookId" | "requestId">,
): AttemptHint {
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
export function freshHintOf(
  delivery: DeliveryRecord,
  of: Pick<Fresh, "eventType" | "body">,
): AttemptHint {
  const { eventId, createdMs } = delivery;
  return { ...hintOf(delivery), fresh: { eventId, createdMs, ...of } };
}

/** The delivery that such a message stands for. */
export function freshDelivery(
  { fresh, ...hint }: AttemptHint & { fresh: Fresh },
  moment: DeliveryMoment,
): DeliveryRecord {
  const { body, createdMs, ...event } = fresh;
  return { ...waiting({ ...hint, ...event, body: { inline: body } }, moment), createdMs };
}

type Fresh = NonNullable<AttemptHint["fresh"]>;
