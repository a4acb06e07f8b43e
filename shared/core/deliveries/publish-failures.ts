import { busText, type FinalEvent } from "../events/envelope.ts";
import type { EventPublisher } from "../ports.ts";
import type { EventArchive } from "../requests/ports.ts";
import type { DeliveryMoment } from "./moment.ts";
import type { DeliveryStore } from "./ports.ts";
import type { DeliveryRecord, UnheardFailure } from "./record.ts";

export interface TellFailuresDeps {
  deliveries: DeliveryStore;
  publisher: EventPublisher;
  archive: EventArchive;
  moment: () => DeliveryMoment;
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

export type TellFailures = ReturnType<typeof makeTellFailures>;

/**
 * Puts `delivery.failed` of these deliveries on the bus, counts them, and notes
 * it (G6). Never throws: what is not told, or not noted, is told again by the
 * sweep, with the same id and bytes.
 */
export function makeTellFailures(deps: TellFailuresDeps) {
  return async (deliveries: readonly DeliveryRecord[]): Promise<ToldFailures> => {
    const news = deliveries.flatMap((delivery) =>
      delivery.unheard.map((failure) => ({ delivery, event: failureEvent(delivery, failure) })),
    );
    if (news.length === 0) return { told: 0, untold: 0 };
    try {
      const results = await deps.publisher.publish(news.map(({ event }) => event));
      const told = news.filter((_, index) => results[index]?.ok);
      await deps.archive.store(told.map(({ event }) => event));
      if (told.length > 0) deps.counted(told.length);
      const ids = new Set(told.map(({ event }) => event.id));
      await Promise.all(
        [...new Set(told.map(({ delivery }) => delivery))].map((one) => noteTold(one, ids)),
      );
      return { told: told.length, untold: news.length - told.length };
    } catch {
      return { told: 0, untold: news.length };
    }
  };

  async function noteTold(written: DeliveryRecord, told: ReadonlySet<string>): Promise<void> {
    let delivery: DeliveryRecord | undefined = written;
    for (let conflict = 0; delivery && conflict < MAX_CONFLICTS; conflict++) {
      const { deliveryId } = delivery;
      const unheard = delivery.unheard.filter(
        (failure) => !told.has(failureId(deliveryId, failure)),
      );
      if (unheard.length === delivery.unheard.length) return;
      // A worker's lease, or a failure that is not told yet, is what the sweep looks at.
      const isSwept = delivery.owner !== undefined || unheard.length > 0;
      const sweepRealMs = isSwept ? delivery.sweepRealMs : undefined;
      if (await deps.deliveries.replace({ ...delivery, unheard, sweepRealMs })) return;
      delivery = await deps.deliveries.find(deliveryId);
    }
  }
}

const failureId = (deliveryId: string, { cycle }: UnheardFailure) =>
  `delivery.failed:${deliveryId}:${cycle}`;

/** Made from the stored delivery alone: whoever tells it tells the same bytes. */
function failureEvent(
  { deliveryId, clientId, eventId, eventType, webhookId }: DeliveryRecord,
  failure: UnheardFailure,
): FinalEvent {
  const { cycle, attempts, reason, atMs } = failure;
  const id = failureId(deliveryId, failure);
  const envelope = busText({
    id,
    type: "delivery.failed",
    createdAt: new Date(atMs).toISOString(),
    data: { deliveryId, eventId, eventType, webhookId, cycle, attempts, reason },
  });
  return { id, type: "delivery.failed", clientId, envelope };
}
