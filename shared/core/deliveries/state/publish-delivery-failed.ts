import { busSafeJson, type FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import { toPublishFailure } from "../../events/publish-failure.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import type { EventArchive } from "../../requests/state/ports.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { DeliveryStore } from "./ports.ts";
import type { DeliveryRecord, UnpublishedFailure } from "./record.ts";

export interface PublishDeliveryFailedDeps {
  deliveries: DeliveryStore;
  publisher: EventPublisher;
  archive: EventArchive;
  context: () => DeliveryContext;
  /**
   * Counts failures and writes the metric. Called before the failures are recorded as
   * published, so that a crash cannot lose a count.
   */
  onDeliveriesFailed: (failures: number) => void;
}

export interface PublishDeliveryFailedResult {
  /** Count of failures, not of deliveries. */
  published: number;
  /** Why failures stay unpublished in the store, one for each. The sweep tries again. */
  failures: MessageFailure[];
}

/** Publishes the unpublished failures of these deliveries. */
export type PublishDeliveryFailed = (
  deliveries: readonly DeliveryRecord[],
) => Promise<PublishDeliveryFailedResult>;

/** Attempts to record a published failure when other writers come first. */
const MAX_ATTEMPTS = 5;

/**
 * Puts `delivery.failed` of these deliveries on the bus and into the event archive, counts
 * the failures, and records that they are published (G6).
 *
 * Never rejects. A failure that is not published, or not recorded as published, is
 * published again by the sweep, with the same id and the same bytes. A delivery that cannot be
 * written does not affect the others, which are recorded when this returns.
 */
export function makePublishDeliveryFailed(deps: PublishDeliveryFailedDeps): PublishDeliveryFailed {
  return async (deliveries) => {
    const pending = deliveries.flatMap((delivery) =>
      delivery.unpublishedFailures.map((failure) => ({
        delivery,
        event: failureEvent(delivery, failure),
      })),
    );
    if (pending.length === 0) return { published: 0, failures: [] };
    try {
      const results = await deps.publisher.publish(pending.map(({ event }) => event));
      const published = pending.filter((_, index) => results[index]?.ok);
      const failures = pending.flatMap((_, index) => {
        const result = results[index];
        return result?.ok ? [] : toPublishFailure(result);
      });
      await deps.archive.store(published.map(({ event }) => event));
      if (published.length > 0) deps.onDeliveriesFailed(published.length);
      const byDelivery = Map.groupBy(published, ({ delivery }) => delivery);
      const recorded = await Promise.all(
        [...byDelivery].map(async ([delivery, own]): Promise<MessageFailure[]> => {
          try {
            await recordPublished(delivery, new Set(own.map(({ event }) => event.id)));
            return [];
          } catch (error) {
            const failure = toMessageFailure(error);
            return own.map(() => failure);
          }
        }),
      );
      const unrecorded = recorded.flat();
      return {
        published: published.length - unrecorded.length,
        failures: [...failures, ...unrecorded],
      };
    } catch (error) {
      const failure = toMessageFailure(error);
      return { published: 0, failures: pending.map(() => failure) };
    }
  };

  async function recordPublished(
    delivery: DeliveryRecord,
    eventIds: ReadonlySet<string>,
  ): Promise<void> {
    const { deliveryId } = delivery;
    await retryOnConflict({
      known: delivery,
      find: () => deps.deliveries.find(deliveryId),
      decide(current) {
        const unpublishedFailures = current.unpublishedFailures.filter(
          (failure) => !eventIds.has(failureId(deliveryId, failure)),
        );
        if (unpublishedFailures.length === current.unpublishedFailures.length) return undefined;
        const sweepAtRealMs = unpublishedFailures.length > 0 ? current.sweepAtRealMs : undefined;
        return { ...current, unpublishedFailures, sweepAtRealMs };
      },
      replace: (next) => deps.deliveries.replace(next),
      maxAttempts: MAX_ATTEMPTS,
    });
  }
}

const failureId = (deliveryId: string, { cycle }: UnpublishedFailure) =>
  `delivery.failed:${deliveryId}:${cycle}`;

/** Built from the stored delivery only, so that every publisher sends the same bytes. */
function failureEvent(
  { deliveryId, clientId, eventId, eventType, webhookId }: DeliveryRecord,
  failure: UnpublishedFailure,
): FinalEvent {
  const { cycle, attemptCount: attempts, reason, atMs } = failure;
  const id = failureId(deliveryId, failure);
  const envelope = busSafeJson({
    id,
    type: "delivery.failed",
    createdAt: new Date(atMs).toISOString(),
    data: { deliveryId, eventId, eventType, webhookId, cycle, attempts, reason },
  });
  return { id, type: "delivery.failed", clientId, envelope };
}
