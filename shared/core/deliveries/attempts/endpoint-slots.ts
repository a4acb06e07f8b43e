import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { acquireSlot, isCircuitOpen, releaseSlot, type Seen } from "../state/endpoint-health.ts";
import type { HealthStore } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";

/** Writers of one endpoint's health that may come in between before we give up. */
const MAX_CONFLICTS = 10;

export type EndpointConcurrency = ReturnType<typeof makeEndpointConcurrency>;

/** Who is at which endpoint, and how it does: bounded, whatever it does (G11). */
export function makeEndpointConcurrency(deps: {
  health: HealthStore;
  context: () => DeliveryContext;
  /** Told of an endpoint whose deliveries are held back from now on. */
  opened: (health: EndpointHealth) => void;
  dropped: (error: unknown) => void;
}) {
  async function write(
    before: EndpointHealth,
    change: (health: EndpointHealth) => EndpointHealth | undefined,
  ): Promise<{ written: EndpointHealth } | { refusedBy: EndpointHealth }> {
    let current = before;
    for (let conflict = 0; conflict < MAX_CONFLICTS; conflict++) {
      const next = change(current);
      if (!next) return { refusedBy: current };
      const result = await deps.health.replace(next);
      if ("written" in result) {
        const context = deps.context();
        if (isCircuitOpen(next, context) && !isCircuitOpen(current, context)) deps.opened(next);
        return result;
      }
      current = result.stored;
      // Its client has another webhook by now.
      if (current.webhookId !== before.webhookId) break;
    }
    return { refusedBy: current };
  }

  return {
    /**
     * Takes one of the endpoint's places for workers. It ends by `leave`, or with the lease.
     *
     * @returns the health as it is now, or by which it was refused
     * @throws DEPENDENCY_DOWN
     */
    acquire: (health: EndpointHealth, of: { lease: Lease; isOverdue: boolean }) =>
      write(health, (now) => acquireSlot(now, of, deps.context())),

    /** Gives the place back and tells what was seen. Never throws: a place ends by itself. */
    async release(health: EndpointHealth, owner: string, seen: Seen): Promise<void> {
      await write(health, (now) => releaseSlot(now, owner, seen, deps.context())).catch(
        deps.dropped,
      );
    },

    /** Tells what a worker saw that took no place; nothing is written where nothing is new. */
    async recordResult(health: EndpointHealth, seen: Seen): Promise<void> {
      const isNews = seen.attempts.some(({ isSuccess, isSlow }) => !isSuccess || isSlow);
      if (!isNews && health.isFast) return;
      await write(health, (now) => releaseSlot(now, "", seen, deps.context())).catch(deps.dropped);
    },
  };
}
