import * as z from "zod/mini";
import { deliverableType } from "../events.ts";

/**
 * A message of the attempts queue or the retries queue. It names a delivery or a job, and
 * the table decides whether it is due: a lost, repeated or late message changes nothing.
 * The exception is a message with `unstored`, which is the only copy of its delivery until
 * the first attempt; SQS keeps it until it is processed.
 */
export const deliveryMessage = z.discriminatedUnion("kind", [
  /** The next attempt of a delivery may be due. */
  z.object({
    v: z.literal(1),
    kind: z.literal("attempt"),
    deliveryId: z.string(),
    clientId: z.string(),
    webhookId: z.string(),
    /** Set if the delivery is cancelled together with this request. */
    requestId: z.optional(z.string()),
    /**
     * The delivery itself, if it is not stored yet: its first attempt stores it. This
     * saves one write for each delivery to a fast endpoint.
     */
    unstored: z.optional(
      z.object({
        eventId: z.string(),
        eventType: deliverableType,
        createdMs: z.number(),
        traceparent: z.optional(z.string()),
        body: z.string(),
      }),
    ),
    /** For how long this attempt has been held because its endpoint is failing (business time). */
    heldMs: z.optional(z.number()),
  }),
  /** A job over many deliveries is to be started or continued. */
  z.object({
    v: z.literal(1),
    kind: z.literal("job"),
    jobId: z.string(),
    clientId: z.string(),
  }),
]);

export type DeliveryMessage = z.output<typeof deliveryMessage>;
export type AttemptMessage = Extract<DeliveryMessage, { kind: "attempt" }>;

/** A message of the events queue (`fanout`): the whole event, as EventBridge sends it. */
export const busMessage = z.object({
  "detail-type": z.string(),
  detail: z.object({ clientId: z.string(), id: z.string(), type: z.string() }),
});
