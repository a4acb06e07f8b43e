import type { WebhookItem } from "../../../contracts/config-items.ts";
import { limits } from "../../../contracts/limits.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { masterKeysOf, type ReadMasterKeys } from "../signing/master-keys-of.ts";
import { toAttemptMessage, toInlineAttemptMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { inputKeysOf } from "../state/delivery-inputs-cache.ts";
import { endDelivery } from "../state/delivery-state.ts";
import { healthOf, isCircuitOpen } from "../state/endpoint-health.ts";
import type {
  AttemptQueue,
  DeliveryInputs,
  DeliveryInputsReader,
  DeliveryQueue,
  DeliveryStore,
} from "../state/ports.ts";
import type { PublishFailures } from "../state/publish-failures.ts";
import type { DeliveryRecord } from "../state/record.ts";
import { formatCarries } from "./body.ts";
import { newDelivery } from "./new-delivery.ts";
import { type BusEvent, readBusMessage } from "./read-bus-message.ts";

export interface CreateDeliveriesDeps {
  inputs: DeliveryInputsReader;
  deliveries: DeliveryStore;
  queue: DeliveryQueue;
  publishFailures: PublishFailures;
  masterKeys: ReadMasterKeys;
  context: () => DeliveryContext;
}

export type CreateOutcome =
  | { kind: "created"; deliveryId: string }
  /** Nobody asked for it. */
  | { kind: "ineligible" }
  | MessageFailure;

/** What one event leads to: a delivery, and the message of its first attempt where it needs one. */
interface Made {
  kind: "made";
  delivery: DeliveryRecord;
  first?: { lane: AttemptQueue; message: AttemptMessage };
}

/**
 * Makes a delivery of each event whose client wants it, and sends its first
 * attempt on its way. Answers for each message, in order; one that fails never
 * holds up its neighbours, and one that comes twice changes nothing.
 */
export type CreateDeliveries = (bodies: readonly string[]) => Promise<CreateOutcome[]>;

export function makeCreateDeliveries(deps: CreateDeliveriesDeps): CreateDeliveries {
  return async (bodies: readonly string[]): Promise<CreateOutcome[]> => {
    const events = bodies.map(read);
    const facts = await deps.inputs
      .read(inputKeysOf(events.filter((one) => "type" in one)))
      .catch(toMessageFailure);
    const made = await Promise.all(
      events.map((one) => {
        if (!("type" in one)) return one;
        return "kind" in facts ? facts : make(one, facts).catch(toMessageFailure);
      }),
    );
    const fault = await send(made.flatMap((one) => (one.kind === "made" ? (one.first ?? []) : [])));
    await deps.publishFailures(
      made.flatMap((one) =>
        one.kind === "made" && one.delivery.unpublishedFailures.length > 0 ? [one.delivery] : [],
      ),
    );
    return made.map((one) => {
      if (one.kind !== "made") return one;
      if (fault && one.first) return fault;
      return { kind: "created", deliveryId: one.delivery.deliveryId };
    });
  };

  async function make(event: BusEvent, facts: DeliveryInputs): Promise<Made | CreateOutcome> {
    const webhook = facts.webhooks.get(event.clientId);
    if (!webhook || !wants(webhook, event)) return { kind: "ineligible" };
    const context = deps.context();
    const master = await masterKeysOf(webhook, deps.masterKeys);
    const delivery = newDelivery(webhook, event, { master, context });
    if (event.requestId && facts.cancelledRequests.has(event.requestId)) {
      return store(endDelivery(delivery, "cancelled", "request_cancelled", context));
    }
    if (webhook.status === "disabled") {
      return store(endDelivery(delivery, "failed", "disabled", context));
    }
    const body = inlineOf(delivery);
    if (body === undefined || !isFast(delivery, facts)) return store(delivery);
    // Its first attempt, which comes at once, stores it.
    const message = toInlineAttemptMessage(delivery, { eventType: event.type, body });
    return { kind: "made", delivery, first: { lane: "attempts", message } };
  }

  async function store(delivery: DeliveryRecord): Promise<Made> {
    const met = await deps.deliveries.create(delivery);
    const stored = met === "created" ? { ...delivery, version: 1 } : met;
    const { status, cycle, attemptsInCycle } = stored;
    // New, or made by a worker that died before it sent the first attempt on its way.
    const isFirst = status === "waiting" && cycle === 1 && attemptsInCycle === 0;
    const first = { lane: "retries", message: toAttemptMessage(stored) } as const;
    return { kind: "made", delivery: stored, ...(isFirst ? { first } : {}) };
  }

  /** In as few calls as there are queues; gives what every message must be told that was not sent. */
  async function send(
    firsts: readonly NonNullable<Made["first"]>[],
  ): Promise<MessageFailure | undefined> {
    const byLane = Map.groupBy(firsts, ({ lane }) => lane);
    const sent = await Promise.allSettled(
      [...byLane].map(([lane, ofLane]) => deps.queue.send(lane, ofLane)),
    );
    const fault = sent.find((one) => one.status === "rejected");
    return fault && toMessageFailure(fault.reason);
  }

  /** An endpoint that answers promptly is not kept waiting by those that do not. */
  function isFast({ clientId, webhookId }: DeliveryRecord, facts: DeliveryInputs): boolean {
    const health = healthOf(facts.health.get(clientId), { clientId, webhookId });
    return health.isFast && !isCircuitOpen(health, deps.context());
  }
}

/** The body where a message carries it. */
function inlineOf({ body }: DeliveryRecord): string | undefined {
  const text = "inline" in body ? body.inline : undefined;
  return text !== undefined && Buffer.byteLength(text) <= limits.maxInlineBytes ? text : undefined;
}

function wants({ status, format, eventTypes }: WebhookItem, { type }: BusEvent): boolean {
  const isChosen = eventTypes === undefined || eventTypes.includes(type);
  return status !== "deleted" && isChosen && formatCarries(format, type);
}

function read(body: string): BusEvent | CreateOutcome {
  try {
    return readBusMessage(body) ?? { kind: "ineligible" };
  } catch (error) {
    return toMessageFailure(error);
  }
}
