import type { WebhookItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { OperatorWebhookView } from "../../contracts/http/operator/deliveries.ts";
import { providerPacks } from "../../contracts/providers.ts";
import { TRACEPARENT_HEADER } from "../../contracts/traceparent.ts";
import { toIso } from "../clock.ts";
import { deliverySummary, deliveryView } from "../deliveries/state/delivery-views.ts";
import { healthOf, isCircuitOpen } from "../deliveries/state/endpoint-health.ts";
import type { DeliveryRecord, EndpointHealth } from "../deliveries/state/record.ts";
import { viewOf } from "../deliveries/webhooks/webhook-settings.ts";
import { jsonOf } from "../events/read-events.ts";
import type { ClientPages } from "./client-pages.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";

/** The newest deliveries from which a webhook's page is made. */
const NEWEST = 100;

/** Headers of every attempt besides the client's own, and those of some webhooks and deliveries. */
const OWN_HEADERS = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"];

/** Handlers of the operations on events, webhooks and deliveries. */
export function deliveryHandlers(deps: OperatorDeps, pages: ClientPages) {
  const { deliveryStore, deliveries, reader, webhooks } = deps;
  const readWebhook = makeReadWebhook(deps);

  /** @throws NOT_FOUND, also when it belongs to another client than the one that is named */
  async function requireDelivery(id: string, clientId?: string): Promise<DeliveryRecord> {
    const delivery = await deliveryStore.find(id);
    if (delivery && (clientId ?? delivery.clientId) === delivery.clientId) return delivery;
    throw new Failure("NOT_FOUND", "there is no such delivery");
  }

  /** @throws NOT_FOUND */
  async function webhookText(clientId: string): Promise<string> {
    const webhook = await readWebhook(clientId);
    if (webhook) return JSON.stringify(webhook);
    throw new Failure("NOT_FOUND", "there is no such webhook");
  }

  return {
    async listEvents({ query }) {
      const { type, since, until } = query;
      const range = { sinceMs: msOf(since), untilMs: msOf(until) };
      const page = await pages.newest("events", query, async (clientId, of) => {
        const { events, before } = await reader.list({ clientId, type, ...of, ...range });
        return {
          found: events.map((event) => ({
            place: event.listedAs ?? "",
            item: jsonOf(event, { clientId, listedAt: listedAtOf(event.listedAs) }),
          })),
          before,
        };
      });
      const next = page.nextCursor ? `,"nextCursor":${JSON.stringify(page.nextCursor)}` : "";
      return `{"items":[${page.items.join(",")}]${next}}`;
    },

    async getEvent({ params, query }) {
      const event = await reader.find(params.id);
      if (!event || (query.clientId ?? event.clientId) !== event.clientId) {
        throw new Failure("NOT_FOUND", "there is no such event");
      }
      const { clientId, listedAs } = event;
      return jsonOf({ ...event, raw: undefined }, { clientId, listedAt: listedAtOf(listedAs) });
    },

    async listWebhooks({ query }) {
      const page = await pages.byClient(
        "webhooks",
        query,
        async (clientId, { after }) => {
          const webhook = after === undefined ? await readWebhook(clientId) : undefined;
          return webhook ? [webhook] : [];
        },
        ({ id }) => id,
      );
      return JSON.stringify(page);
    },

    testWebhook: async ({ params }) => JSON.stringify(await webhooks.test(params.clientId)),

    async disableWebhook({ params: { clientId } }) {
      await webhooks.update(clientId, { origin: "", status: "disabled" });
      return webhookText(clientId);
    },

    async enableWebhook({ params: { clientId } }) {
      await webhooks.update(clientId, { origin: "", status: "active" });
      return webhookText(clientId);
    },

    async moveWebhook({ params: { clientId }, body, origin }) {
      await webhooks.update(clientId, { origin, url: body.url });
      return webhookText(clientId);
    },

    recoverDeliveries: async ({ params, body: { why: _, ...range } }) =>
      JSON.stringify(await deliveries.recover(params.clientId, range)),

    getRecovery: async ({ params }) =>
      JSON.stringify(await deliveries.getRecovery(params.clientId, params.recoveryId)),

    async listDeliveries({ query }) {
      const { status, eventType, eventId, webhookId, since, until } = query;
      const filter = {
        statuses: status && [status],
        eventTypes: eventType === undefined ? undefined : [eventType],
        ...{ eventId, webhookId },
        sinceMs: msOf(since),
        untilMs: msOf(until),
      };
      const page = await pages.newest("deliveries", query, async (clientId, of) => {
        const found = await deliveryStore.list({ clientId, ...of, ...filter });
        return {
          found: found.deliveries.map((one) => ({
            place: `${toIso(one.createdMs)}#${one.deliveryId}`,
            item: { ...deliverySummary(one), clientId },
          })),
          before: found.before,
        };
      });
      return JSON.stringify(page);
    },

    async getDelivery({ params, query }) {
      const delivery = await requireDelivery(params.id, query.clientId);
      const { clientId, requestId } = delivery;
      const webhook = await deps.webhookStore.find(clientId);
      const isOfWebhook = webhook?.webhookId === delivery.webhookId;
      return JSON.stringify({
        ...deliveryView(delivery),
        clientId,
        requestId,
        sent: {
          url: isOfWebhook ? webhook.url : "",
          headerNames: [
            ...OWN_HEADERS,
            ...(delivery.traceparent === undefined ? [] : [TRACEPARENT_HEADER]),
            ...(isOfWebhook ? headerNamesOf(webhook) : []),
          ],
          body: await bodyOf(deps, delivery),
        },
      });
    },

    async resendDelivery({ params, query }) {
      const { clientId } = await requireDelivery(params.id, query.clientId);
      return JSON.stringify({ ...(await deliveries.resend(clientId, params.id)), clientId });
    },
  } satisfies Partial<OperatorHandlers>;
}

/** The body, or a sentence where it has expired in the bucket. */
async function bodyOf({ texts }: OperatorDeps, { body }: DeliveryRecord): Promise<string> {
  return texts.open(body).catch((error: unknown) => {
    if (error instanceof Failure && error.code === "BODY_GONE") return "(no longer stored)";
    throw error;
  });
}

/** The headers of the scheme by which the webhook is signed as a provider's, and the client's. */
function headerNamesOf({ signedAs, headers }: WebhookItem): string[] {
  const sign = signedAs && providerPacks[signedAs].signWebhook;
  const signed = sign ? sign({ body: "", timestampSeconds: 0, secret: "any" }) : {};
  return [...Object.keys(signed), ...(headers?.names ?? [])];
}

const msOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));

const listedAtOf = (listedAs: string | undefined) => listedAs?.slice(0, listedAs.indexOf("#"));

/** Makes the function that reads a client's webhook with its endpoint's health; `undefined` where it has none. */
export function makeReadWebhook(deps: OperatorDeps) {
  const { inputs, deliveryStore, deliveryContext } = deps;

  return async (clientId: string): Promise<OperatorWebhookView | undefined> => {
    const read = await inputs.read({ clientIds: [clientId], requestIds: [] });
    const webhook = read.webhooks.get(clientId);
    if (!webhook || webhook.status === "deleted") return undefined;
    const health = healthOf(read.health.get(clientId), webhook);
    const { deliveries } = await deliveryStore.list({
      clientId,
      limit: NEWEST,
      webhookId: webhook.webhookId,
    });
    return {
      ...viewOf(webhook),
      clientId,
      ...disabledAtOf(webhook),
      health: {
        consecutiveFailures: health.consecutiveFailures,
        isFast: health.isFast,
        circuit: isCircuitOpen(health, deliveryContext()) ? "open" : "closed",
        workers: activeSlots(health, deliveryContext().nowRealMs),
      },
      ...stateOf(deliveries),
      ...(webhook.recoveryId === undefined ? {} : { recoveryId: webhook.recoveryId }),
    };
  };
}

const disabledAtOf = ({ disabledAt }: WebhookItem) =>
  disabledAt === undefined ? {} : { disabledAt };

const activeSlots = ({ slots }: EndpointHealth, nowRealMs: number) =>
  Object.values(slots).filter((untilMs) => untilMs > nowRealMs).length;

/** What the newest deliveries say about their endpoint. */
function stateOf(deliveries: readonly DeliveryRecord[]) {
  const attempts = deliveries.flatMap(({ deliveryId, attemptHistory }) =>
    attemptHistory.map((attempt) => ({ ...attempt, deliveryId })),
  );
  const last = attempts.toSorted((one, other) => other.atMs - one.atMs)[0];
  const waiting = deliveries.filter(({ status }) => status === "waiting");
  const nextMs = Math.min(...waiting.map((one) => one.nextMs ?? Number.POSITIVE_INFINITY));
  return {
    ...(last && {
      last: {
        at: toIso(last.atMs),
        ...(last.httpStatus === undefined ? {} : { httpStatus: last.httpStatus }),
        ...(last.error === undefined ? {} : { error: last.error }),
        deliveryId: last.deliveryId,
      },
    }),
    waiting: waiting.length,
    failed: deliveries.filter(({ status }) => status === "failed").length,
    ...(Number.isFinite(nextMs) ? { nextAttemptAt: toIso(nextMs) } : {}),
  };
}
