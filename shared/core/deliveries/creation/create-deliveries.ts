import type { WebhookItem } from "../../../contracts/config-items.ts";
import { limits } from "../../../contracts/limits.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { type FetchMasterKeys, requireMasterKeys } from "../signing/signing.ts";
import { toAttemptMessage, toUnstoredAttemptMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { inputKeysOf } from "../state/delivery-inputs-cache.ts";
import { endDelivery } from "../state/delivery-state.ts";
import { healthOf, isCircuitOpen } from "../state/endpoint-health.ts";
import type {
  AttemptQueueName,
  DeliveryInputs,
  DeliveryInputsReader,
  DeliveryQueue,
  DeliveryStore,
} from "../state/ports.ts";
import type { PublishDeliveryFailed } from "../state/publish-delivery-failed.ts";
import type { DeliveryRecord } from "../state/record.ts";
import { isSubscribed } from "./body.ts";
import { newDelivery } from "./new-delivery.ts";
import { type BusEvent, readBusMessage } from "./read-bus-message.ts";

export interface CreateDeliveriesDeps {
  inputs: DeliveryInputsReader;
  deliveries: DeliveryStore;
  deliveryQueue: DeliveryQueue;
  publishDeliveryFailed: PublishDeliveryFailed;
  masterKeys: FetchMasterKeys;
  context: () => DeliveryContext;
}

export type CreateOutcome =
  | { kind: "created"; deliveryId: string }
  /** The client has no webhook that is subscribed to this type. */
  | { kind: "notSubscribed" }
  | MessageFailure;

/** The delivery of one event before its message is sent; `firstAttempt` is absent if none must be sent. */
interface PendingDelivery {
  kind: "pending";
  delivery: DeliveryRecord;
  firstAttempt?: { queue: AttemptQueueName; message: AttemptMessage };
}

/** @param bodies the bodies of messages of the events queue (`fanout`) */
export type CreateDeliveries = (bodies: readonly string[]) => Promise<CreateOutcome[]>;

/**
 * Creates a delivery for each event to which the client's webhook is subscribed, and
 * sends the message of its first attempt.
 *
 * Returns one outcome for each message, in order. A message that fails does not affect
 * the others, and a repeated message changes nothing.
 */
export function makeCreateDeliveries(deps: CreateDeliveriesDeps): CreateDeliveries {
  return async (bodies) => {
    const events = bodies.map(readEvent);
    const inputs = await deps.inputs
      .read(inputKeysOf(events.flatMap((one) => (one.kind === "event" ? [one.event] : []))))
      .catch(toMessageFailure);
    const results = await Promise.all(
      events.map((one) => {
        if (one.kind !== "event") return one;
        return "kind" in inputs
          ? inputs
          : createForEvent(one.event, inputs).catch(toMessageFailure);
      }),
    );
    const pending = results.filter((one) => one.kind === "pending");
    const sendFailure = await sendFirstAttempts(
      pending.flatMap(({ firstAttempt }) => firstAttempt ?? []),
    );
    await deps.publishDeliveryFailed(
      pending.flatMap(({ delivery }) =>
        delivery.unpublishedFailures.length > 0 ? [delivery] : [],
      ),
    );
    return results.map((one) => {
      if (one.kind !== "pending") return one;
      if (sendFailure && one.firstAttempt) return sendFailure;
      return { kind: "created", deliveryId: one.delivery.deliveryId };
    });
  };

  /**
   * Creates the delivery of one event. It is stored here, unless its endpoint is fast: then
   * the message holds it, and the first attempt stores it.
   */
  async function createForEvent(
    event: BusEvent,
    inputs: DeliveryInputs,
  ): Promise<PendingDelivery | CreateOutcome> {
    const unreadable = inputs.unreadable.get(event.clientId);
    if (unreadable) throw unreadable;
    const webhook = inputs.webhooks.get(event.clientId);
    if (!webhook || !isSubscribed(webhook, event.type)) return { kind: "notSubscribed" };
    const context = deps.context();
    const master = await requireMasterKeys(webhook, deps.masterKeys);
    const delivery = newDelivery(webhook, event, { master, context });
    if (event.requestId && inputs.cancelledRequests.has(event.requestId)) {
      return store(endDelivery(delivery, "cancelled", "request_cancelled", context));
    }
    if (webhook.status === "disabled") {
      return store(endDelivery(delivery, "failed", "disabled", context));
    }
    const body = bodyForMessage(delivery);
    if (body === undefined || !hasFastEndpoint(webhook, inputs)) return store(delivery);
    const message = toUnstoredAttemptMessage(delivery, { eventType: event.type, body });
    return { kind: "pending", delivery, firstAttempt: { queue: "attempts", message } };
  }

  async function store(delivery: DeliveryRecord): Promise<PendingDelivery> {
    const created = await deps.deliveries.create(delivery);
    const stored = created === "created" ? { ...delivery, version: 1 } : created;
    const { status, cycle, attemptsInCycle } = stored;
    // New, or created by a worker that stopped before it sent the message of the first attempt.
    const needsFirstAttempt = status === "waiting" && cycle === 1 && attemptsInCycle === 0;
    const firstAttempt = { queue: "retries", message: toAttemptMessage(stored) } as const;
    return { kind: "pending", delivery: stored, ...(needsFirstAttempt ? { firstAttempt } : {}) };
  }

  /** Sends the messages of first attempts, one call for each queue. @returns the failure of all of them if a call fails */
  async function sendFirstAttempts(
    firstAttempts: readonly NonNullable<PendingDelivery["firstAttempt"]>[],
  ): Promise<MessageFailure | undefined> {
    const byQueue = Map.groupBy(firstAttempts, ({ queue }) => queue);
    const sent = await Promise.allSettled(
      [...byQueue].map(([queue, messages]) => deps.deliveryQueue.send(queue, messages)),
    );
    const rejected = sent.find((one) => one.status === "rejected");
    return rejected && toMessageFailure(rejected.reason);
  }

  function hasFastEndpoint(webhook: WebhookItem, inputs: DeliveryInputs): boolean {
    const health = healthOf(inputs.health.get(webhook.clientId), webhook);
    return health.isFast && !isCircuitOpen(health, deps.context());
  }
}

/** @returns the body if it is small enough for a message */
function bodyForMessage({ body }: DeliveryRecord): string | undefined {
  const text = "inline" in body ? body.inline : undefined;
  return text !== undefined && Buffer.byteLength(text) <= limits.maxInlineBytes ? text : undefined;
}

function readEvent(body: string): { kind: "event"; event: BusEvent } | CreateOutcome {
  try {
    const event = readBusMessage(body);
    return event ? { kind: "event", event } : { kind: "notSubscribed" };
  } catch (error) {
    return toMessageFailure(error);
  }
}
