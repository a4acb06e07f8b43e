import * as z from "zod/mini";
import { deliverableType } from "../events.ts";

/**
 * What stands in the queues of attempts. Each but a fresh one is a hint: what is
 * to be done is read from the table, so that a lost, doubled or late message
 * changes nothing.
 */
export const deliveryMessage = z.discriminatedUnion("kind", [
  /** A delivery's next attempt may be due. */
  z.object({
    v: z.literal(1),
    kind: z.literal("attempt"),
    deliveryId: z.string(),
    clientId: z.string(),
    webhookId: z.string(),
    /** Of an event that is not sent any more once its request is cancelled. */
    requestId: z.optional(z.string()),
    /**
     * Of a delivery that is not stored yet: its first attempt stores it. So the
     * delivery of an endpoint that answers promptly costs one write less.
     */
    unstored: z.optional(
      z.object({
        eventId: z.string(),
        eventType: deliverableType,
        createdMs: z.number(),
        body: z.string(),
      }),
    ),
    /** How long (business) this attempt was held back because its endpoint is failing. */
    heldMs: z.optional(z.number()),
  }),
  /** A job over many deliveries goes on. */
  z.object({
    v: z.literal(1),
    kind: z.literal("job"),
    jobId: z.string(),
    clientId: z.string(),
  }),
]);

export type DeliveryMessage = z.output<typeof deliveryMessage>;
export type AttemptMessage = Extract<DeliveryMessage, { kind: "attempt" }>;

/** What EventBridge puts into the queue of events: the whole event. */
export const busMessage = z.object({
  "detail-type": z.string(),
  detail: z.object({ clientId: z.string(), id: z.string(), type: z.string() }),
});
