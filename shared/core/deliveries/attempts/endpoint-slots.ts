import type { Lease } from "../../clock.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { acquireSlot, isCircuitOpen, releaseSlot, type Seen } from "../state/endpoint-health.ts";
import type { HealthStore } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";

/** Attempts to write an endpoint's health when other workers come first. */
const MAX_ATTEMPTS = 10;

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
    // A refused write returns what is stored, so that no attempt needs a read.
    let stored = before;
    const result = await retryOnConflict({
      // The client may have replaced its webhook: then there is no such endpoint any more.
      find: async () => (stored.webhookId === before.webhookId ? stored : undefined),
      decide: change,
      async replace(next, current) {
        const written = await deps.health.replace(next);
        if ("stored" in written) {
          stored = written.stored;
          return undefined;
        }
        const context = deps.context();
        if (isCircuitOpen(next, context) && !isCircuitOpen(current, context)) deps.opened(next);
        return written;
      },
      maxAttempts: MAX_ATTEMPTS,
    });
    return result.kind === "written" ? result.written : { refusedBy: stored };
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
