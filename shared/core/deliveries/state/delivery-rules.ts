import { limits } from "../../../contracts/limits.ts";
import { DELIVERY_JITTER, type FunctionSettings } from "../../../contracts/settings.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The times and limits of deliveries. Business time unless stated otherwise. */
export type DeliveryRules = ReturnType<typeof deliveryRulesOf>;

/** Converts the settings of deliveries to milliseconds. */
export function deliveryRulesOf(settings: FunctionSettings) {
  return {
    /** From the end of an attempt to the next attempt; one less than there are attempts. */
    delaysMs: settings.deliveryDelaysSeconds
      .split(",")
      .map((seconds) => Number(seconds) * SECOND_MS),
    /** Each delay is drawn from `delaysMs` ± this part of it. */
    jitter: DELIVERY_JITTER,
    /** Real time of a POST, from the DNS lookup to the last byte. */
    timeoutMs: settings.deliveryTimeoutSeconds * SECOND_MS,
    /** Real time: a POST without a response for longer than this marks its endpoint as slow. */
    slowMs: limits.slowEndpointMs as number,
    /** Real time for which an attempt belongs to one worker. */
    leaseMs: settings.deliveryLeaseSeconds * SECOND_MS,
    /** Consecutive failures that open an endpoint's circuit. */
    breakerFailures: settings.deliveryBreakerFailures,
    /** Most concurrent workers of one endpoint. */
    workersPerEndpoint: settings.deliveryWorkersPerEndpoint,
    /** Most concurrent POSTs of one worker to one endpoint. */
    postsPerWorker: settings.deliveryPostsPerWorker,
    /** How long a delivery is kept after its last change. */
    retentionMs: settings.deliveryRetentionDays * DAY_MS,
    /** Real time in which the writer of an event publishes it before `reconcile` does. */
    outboxGraceMs: settings.outboxGraceSeconds * SECOND_MS,
  };
}
