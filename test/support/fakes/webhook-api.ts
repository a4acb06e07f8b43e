import {
  composeWebhookApi,
  type WebhookApiPorts,
} from "../../../shared/composition/delivery-use-cases.ts";
import type { DeliveryMessage } from "../../../shared/contracts/messages/delivery.ts";
import { settingsSchema } from "../../../shared/contracts/settings.ts";
import { makeServeApi, type ServeApiDeps } from "../../../shared/core/api/serve-api.ts";
import { sha256Hex } from "../../../shared/core/crypto/digest.ts";
import { newDelivery } from "../../../shared/core/deliveries/creation/new-delivery.ts";
import type { DeliveryContext } from "../../../shared/core/deliveries/state/delivery-context.ts";
import { deliveryRulesOf } from "../../../shared/core/deliveries/state/delivery-rules.ts";
import type { WebhookStore } from "../../../shared/core/deliveries/state/ports.ts";
import type { DeliveryJob, DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { toCall, toResult } from "../../../shared/runtime/api-request.ts";
import { makeMemoryDeliveries } from "../memory/memory-deliveries.ts";
import { makeTestClock } from "./clocks.ts";

/** The rules of the default settings. */
export const testDeliveryRules = deliveryRulesOf(settingsSchema.parse({}));

export const testMasterKeys = {
  current: "k2",
  keys: new Map([
    ["k1", "1".repeat(32)],
    ["k2", "2".repeat(32)],
  ]),
};

/** One call by one of two clients, in the protocol that its path speaks. */
interface Call {
  body?: unknown;
  query?: Record<string, string>;
  /** For the variables of the route. */
  params?: Record<string, string>;
  as?: "cl_1" | "cl_2";
  headers?: Record<string, string | undefined>;
}

/** The API on webhooks and deliveries, over stores in memory. */
export function makeWebhookApi(given: Partial<WebhookApiPorts> = {}) {
  const clock = makeTestClock();
  const memory = makeMemoryDeliveries({ clock });
  const sent: { queue: string; message: DeliveryMessage }[] = [];
  const dropped: unknown[] = [];
  let drawn = 0;
  const context = (): DeliveryContext => ({
    nowMs: clock.businessMs(),
    nowRealMs: clock.realMs(),
    speed: 1,
    rules: testDeliveryRules,
  });
  const deps: WebhookApiPorts = {
    ...memory,
    deliveryQueue: {
      async send(queue, messages) {
        sent.push(...messages.map(({ message }) => ({ queue, message })));
      },
    },
    masterKeys: async () => testMasterKeys,
    targets: { ports: [443, 8_443], allowsLocal: false, refusedPorts: [] },
    texts: {
      store: async (_, inline) => ({ inline }),
      open: async (text) => ("inline" in text ? text.inline : ""),
    },
    clock,
    speed: 1,
    rules: testDeliveryRules,
    randomHex: (bytes) => (++drawn).toString(16).padStart(bytes * 2, "0"),
    onNonFatalError: (error) => dropped.push(error),
    ...given,
  };
  const api: Partial<ServeApiDeps> = {
    keys: {
      find: async (keyId) => ({
        pk: `key#${keyId}`,
        clientId: keyId.replace("key", "cl_"),
        keyId,
        secretSha256: sha256Hex("secret"),
        createdAt: new Date(clock.businessMs()).toISOString(),
      }),
      recordUse: async () => undefined,
    },
    ...composeWebhookApi(deps),
    clock,
    onNonFatalError: deps.onNonFatalError,
  };
  const serve = makeServeApi(api as ServeApiDeps);

  async function call(routeKey: string, of: Call = {}) {
    const apiKey = `ackwire_${(of.as ?? "cl_1").replace("cl_", "key")}_secret`;
    const event = {
      routeKey,
      headers: routeKey.includes("/admin/")
        ? { "linked-api-token": apiKey, ...of.headers }
        : { authorization: `Bearer ${apiKey}`, ...of.headers },
      pathParameters: of.params,
      queryStringParameters: of.query,
      body: of.body === undefined ? "" : JSON.stringify(of.body),
    };
    const outcome = await serve(toCall(event as never, new AbortController().signal));
    const { statusCode: status, body: text = "null" } = toResult(outcome);
    return { status, body: JSON.parse(text) };
  }

  /** The stored current webhook. */
  async function stored(clientId = "cl_1") {
    const webhook = await deps.webhooks.find(clientId);
    if (!webhook) throw new Error("There is no webhook");
    return webhook;
  }

  /** Stores a delivery to the client's current webhook in any state. */
  async function haveDelivery(
    of: { eventId: string; clientId?: string } & Partial<DeliveryRecord>,
  ): Promise<DeliveryRecord> {
    const { eventId: id, clientId = "cl_1", ...rest } = of;
    const event = { id, type: "workflow.started" as const, clientId, envelope: '{"data":{}}' };
    const at = { master: testMasterKeys, context: context() };
    const delivery = newDelivery(await stored(clientId), event, at);
    await deps.deliveries.create(delivery);
    const next = await deps.deliveries.replace({ ...delivery, version: 1, ...rest });
    if (!next) throw new Error("The delivery exists already");
    return next;
  }

  /** The bytes that each attempt of a delivery sends. */
  async function bodyOf(deliveryId: string): Promise<unknown> {
    const { body = { inline: "null" } } = (await deps.deliveries.find(deliveryId)) ?? {};
    return "inline" in body ? JSON.parse(body.inline) : body;
  }

  /** The job of the last message that contains a job id. */
  async function lastJob(): Promise<DeliveryJob | undefined> {
    const messages = sent.map(({ message }) => message);
    const last = messages.findLast((message) => message.kind === "job");
    return last && deps.jobs.find(last.jobId);
  }

  return { bodyOf, call, clock, deps, dropped, haveDelivery, lastJob, memory, sent, stored };
}

export const hook = { url: "https://hooks.example.com/in" };

/** A store in which another write comes first, a number of times. */
export function contested(store: WebhookStore, times: number): WebhookStore {
  let left = times;
  return {
    ...store,
    async replace(webhook) {
      if (left-- <= 0) return store.replace(webhook);
      const present = await store.find(webhook.clientId);
      if (present) await store.replace(present);
      return undefined;
    },
  };
}
