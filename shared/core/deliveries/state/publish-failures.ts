import { busSafeJson, type FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import type { EventArchive } from "../../requests/state/ports.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { DeliveryStore } from "./ports.ts";
import type { DeliveryRecord, UnpublishedFailure } from "./record.ts";

export interface TellFailuresDeps {
  deliveries: DeliveryStore;
  publisher: EventPublisher;
  archive: EventArchive;
  context: () => DeliveryContext;
  /** Counts so many failures, durably, before they count as told: an alarm is never missed. */
  counted: (failures: number) => void;
}

export interface ToldFailures {
  told: number;
  /** They stay unheard, and `reconcile` tries again. */
  untold: number;
}

/** Attempts to record a published failure when other writers come first. */
const MAX_ATTEMPTS = 5;

export type PublishFailures = ReturnType<typeof makePublishFailures>;

/**
 * Puts `delivery.failed` of these deliveries on the bus, counts them, and notes
 * it (G6). Never throws: what is not told, or not noted, is told again by the
 * sweep, with the same id and bytes.
 */
export function makePublishFailures(deps: TellFailuresDeps) {
  return async (deliveries: readonly DeliveryRecord[]): Promise<ToldFailures> => {
    const update = deliveries.flatMap((delivery) =>
      delivery.unpublishedFailures.map((failure) => ({
        delivery,
        event: failureEvent(delivery, failure),
      })),
    );
    if (update.length === 0) return { told: 0, untold: 0 };
    try {
      const results = await deps.publisher.publish(update.map(({ event }) => event));
      const told = update.filter((_, index) => results[index]?.ok);
      await deps.archive.store(told.map(({ event }) => event));
      if (told.length > 0) deps.counted(told.length);
      const ids = new Set(told.map(({ event }) => event.id));
      await Promise.all(
        [...new Set(told.map(({ delivery }) => delivery))].map((one) => noteTold(one, ids)),
      );
      return { told: told.length, untold: update.length - told.length };
    } catch {
      return { told: 0, untold: update.length };
    }
  };

  async function noteTold(written: DeliveryRecord, told: ReadonlySet<string>): Promise<void> {
    const { deliveryId } = written;
    await retryOnConflict({
      known: written,
      find: () => deps.deliveries.find(deliveryId),
      decide(delivery) {
        const unpublishedFailures = delivery.unpublishedFailures.filter(
          (failure) => !told.has(failureId(deliveryId, failure)),
        );
        if (unpublishedFailures.length === delivery.unpublishedFailures.length) return undefined;
        // The sweep recovers expired leases and failures that are not published yet.
        const isSwept = delivery.owner !== undefined || unpublishedFailures.length > 0;
        const recoverAfterRealMs = isSwept ? delivery.recoverAfterRealMs : undefined;
        return { ...delivery, unpublishedFailures, recoverAfterRealMs };
      },
      replace: (delivery) => deps.deliveries.replace(delivery),
      maxAttempts: MAX_ATTEMPTS,
    });
  }
}

const failureId = (deliveryId: string, { cycle }: UnpublishedFailure) =>
  `delivery.failed:${deliveryId}:${cycle}`;

/** Made from the stored delivery alone: whoever tells it tells the same bytes. */
function failureEvent(
  { deliveryId, clientId, eventId, eventType, webhookId }: DeliveryRecord,
  failure: UnpublishedFailure,
): FinalEvent {
  const { cycle, attempts, reason, atMs } = failure;
  const id = failureId(deliveryId, failure);
  const envelope = busSafeJson({
    id,
    type: "delivery.failed",
    createdAt: new Date(atMs).toISOString(),
    data: { deliveryId, eventId, eventType, webhookId, cycle, attempts, reason },
  });
  return { id, type: "delivery.failed", clientId, envelope };
}
