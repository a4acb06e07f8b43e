import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { EndpointHealth } from "./record.ts";

/** How an endpoint answered one attempt. */
export interface AttemptObservation {
  isSuccess: boolean;
  /** The answer took longer than `rules.slowMs`. */
  isSlow: boolean;
}

/** An endpoint: a webhook and a counter of its URL's changes. */
export type Endpoint = Pick<EndpointHealth, "clientId" | "webhookId" | "endpointNumber">;

/**
 * Returns the stored health if it is of this endpoint. A new endpoint is not fast: it
 * needs one fast success.
 */
export function healthOf(stored: EndpointHealth | undefined, endpoint: Endpoint): EndpointHealth {
  const { clientId, webhookId, endpointNumber } = endpoint;
  if (stored?.webhookId === webhookId && stored.endpointNumber === endpointNumber) return stored;
  const version = stored?.version ?? 0;
  return {
    clientId,
    webhookId,
    endpointNumber,
    isFast: false,
    fastSuccessesNeeded: 1,
    consecutiveFailures: 0,
    slots: {},
    version,
  };
}

/** Whether the circuit breaker is open: the endpoint failed `rules.breakerFailures` times in a row. */
export function isCircuitOpen(
  { consecutiveFailures }: Pick<EndpointHealth, "consecutiveFailures">,
  { rules }: Pick<DeliveryContext, "rules">,
): boolean {
  return consecutiveFailures >= rules.breakerFailures;
}

/**
 * Takes one of the endpoint's slots until the lease ends.
 *
 * An endpoint has `rules.workersPerEndpoint` slots. While its circuit is open it has
 * one (half-open), unless the worker has a message that was held for the longest time allowed.
 *
 * @param hasMessageAtMaxHold whether the worker has a message that was held for the longest time allowed
 * @returns `undefined` if all slots are taken
 */
export function acquireSlot(
  health: EndpointHealth,
  { lease, hasMessageAtMaxHold }: { lease: Lease; hasMessageAtMaxHold: boolean },
  context: DeliveryContext,
): EndpointHealth | undefined {
  const alive = Object.entries(health.slots).filter(
    ([owner, untilMs]) => untilMs > context.nowRealMs && owner !== lease.owner,
  );
  const isHalfOpen = isCircuitOpen(health, context) && !hasMessageAtMaxHold;
  const slots = isHalfOpen ? 1 : context.rules.workersPerEndpoint;
  if (alive.length >= slots) return undefined;
  return { ...health, slots: Object.fromEntries([...alive, [lease.owner, lease.untilMs]]) };
}

/** Gives a worker's slot back, and drops slots whose lease has ended. */
export function releaseSlot(
  health: EndpointHealth,
  owner: string,
  { nowRealMs }: DeliveryContext,
): EndpointHealth {
  const others = Object.entries(health.slots).filter(
    ([one, untilMs]) => one !== owner && untilMs > nowRealMs,
  );
  return { ...health, slots: Object.fromEntries(others) };
}

/**
 * Fast successes in a row after which an endpoint that failed or was slow counts as
 * fast again. One is not enough: an endpoint that changes often stays in the retries queue.
 */
const FAST_SUCCESSES_AFTER_A_FAULT = 20;

/** Applies an attempt that is slow and has not ended: whether it succeeds is not known yet. */
export function withSlowAttempt(health: EndpointHealth): EndpointHealth {
  return { ...health, isFast: false, fastSuccessesNeeded: FAST_SUCCESSES_AFTER_A_FAULT };
}

/**
 * Applies attempts to an endpoint's health.
 *
 * @param attempts in the order in which they ended
 */
export function withObservations(
  health: EndpointHealth,
  attempts: readonly AttemptObservation[],
): EndpointHealth {
  if (attempts.length === 0) return health;
  const lastSuccess = attempts.findLastIndex(({ isSuccess }) => isSuccess);
  const failuresAtEnd = attempts.length - 1 - lastSuccess;
  const consecutiveFailures =
    lastSuccess === -1 ? health.consecutiveFailures + failuresAtEnd : failuresAtEnd;
  const lastFault = attempts.findLastIndex(({ isSuccess, isSlow }) => !isSuccess || isSlow);
  const needed = lastFault === -1 ? health.fastSuccessesNeeded : FAST_SUCCESSES_AFTER_A_FAULT;
  const fastSuccessesNeeded = Math.max(0, needed - (attempts.length - 1 - lastFault));
  return {
    ...health,
    consecutiveFailures,
    isFast: fastSuccessesNeeded === 0,
    fastSuccessesNeeded,
  };
}
