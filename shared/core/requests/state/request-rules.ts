import type { FunctionSettings } from "../../../contracts/settings.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The times and limits of requests. Business time unless stated otherwise. */
export type RequestRules = ReturnType<typeof requestRulesOf>;

/** The shortest and the longest gap between two submissions of one account (business time). */
export interface Pace {
  minGapMs: number;
  maxGapMs: number;
}

/** Converts the settings of requests to milliseconds. */
export function requestRulesOf(settings: FunctionSettings) {
  return {
    queueTimeoutMs: settings.queueTimeoutSeconds * SECOND_MS,
    laneHoldMs: settings.laneHoldSeconds * SECOND_MS,
    resultTimeoutMs: settings.resultTimeoutSeconds * SECOND_MS,
    pendingCapMs: settings.pendingCapDays * DAY_MS,
    actionTimeoutMs: settings.actionTimeoutSeconds * SECOND_MS,
    unknownHoldMs: settings.unknownHoldSeconds * SECOND_MS,
    unknownTimeoutMs: settings.unknownTimeoutSeconds * SECOND_MS,
    firstPollMs: settings.firstPollSeconds * SECOND_MS,
    scheduleLeadMs: settings.scheduleLeadSeconds * SECOND_MS,
    scheduleMaxMs: settings.scheduleMaxDays * DAY_MS,
    /** The gap between submissions of an account that has no pace of its own. */
    pace: {
      minGapMs: settings.paceMinSeconds * SECOND_MS,
      maxGapMs: settings.paceMaxSeconds * SECOND_MS,
    } satisfies Pace,
    /** The limits of an account that has chosen none. */
    defaultPreset: settings.defaultPreset,
    rateLimitPauseMs: settings.rateLimitPauseSeconds * SECOND_MS,
    accountWaitingLimit: settings.accountWaitingLimit,
    /** Per second of real time. */
    clientRequestsPerSecond: settings.clientRequestsPerSecond,
    idempotencyMs: settings.idempotencyHours * HOUR_MS,
    retentionMs: settings.requestRetentionDays * DAY_MS,
    /**
     * How long a provider's id is known after it was last written: until the request that it
     * belongs to is forgotten, however late that ends.
     */
    referenceRetentionMs:
      settings.requestRetentionDays * DAY_MS +
      Math.max(settings.resultTimeoutSeconds * SECOND_MS, settings.pendingCapDays * DAY_MS) +
      (settings.actionTimeoutSeconds + settings.unknownTimeoutSeconds) * SECOND_MS,
    /**
     * How long an event is known that may release or stop a dependent request: as long as such a
     * request may wait to be submitted.
     */
    correlationRetentionMs:
      settings.scheduleMaxDays * DAY_MS +
      (settings.queueTimeoutSeconds + settings.unknownTimeoutSeconds) * SECOND_MS,
    /** Real time in which the writer of an event publishes it before `reconcile` does. */
    outboxGraceMs: settings.outboxGraceSeconds * SECOND_MS,
    /** Real time. */
    submitTimeoutMs: settings.submitTimeoutSeconds * SECOND_MS,
    /** Real time. */
    laneLeaseMs: settings.laneLeaseSeconds * SECOND_MS,
  };
}
