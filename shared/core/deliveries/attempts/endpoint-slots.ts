import type { Lease } from "../../clock.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import {
  type AttemptObservation,
  acquireSlot,
  healthOf,
  isCircuitOpen,
  releaseSlot,
  withObservations,
  withSlowAttempt,
} from "../state/endpoint-health.ts";
import type { HealthStore } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";

/** Bounds the workers at each endpoint, and records how the endpoint answers (G11). */
export interface EndpointSlots {
  /**
   * Takes one of the endpoint's slots. The slot ends by `release`, or with the lease.
   *
   * @param options.hasMessageAtMaxHold whether the worker has a message that was held for the longest
   *   time allowed: an open circuit then does not reduce the number of slots to one
   * @returns the health as stored with the slot, or `unavailable`: the health that has no free slot
   * @throws DEPENDENCY_DOWN; the slot may be taken until its lease ends
   */
  acquire(
    health: EndpointHealth,
    options: { lease: Lease; hasMessageAtMaxHold: boolean },
  ): Promise<{ acquired: EndpointHealth } | { unavailable: EndpointHealth }>;

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
  onNonFatalError: (error: unknown) => void;
}

/** Conditional writes of an endpoint's health that are tried when other workers write first. */
const MAX_WRITES = 10;

export function makeEndpointSlots(deps: EndpointSlotsDeps): EndpointSlots {
  const { context, onNonFatalError } = deps;

  /**
   * Changes an endpoint's health. A refused write returns the stored health, so that the next
   * one needs no read.
   *
   * The health of an earlier endpoint of the client is replaced.
   *
   * @returns `stored`, the health as it is, if `change` returns `undefined`, the client has a
   *   later endpoint, or other workers always write first
   */
  async function update(
    read: EndpointHealth,
    change: (health: EndpointHealth) => EndpointHealth | undefined,
  ): Promise<{ written: EndpointHealth } | { stored: EndpointHealth }> {
    let stored = read;
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      if (stored.endpointNumber > read.endpointNumber) break;
      const health = healthOf(stored, read);
      const next = change(health);
      if (!next) break;
      const result = await deps.health.replace(next);
      if ("written" in result) {
        const isOpened = isCircuitOpen(next, context()) && !isCircuitOpen(health, context());
        if (isOpened) deps.onCircuitOpened(next);
        return result;
      }
      stored = result.stored;
    }
    return { stored };
  }

  async function recordObservations(
    health: EndpointHealth,
    attempts: readonly AttemptObservation[],
  ): Promise<void> {
    const hasFault = attempts.some(({ isSuccess, isSlow }) => !isSuccess || isSlow);
    // A fast success changes nothing at an endpoint that is fast: this saves a write.
    if (health.isFast && !hasFault) return;
    await update(health, (now) => withObservations(now, attempts)).catch(onNonFatalError);
  }

  return {
    async acquire(health, options) {
      const result = await update(health, (now) => acquireSlot(now, options, context()));
      return "written" in result ? { acquired: result.written } : { unavailable: result.stored };
    },

    async release(health, owner, attempts) {
      await update(health, (now) =>
        withObservations(releaseSlot(now, owner, context()), attempts),
      ).catch(onNonFatalError);
    },

    recordObservations,

    async awaitMarkingSlow(health, posting) {
      const ended = new AbortController();
      const watch = deps.sleep(context().rules.slowMs, ended.signal).then(
        async () => {
          await update(health, withSlowAttempt).catch(onNonFatalError);
        },
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
