import * as z from "zod/mini";

const count = () => z.number().check(z.int(), z.gte(0));

/** The shortest and the longest gap between two submissions of one account (business time). */
const pace = z.object({ minGapMs: count(), maxGapMs: count() });

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
  /** Of accounts that have no pace of their own. */
  pace,
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

export type Pace = z.output<typeof pace>;
export type RequestRules = z.output<typeof requestRules>;
