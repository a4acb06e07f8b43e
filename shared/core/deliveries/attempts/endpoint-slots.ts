import type { Lease } from "../../clock.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import {
  type AttemptObservation,
  acquireSlot,
  isCircuitOpen,
  releaseSlot,
  withObservations,
} from "../state/endpoint-health.ts";
import type { HealthStore } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";

/** Bounds the workers at each endpoint, and records how the endpoint answers (G11). */
export interface EndpointSlots {
  /**
   * Takes one of the endpoint's slots. The slot ends by `release`, or with the lease.
   *
   * @param options.hasOverdue whether the worker has a message that was held for the longest
   *   time allowed: an open circuit then does not reduce the number of slots to one
   * @returns the health as stored with the slot, or the health by which the slot was refused
   * @throws DEPENDENCY_DOWN; the slot may be taken until its lease ends
   */
  acquire(
    health: EndpointHealth,
    options: { lease: Lease; hasOverdue: boolean },
  ): Promise<{ acquired: EndpointHealth } | { refusedBy: EndpointHealth }>;

  /** Gives a slot back and records the worker's attempts. Never rejects: a slot also ends with its lease. */
  release(
    health: EndpointHealth,
    owner: string,
    attempts: readonly AttemptObservation[],
  ): Promise<void>;

  /** Records the attempts of a worker without a slot, if they change the health. Never rejects. */
  recordObservations(
    health: EndpointHealth,
    attempts: readonly AttemptObservation[],
  ): Promise<void>;

  /**
   * Waits for a POST. If it takes longer than `rules.slowMs`, the endpoint is recorded as
   * slow at once, long before the POST times out.
   */
  awaitMarkingSlow<Result>(health: EndpointHealth, posting: Promise<Result>): Promise<Result>;
}

export interface EndpointSlotsDeps {
  health: HealthStore;
  context: () => DeliveryContext;
  /** Real time. Rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called when an endpoint's circuit opens: its deliveries are held from now on. */
  onCircuitOpened: (health: EndpointHealth) => void;
  /** Called with an error that does no harm. */
  onIgnoredError: (error: unknown) => void;
}

/** Attempts to write an endpoint's health when other workers come first. */
const MAX_ATTEMPTS = 10;

export function makeEndpointSlots(deps: EndpointSlotsDeps): EndpointSlots {
  const { context, onIgnoredError } = deps;

  async function write(
    before: EndpointHealth,
    decide: (health: EndpointHealth) => EndpointHealth | undefined,
  ): Promise<{ acquired: EndpointHealth } | { refusedBy: EndpointHealth }> {
    // A refused write returns what is stored, so that no attempt needs a read.
    let stored = before;
    const result = await retryOnConflict({
      // The client may have replaced its webhook: then there is no such endpoint any more.
      find: async () => (stored.webhookId === before.webhookId ? stored : undefined),
      decide,
      async replace(next, current) {
        const written = await deps.health.replace(next);
        if ("stored" in written) {
          stored = written.stored;
          return undefined;
        }
        const isOpened = isCircuitOpen(next, context()) && !isCircuitOpen(current, context());
        if (isOpened) deps.onCircuitOpened(next);
        return written.written;
      },
      maxAttempts: MAX_ATTEMPTS,
    });
    return result.kind === "written" ? { acquired: result.written } : { refusedBy: stored };
  }

  async function recordObservations(
    health: EndpointHealth,
    attempts: readonly AttemptObservation[],
  ): Promise<void> {
    const hasFault = attempts.some(({ isSuccess, isSlow }) => !isSuccess || isSlow);
    // A fast success changes nothing at an endpoint that is fast: this saves a write.
    if (health.isFast && !hasFault) return;
    await write(health, (now) => withObservations(now, attempts)).catch(onIgnoredError);
  }

  return {
    acquire: (health, options) => write(health, (now) => acquireSlot(now, options, context())),

    async release(health, owner, attempts) {
      await write(health, (now) =>
        withObservations(releaseSlot(now, owner, context()), attempts),
      ).catch(onIgnoredError);
    },

    recordObservations,

    async awaitMarkingSlow(health, posting) {
      const ended = new AbortController();
      const watch = deps.sleep(context().rules.slowMs, ended.signal).then(
        () => recordObservations(health, [{ isSuccess: true, isSlow: true }]),
        // The POST ended first.
        () => undefined,
      );
      try {
        return await posting;
      } finally {
        ended.abort();
        await watch;
      }
    },
  };
}
