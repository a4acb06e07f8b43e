import * as z from "zod/mini";

const count = () => z.number().check(z.int(), z.gte(0));

/**
 * The times and limits of requests, as the variable `REQUEST_RULES` gives them
 * to each function that works on requests. Business time but where it says real.
 */
export const requestRules = z.object({
  queueTimeoutMs: count(),
  laneHoldMs: count(),
  resultTimeoutMs: count(),
  actionTimeoutMs: count(),
  unknownHoldMs: count(),
  unknownTimeoutMs: count(),
  firstPollMs: count(),
  scheduleLeadMs: count(),
  scheduleMaxMs: count(),
  /** The gap of accounts that have none of their own. */
  paceMs: z.tuple([count(), count()]),
  rateLimitPauseMs: count(),
  accountWaitingLimit: count(),
  clientRequestsPerSecond: count(),
  idempotencyMs: count(),
  retentionMs: count(),
  /** How long (real) the writer of an event has to publish it before `reconcile` does. */
  outboxGraceMs: count(),
  /** Real. */
  submitTimeoutMs: count(),
  /** Real. */
  laneLeaseMs: count(),
});

export type RequestRules = z.output<typeof requestRules>;
