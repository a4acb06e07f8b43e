import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { EndpointHealth } from "./record.ts";

/** What a worker saw of an endpoint, attempt by attempt in the order in which they ended. */
export interface Seen {
  /** Whether each succeeded, and whether it took longer than an endpoint should. */
  attempts: { isSuccess: boolean; isSlow: boolean }[];
}

/** What is stored of this webhook's endpoint; one that nobody has been at has to prove itself. */
export function healthOf(
  stored: EndpointHealth | undefined,
  of: { clientId: string; webhookId: string },
): EndpointHealth {
  if (stored?.webhookId === of.webhookId) return stored;
  const { clientId, webhookId } = of;
  const version = stored?.version ?? 0;
  return {
    clientId,
    webhookId,
    isFast: false,
    promptSuccessesNeeded: 1,
    failures: 0,
    workers: {},
    version,
  };
}

/** Whether its deliveries are held back: it has failed too often in a row. */
export function isCircuitOpen(
  { failures }: EndpointHealth,
  { rules }: Pick<DeliveryContext, "rules">,
): boolean {
  return failures >= rules.breakerFailures;
}

/**
 * With one worker more at it, or `undefined` where there are as many as it may have.
 *
 * @param isOverdue what the worker brings was held back for as long as it may be
 */
export function acquireSlot(
  health: EndpointHealth,
  { lease, isOverdue }: { lease: Lease; isOverdue: boolean },
  context: DeliveryContext,
): EndpointHealth | undefined {
  const alive = Object.entries(health.workers).filter(
    ([owner, untilMs]) => untilMs > context.nowRealMs && owner !== lease.owner,
  );
  // One that fails is tried by one worker alone, but what is overdue does not wait for that one.
  const most = isCircuitOpen(health, context) && !isOverdue ? 1 : context.rules.workersPerEndpoint;
  if (alive.length >= most) return undefined;
  return { ...health, workers: Object.fromEntries([...alive, [lease.owner, lease.untilMs]]) };
}

/**
 * An endpoint that was slow or failed has to succeed promptly so often before its
 * deliveries go the quick way again: one that comes and goes is not trusted.
 */
const TO_PROVE_AGAIN = 20;

/** Without that worker, and with what it saw. */
export function releaseSlot(
  health: EndpointHealth,
  owner: string,
  { attempts }: Seen,
  { nowRealMs }: DeliveryContext,
): EndpointHealth {
  const workers = Object.fromEntries(
    Object.entries(health.workers).filter(([one, untilMs]) => one !== owner && untilMs > nowRealMs),
  );
  if (attempts.length === 0) return { ...health, workers };
  const lastSuccess = attempts.findLastIndex(({ isSuccess }) => isSuccess);
  const failures =
    lastSuccess === -1 ? health.failures + attempts.length : attempts.length - 1 - lastSuccess;
  const lastBad = attempts.findLastIndex(({ isSuccess, isSlow }) => !isSuccess || isSlow);
  const lacking = lastBad === -1 ? health.promptSuccessesNeeded : TO_PROVE_AGAIN;
  const promptSuccessesNeeded = Math.max(0, lacking - (attempts.length - 1 - lastBad));
  return {
    ...health,
    workers,
    failures,
    isFast: promptSuccessesNeeded === 0,
    promptSuccessesNeeded,
  };
}
