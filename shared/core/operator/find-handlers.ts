import type { WebhookItem } from "../../contracts/config-items.ts";
import { type EventType, eventTypes } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import type { FoundView, StepView } from "../../contracts/http/operator/find.ts";
import { toIso } from "../clock.ts";
import { deliveryIdOf } from "../deliveries/creation/new-delivery.ts";
import type { DeliveryRecord } from "../deliveries/state/record.ts";
import type { StoredEvent } from "../events/read-events.ts";
import { parseJsonObject } from "../json/json.ts";
import { isRequestId } from "../requests/acceptance/request-id.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import type { ClientPages } from "./client-pages.ts";
import { findConfigured } from "./find-configured.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";
import {
  inOrder,
  stepsOfDelivery,
  stepsOfEvent,
  stepsOfRequest,
  stepsOfWebhooks,
} from "./story.ts";

const nothingFound =
  "nothing has this id; requests, events, deliveries, webhooks, connections, clients and accounts are found by their whole ids, and requests and events also by the provider's";

/** Events of one type that one request has, such as its prompts; later ones are left out. */
const EVENTS_OF_A_TYPE = 5;
const repeatedTypes: readonly EventType[] = [
  "workflow.actionRequired",
  "workflow.lateResult",
  "event.unrecognised",
];
const singleTypes = eventTypes.filter((type) => !repeatedTypes.includes(type));

/** Handlers of the operation `find`. */
export function findHandlers(deps: OperatorDeps, pages: ClientPages) {
  const { requestStore, reader, deliveryStore, clock } = deps;

  /** The stored events of a request. Their ids follow from its own. */
  async function eventsOf({ requestId }: RequestRecord): Promise<StoredEvent[]> {
    const ids = [
      ...singleTypes.map((type) => `${type}:${requestId}`),
      ...repeatedTypes.flatMap((type) =>
        Array.from({ length: EVENTS_OF_A_TYPE }, (_, n) => `${type}:${requestId}:${n + 1}`),
      ),
    ];
    const found = await Promise.all(ids.map((id) => reader.find(id)));
    return found.flatMap((event) => event ?? []);
  }

  /** The deliveries of an event to its client's webhooks, the current one and earlier ones. */
  async function deliveriesOf(
    { id }: StoredEvent,
    webhook: WebhookItem | undefined,
  ): Promise<DeliveryRecord[]> {
    if (!webhook) return [];
    const webhookIds = [
      webhook.webhookId,
      ...webhook.previousWebhooks.map(({ webhookId }) => webhookId),
    ];
    const ids = webhookIds.map((webhookId) => deliveryIdOf(webhookId, id));
    const found = await Promise.all(ids.map((one) => deliveryStore.find(one)));
    return found.flatMap((delivery) => delivery ?? []);
  }

  /** The steps of a client's events, of their deliveries, and of the webhooks of these. */
  async function stepsFromEvents(
    clientId: string,
    events: readonly StoredEvent[],
  ): Promise<StepView[]> {
    const webhook = await deps.webhookStore.find(clientId);
    const found = await Promise.all(events.map((event) => deliveriesOf(event, webhook)));
    const deliveries = found.flat();
    return [
      ...events.flatMap(stepsOfEvent),
      ...stepsOfWebhooks(deliveries, webhook),
      ...deliveries.flatMap(stepsOfDelivery),
    ];
  }

  /** The story of a delivery whose event is not stored. */
  async function storyAlone(delivery: DeliveryRecord): Promise<StepView[]> {
    const webhook = await deps.webhookStore.find(delivery.clientId);
    const steps = [...stepsOfWebhooks([delivery], webhook), ...stepsOfDelivery(delivery)];
    return inOrder(steps, clock.businessMs());
  }

  async function ofRequest(request: RequestRecord): Promise<FoundView> {
    const [waits, events] = await Promise.all([deps.explainWaits([request]), eventsOf(request)]);
    const { requestId, clientId, connectionId, accountId, status, action } = request;
    const steps = [
      ...stepsOfRequest(request, waits.get(requestId)),
      ...(await stepsFromEvents(clientId, events)),
    ];
    return {
      ...{ id: requestId, kind: "request", clientId, connectionId, accountId, requestId, status },
      title: `${action} for ${accountId}`,
      story: inOrder(steps, clock.businessMs()),
    };
  }

  async function ofEvent(event: StoredEvent): Promise<FoundView> {
    const { id, clientId, envelope } = event;
    const { type, data } = parseJsonObject(Buffer.from(envelope)).value as {
      type: string;
      data: { requestId?: string; accountId?: string };
    };
    const request = data.requestId ? await requestStore.find(data.requestId) : undefined;
    const steps = await stepsFromEvents(clientId, [event]);
    return {
      ...{ id, kind: "event", clientId, title: type },
      ...(data.accountId === undefined ? {} : { accountId: data.accountId }),
      ...(request ? { requestId: request.requestId, connectionId: request.connectionId } : {}),
      status: event.publishedAt === undefined ? "stored" : "published",
      story: inOrder(
        [...(request ? stepsOfRequest(request, undefined) : []), ...steps],
        clock.businessMs(),
      ),
    };
  }

  async function ofDelivery(delivery: DeliveryRecord): Promise<FoundView> {
    const { deliveryId: id, clientId, eventId, eventType, status } = delivery;
    const event = await reader.find(eventId);
    const before = event ? await ofEvent(event) : undefined;
    return {
      ...before,
      ...{ id, kind: "delivery", clientId, status, title: `${eventType} to the client's webhook` },
      story: before?.story ?? (await storyAlone(delivery)),
    };
  }

  /** By the form of the id. */
  async function findById(id: string, seenBy?: string): Promise<FoundView | undefined> {
    const isSeen = ({ clientId }: { clientId: string }) => (seenBy ?? clientId) === clientId;
    if (isRequestId(id)) {
      const request = await requestStore.find(id);
      return request && isSeen(request) ? ofRequest(request) : undefined;
    }
    if (/^dl_[0-9a-f]{32}$/.test(id)) {
      const delivery = await deliveryStore.find(id);
      return delivery && isSeen(delivery) ? ofDelivery(delivery) : undefined;
    }
    if (eventTypes.some((type) => id.startsWith(`${type}:`))) {
      const event = await reader.find(id);
      return event && isSeen(event) ? ofEvent(event) : undefined;
    }
    const job = /^[a-z]+_/.test(id) ? await deps.jobs.find(id) : undefined;
    if (!job) return undefined;
    const { jobId, clientId, kind, status, createdMs, finishedMs, examined, changed } = job;
    const end: StepView[] =
      finishedMs === undefined ? [] : [{ at: toIso(finishedMs), kind: "ended", title: "It ended" }];
    return {
      ...{ id: jobId, kind: "recovery", clientId, status },
      title: kind === "recover" ? "A recovery" : "The end of a webhook's deliveries",
      story: [
        {
          at: toIso(createdMs),
          kind: "created",
          title: "It was started",
          detail: `${examined} deliveries examined, ${changed} changed.`,
        },
        ...end,
      ],
    };
  }

  return {
    async find({ params: { id }, query: { clientId } }) {
      const one = await findById(id, clientId);
      const all = one
        ? [one]
        : await findConfigured(deps, {
            id,
            clients: await pages.clientsOf(clientId),
            ofRequest,
            ofEvent,
          });
      const own = all.filter((found) => (clientId ?? found.clientId) === found.clientId);
      if (own.length === 0) throw new Failure("NOT_FOUND", nothingFound);
      const names = await Promise.all(own.map((found) => deps.store.client(found.clientId)));
      const items = own.map((found, n) => ({ ...found, clientName: names[n]?.name }));
      return JSON.stringify({ items });
    },
  } satisfies Partial<OperatorHandlers>;
}
