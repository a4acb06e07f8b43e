import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { hasReachedMaxHold } from "../state/attempt-message.ts";
import type { DeliveryRules } from "../state/delivery-rules.ts";
import { healthOf, isCircuitOpen } from "../state/endpoint-health.ts";
import type { AttemptQueueName, DeliveryInputs } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";

/** A message and its position in the batch, so that outcomes are returned in order. */
export interface IndexedMessage {
  index: number;
  message: AttemptMessage;
}

/** The messages of one batch that are for the same webhook. */
export interface EndpointBatch {
  messages: readonly IndexedMessage[];
  /** Absent: it is not the client's current webhook, or that could not be read, so that no POST is made. */
  health?: EndpointHealth | undefined;
}

/** A batch of this size suggests that more messages wait: it is as many as one SQS receive returns. */
const FULL_BATCH_SIZE = 10;

/** Groups messages by webhook. The stored health may be that of an earlier endpoint of the client: it is then ignored. */
export function groupByEndpoint(
  messages: readonly AttemptMessage[],
  { webhooks, health }: Pick<DeliveryInputs, "webhooks" | "health">,
): EndpointBatch[] {
  const indexed = messages.map((message, index) => ({ index, message }));
  const byWebhook = Map.groupBy(indexed, ({ message }) => message.webhookId);
  return [...byWebhook.values()].map((ofWebhook) => {
    const [{ message }] = ofWebhook as [IndexedMessage];
    const webhook = webhooks.get(message.clientId);
    if (webhook?.webhookId !== message.webhookId) return { messages: ofWebhook };
    return { messages: ofWebhook, health: healthOf(health.get(message.clientId), webhook) };
  });
}

/**
 * Decides whether a worker of a queue attempts an endpoint's messages, and whether
 * it needs one of the endpoint's slots for that.
 *
 * Workers of the attempts queue attempt fast endpoints only and move all other
 * messages to the retries queue. A single message at a fast endpoint needs no
 * slot, which saves two writes; several messages, or a full batch, do.
 */
export function chooseQueueOrSlot(
  { messages, health }: EndpointBatch & { health: EndpointHealth },
  { queue, batchSize }: { queue: AttemptQueueName; batchSize: number },
  rules: DeliveryRules,
): "moveToRetries" | "attemptWithoutSlot" | "attemptInSlot" {
  if (queue === "retries") return "attemptInSlot";
  if (!health.isFast || isCircuitOpen(health, { rules })) return "moveToRetries";
  const needsSlot = messages.length > 1 || batchSize >= FULL_BATCH_SIZE;
  return needsSlot ? "attemptInSlot" : "attemptWithoutSlot";
}

/** What a worker does with an endpoint's messages once it may attempt them. */
export interface AttemptPlan {
  /** Attempted first. If none succeeds, `messages` are held. Empty while the circuit is closed. */
  probes: readonly IndexedMessage[];
  messages: readonly IndexedMessage[];
  /**
   * Consecutive failures so far. When they reach `rules.breakerFailures`, the remaining
   * messages are held. Absent: failures do not stop this batch.
   */
  consecutiveFailures?: number;
}

/**
 * Plans the attempts of one worker at one endpoint.
 *
 * If the endpoint's circuit is open, the worker probes it (half-open): with all
 * messages that were held for the longest time allowed, or else with one message.
 *
 * @param health as stored together with the worker's slot
 */
export function planAttempts(
  messages: readonly IndexedMessage[],
  { queue, health }: { queue: AttemptQueueName; health: EndpointHealth },
  rules: DeliveryRules,
): AttemptPlan {
  const plan = { probes: [], messages };
  if (queue === "attempts") return plan;
  if (!isCircuitOpen(health, { rules })) {
    return { ...plan, consecutiveFailures: health.consecutiveFailures };
  }
  const maxHeld = messages.filter(({ message }) => hasReachedMaxHold(message));
  const probes = maxHeld.length > 0 ? maxHeld : messages.slice(0, 1);
  return { ...plan, probes, messages: messages.filter((one) => !probes.includes(one)) };
}

/**
 * Returns the most POSTs that one worker has in flight while it probes: twice what all slots of
 * an endpoint allow while its circuit is closed.
 *
 * Normally one worker probes, with one message. Workers with messages that were held for the
 * longest time allowed probe at the same time, up to `workersPerEndpoint` of them. An endpoint
 * then gets at most `workersPerEndpoint` times this number.
 */
export function probeConcurrency({ workersPerEndpoint, postsPerWorker }: DeliveryRules): number {
  return 2 * workersPerEndpoint * postsPerWorker;
}
