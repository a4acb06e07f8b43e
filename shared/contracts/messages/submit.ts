import * as z from "zod/mini";

/**
 * What stands in the submit queue. Each is a hint: what is to be done is read
 * from the table, so that a lost, doubled or late message changes nothing.
 */
export const submitMessage = z.discriminatedUnion("kind", [
  /** A request was accepted: its event waits to be published, and perhaps its lane for work. */
  z.object({
    v: z.literal(1),
    kind: z.literal("accepted"),
    requestId: z.string(),
    wakesLane: z.boolean(),
  }),
  /** A lane may have work. */
  z.object({ v: z.literal(1), kind: z.literal("wakeUp"), lane: z.string() }),
  /** A scheduled request's time has come. EventBridge Scheduler sends it. */
  z.object({ v: z.literal(1), kind: z.literal("due"), requestId: z.string() }),
  /** A person's input for a request waits to be sent. */
  z.object({ v: z.literal(1), kind: z.literal("continue"), requestId: z.string() }),
]);

export type SubmitMessage = z.output<typeof submitMessage>;
