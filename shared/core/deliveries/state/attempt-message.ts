import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import { waitingDelivery } from "./delivery-state.ts";
import type { DeliveryQueue } from "./ports.ts";
import type { DeliveryRecord } from "./record.ts";

/** Returns the message of a delivery's next attempt. Its receiver makes the attempt only if it is due by then. */
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

/** After 15 minutes of holds in all, a message is attempted even if the circuit is open (business time). */
const MAX_HELD_MS = 900_000;

/** Whether a message has been held for so long that it is attempted although the circuit is open. */
export function hasReachedMaxHold({ heldMs = 0 }: AttemptMessage): boolean {
  return heldMs >= MAX_HELD_MS;
}

/**
 * Sends the message of an attempt that a person asked for: it is made even if the circuit is
 * open. Never rejects: if it is lost, the sweep sends it.
 */
export async function sendAttemptMessage(
  delivery: DeliveryRecord,
  {
    deliveryQueue,
    onNonFatalError,
  }: { deliveryQueue: DeliveryQueue; onNonFatalError: (error: unknown) => void },
): Promise<void> {
  // A message that reached the maximum hold bypasses an open circuit.
  const message = { ...toAttemptMessage(delivery), heldMs: MAX_HELD_MS };
  await deliveryQueue.send("retries", [{ message }]).catch(onNonFatalError);
}

/** Returns the message of a delivery that is not stored yet: the message holds everything to store it. */
export function toUnstoredAttemptMessage(
  delivery: DeliveryRecord,
  contents: Pick<UnstoredDelivery, "eventType" | "body">,
): AttemptMessage {
  const { eventId, createdMs, traceparent } = delivery;
  const trace = traceparent === undefined ? {} : { traceparent };
  return { ...toAttemptMessage(delivery), unstored: { eventId, createdMs, ...trace, ...contents } };
}

/** Returns the delivery that a message holds. */
export function deliveryFromMessage(
  { unstored, ...message }: AttemptMessage & { unstored: UnstoredDelivery },
  context: DeliveryContext,
): DeliveryRecord {
  const { body, createdMs, ...event } = unstored;
  return {
    ...waitingDelivery({ ...message, ...event, body: { inline: body } }, context),
    createdMs,
  };
}

type UnstoredDelivery = NonNullable<AttemptMessage["unstored"]>;
