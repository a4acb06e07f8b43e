import * as z from "zod/mini";

/**
 * The messages of the submit queue. Each only says where work may be: the work
 * itself is read from the table, so that a lost, repeated or late message changes
 * nothing. The exception is `recur`: until its request is made, its firing is in
 * the message only.
 */
export const submitMessage = z.discriminatedUnion("kind", [
  /** A request was accepted: its event is to be published and, with `wakesLane`, its lane to be worked. */
  z.object({
    v: z.literal(1),
    kind: z.literal("accepted"),
    requestId: z.string(),
    wakesLane: z.boolean(),
  }),
  /** The requests of a batch that were accepted; with `wakesLane` they are of one lane. */
  z.object({
    v: z.literal(1),
    kind: z.literal("acceptedBatch"),
    requestIds: z.array(z.string()),
    wakesLane: z.boolean(),
  }),
  /** Wakes a lane: a request may be submitted now. */
  z.object({
    v: z.literal(1),
    kind: z.literal("wakeUp"),
    lane: z.string(),
    /** When that may be the case (business time). */
    dueMs: z.optional(z.number()),
  }),
  /** The time of a scheduled request has come. Sent by EventBridge Scheduler. */
  z.object({ v: z.literal(1), kind: z.literal("due"), requestId: z.string() }),
  /** A recurring request fires. Sent by EventBridge Scheduler. */
  z.object({
    v: z.literal(1),
    kind: z.literal("recur"),
    clientId: z.string(),
    recurringId: z.string(),
    /** The time for which Scheduler planned the firing; the same each time it delivers it. */
    firesAt: z.iso.datetime(),
  }),
  /** What a request depends on, or what stops it, may have happened. */
  z.object({ v: z.literal(1), kind: z.literal("dependency"), requestId: z.string() }),
  /** A person's input for a request is to be sent. */
  z.object({ v: z.literal(1), kind: z.literal("continue"), requestId: z.string() }),
]);

export type SubmitMessage = z.output<typeof submitMessage>;
