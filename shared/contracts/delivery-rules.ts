import * as z from "zod/mini";

const nonNegativeInt = () => z.number().check(z.int(), z.gte(0));

/**
 * The times and limits of deliveries, as the variable `DELIVERY_RULES` gives them
 * to each function that works on deliveries. Business time but where it says real.
 */
export const deliveryRules = z.object({
  /** What lies between one attempt's end and the next attempt; one less than there are attempts. */
  delaysMs: z.array(nonNegativeInt()),
  /** Each delay is drawn from it ± this part. */
  jitter: z.number().check(z.gte(0), z.lt(1)),
  /** Real: from the name's resolution to the last byte. */
  timeoutMs: nonNegativeInt(),
  /** Real: a POST without an answer for so long makes its endpoint a slow one. */
  slowMs: nonNegativeInt(),
  /** Real: how long an attempt belongs to one worker. */
  leaseMs: nonNegativeInt(),
  /** Failures in a row after which an endpoint's deliveries are held back. */
  breakerFailures: nonNegativeInt(),
  /** Most workers that are at one endpoint at the same time. */
  workersPerEndpoint: nonNegativeInt(),
  /** Most POSTs to one endpoint that one worker has under way. */
  postsPerWorker: nonNegativeInt(),
  /** How long a delivery is kept after its last change. */
  retentionMs: nonNegativeInt(),
  /** Real: how long the writer of an event has to publish it before `reconcile` does. */
  outboxGraceMs: nonNegativeInt(),
});

export type DeliveryRules = z.output<typeof deliveryRules>;
