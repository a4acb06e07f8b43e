import { busSafeJson, type FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import type { EventArchive } from "../../requests/state/ports.ts";
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

/** How often the note that a failure is told is tried against other writers. */
const MAX_CONFLICTS = 5;

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
    let delivery: DeliveryRecord | undefined = written;
    for (let conflict = 0; delivery && conflict < MAX_CONFLICTS; conflict++) {
      const { deliveryId } = delivery;
      const unpublishedFailures = delivery.unpublishedFailures.filter(
        (failure) => !told.has(failureId(deliveryId, failure)),
      );
      if (unpublishedFailures.length === delivery.unpublishedFailures.length) return;
      // A worker's lease, or a failure that is not told yet, is what the sweep looks at.
      const isSwept = delivery.owner !== undefined || unpublishedFailures.length > 0;
      const recoverAfterRealMs = isSwept ? delivery.recoverAfterRealMs : undefined;
      if (await deps.deliveries.replace({ ...delivery, unpublishedFailures, recoverAfterRealMs }))
        return;
      delivery = await deps.deliveries.find(deliveryId);
    }
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
