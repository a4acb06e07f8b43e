import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { deliveryFromMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { AttemptObservation } from "../state/endpoint-health.ts";
import type { DeliveryQueue, DeliveryStore } from "../state/ports.ts";
import type { PublishDeliveryFailed } from "../state/publish-delivery-failed.ts";
import type { QueuedMessage } from "./follow-up-messages.ts";
import type { AttemptOutcome } from "./settle-attempt.ts";

export interface FinishBatchDeps {
  deliveries: DeliveryStore;
  deliveryQueue: DeliveryQueue;
  publishDeliveryFailed: PublishDeliveryFailed;
  context: () => DeliveryContext;
  /** Called with an error that does no harm: the sweep sends the messages of next attempts. */
  onNonFatalError: (error: unknown) => void;
}

export type AttemptMessageOutcome =
  | AttemptOutcome
  /** Sent to the retries queue again: the circuit of its endpoint is open. Not an attempt. */
  | { kind: "held" }
  /** Sent to the retries queue again: no slot was free, or the invocation ended. Not an attempt. */
  | { kind: "requeued" }
  /** Sent to the retries queue by a worker of the attempts queue. Not an attempt. */
  | { kind: "movedToRetries" }
  | MessageFailure;

/** The outcome of one message of a batch, and the messages that are sent because of it. */
export interface MessageResult {
  /** Position in the batch. */
  index: number;
  outcome: AttemptMessageOutcome;
  /** The delivery's next attempt. If it is not sent, the sweep sends it. */
  nextAttempt?: QueuedMessage | undefined;
  /** The message itself. If it is not sent, the message fails and SQS delivers it again. */
  requeue?: QueuedMessage | undefined;
  /** How the endpoint answered, if a POST was made. */
  observation?: AttemptObservation | undefined;
}

export type FinishBatch = (results: readonly MessageResult[]) => Promise<MessageResult[]>;

/**
 * Finishes a batch: publishes `delivery.failed` for deliveries that failed, and sends next
 * attempts and requeued messages to the retries queue, in one call.
 *
 * Returns the results with their final outcomes. Never rejects: a requeued message
 * that was not sent fails.
 */
export function makeFinishBatch(deps: FinishBatchDeps): FinishBatch {
  return async (results) => {
    const failed = results.flatMap(({ outcome }) =>
      "delivery" in outcome && outcome.delivery.unpublishedFailures.length > 0
        ? [outcome.delivery]
        : [],
    );
    const [sent] = await Promise.all([send(results), deps.publishDeliveryFailed(failed)]);
    return sent;
  };

  async function send(results: readonly MessageResult[]): Promise<MessageResult[]> {
    const stored = await Promise.all(results.map(storeUnstored));
    const messages = stored.flatMap(({ nextAttempt, requeue }) =>
      [nextAttempt, requeue].filter((one) => one !== undefined),
    );
    if (messages.length === 0) return stored;
    try {
      await deps.deliveryQueue.send("retries", messages);
      return stored;
    } catch (error) {
      const outcome = toMessageFailure(error);
      if (stored.some(({ nextAttempt }) => nextAttempt)) deps.onNonFatalError(error);
      return stored.map((result) => (result.requeue ? { ...result, outcome } : result));
    }
  }

  /** Stores a delivery that only its message holds, because messages of the retries queue contain only the id of a stored delivery. */
  async function storeUnstored(result: MessageResult): Promise<MessageResult> {
    const { index, requeue } = result;
    if (!requeue?.message.unstored) return result;
    const { unstored, ...message } = requeue.message;
    try {
      await deps.deliveries.create(deliveryFromMessage({ ...message, unstored }, deps.context()));
      return { ...result, requeue: { ...requeue, message } };
    } catch (error) {
      return { index, outcome: toMessageFailure(error) };
    }
  }
}
