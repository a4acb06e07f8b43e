import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { limits } from "../../shared/contracts/limits.ts";
import {
  type CreateDeliveriesDeps,
  makeCreateDeliveries,
} from "../../shared/core/deliveries/creation/create-deliveries.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import type { DeliveryRecord, EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testDeliveryRules as rules, testMasterKeys } from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { endpointHealth, webhookRecord } from "../support/payloads/delivery-records.ts";

const down = new Failure("DEPENDENCY_DOWN", "no table");
const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };
const notSubscribed = { kind: "notSubscribed" };
const webhookIdOf = (clientId: string) => clientId.replace("cl", "wh");

/** The settings of a client's webhook, and the health of its endpoint, which is fast by default. */
type Client = Partial<WebhookItem> & { health?: Partial<EndpointHealth> };

function setUp(
  clients: Record<string, Client> = { cl_1: {} },
  more: Partial<CreateDeliveriesDeps> = {},
) {
  const clock = makeTestClock();
  const { deliveries } = makeMemoryDeliveries({ clock });
  const cancelledRequests = new Set<string>();
  const unreadable = new Map<string, Failure>();
  const reads: unknown[] = [];
  const asked: string[] = [];
  const sent: unknown[] = [];
  const published: (readonly DeliveryRecord[])[] = [];
  const owned = Object.entries(clients).map(([clientId, { health, ...settings }]) => {
    const ids = { clientId, webhookId: webhookIdOf(clientId) };
    const secrets = [{ version: 1, masterKeyId: "k2" }];
    const webhook = webhookRecord({ ...ids, secrets, ...settings });
    return { clientId, webhook, health: endpointHealth({ ...ids, ...health }) };
  });
  const deps: CreateDeliveriesDeps = {
    inputs: {
      async read(keys) {
        reads.push(keys);
        return {
          webhooks: new Map(owned.map(({ clientId, webhook }) => [clientId, webhook])),
          health: new Map(owned.map(({ clientId, health }) => [clientId, health])),
          ...{ unreadable, cancelledRequests },
        };
      },
    },
    deliveries,
    deliveryQueue: {
      async send(queue, messages) {
        sent.push([queue, ...messages.map(({ message }) => message)]);
      },
    },
    async publishDeliveryFailed(those) {
      published.push(those);
      return { published: those.length, failures: [] };
    },
    async masterKeys(keyId) {
      asked.push(keyId);
      return testMasterKeys;
    },
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules }),
    ...more,
  };
  const create = makeCreateDeliveries(deps);
  return {
    ...{ asked, cancelledRequests, clock, deliveries, deps, published, reads, sent, unreadable },
    create: (...bodies: string[]) => create(bodies),
  };
}

const type = "workflow.started";
const eventId = `${type}:rq_1`;

/** The event of a client's request on the bus. */
function bodyOf(clientId = "cl_1", of: { type?: string; requestId?: string; text?: string } = {}) {
  const { type: eventType = type, requestId = "rq_1", text = "" } = of;
  const data = { requestId, text };
  const detail = { clientId, id: `${eventType}:${requestId}`, type: eventType, data };
  return JSON.stringify({ "detail-type": eventType, detail });
}
const envelopeOf = (text = "") =>
  JSON.stringify({ id: eventId, type, data: { requestId: "rq_1", text } });
const idOf = (clientId = "cl_1") => deliveryIdOf(webhookIdOf(clientId), eventId);
const created = (clientId?: string) => ({ kind: "created", deliveryId: idOf(clientId) });
const messageOf = (clientId = "cl_1") => ({
  ...{ v: 1, kind: "attempt", deliveryId: idOf(clientId), clientId },
  ...{ webhookId: webhookIdOf(clientId), requestId: "rq_1" },
});

describe("A delivery to a fast endpoint", () => {
  const unstored = { eventId, eventType: type, createdMs: nowMs, body: envelopeOf() };

  test("Its message for the attempts queue holds it, and nothing is stored", async () => {
    const { asked, create, deliveries, published, reads, sent } = setUp();
    expect(await create(bodyOf())).toStrictEqual([created()]);
    expect(sent).toStrictEqual([["attempts", { ...messageOf(), unstored }]]);
    expect(await deliveries.find(idOf())).toBeUndefined();
    expect(reads).toStrictEqual([{ clientIds: ["cl_1"], requestIds: ["rq_1"] }]);
    expect(asked).toStrictEqual(["k2"]);
    expect(published).toStrictEqual([[]]);
  });

  test.each([
    ["a", 0, "attempts"],
    ["a", 1, "retries"],
    ["ü", 0, "attempts"],
    ["ü", 1, "retries"],
  ])(
    "A body of %j that is larger than 60,000 bytes by %i goes through the queue %s",
    async (char, over, queue) => {
      const { create, deliveries, sent } = setUp();
      const room = limits.maxInlineBytes - Buffer.byteLength(envelopeOf());
      const width = Buffer.byteLength(char);
      const text = char.repeat(Math.floor(room / width)) + "a".repeat((room % width) + over);
      await create(bodyOf("cl_1", { text }));
      expect(sent).toMatchObject([[queue, { deliveryId: idOf() }]]);
      const stored = await deliveries.find(idOf());
      expect(stored?.body).toStrictEqual(over > 0 ? { inline: envelopeOf(text) } : undefined);
    },
  );
});

describe("A delivery to another endpoint", () => {
  test.each<[string, Partial<EndpointHealth>]>([
    ["is not fast", { isFast: false }],
    ["has an open circuit", { consecutiveFailures: 5 }],
    ["is not the one that was fast", { endpointNumber: 0 }],
  ])(
    "Where the endpoint %s it is stored before its message is sent to the retries queue",
    async (_, health) => {
      const { create, deliveries, published, sent } = setUp({ cl_1: { health } });
      expect(await create(bodyOf())).toStrictEqual([created()]);
      expect(await deliveries.find(idOf())).toMatchObject({
        ...{ clientId: "cl_1", webhookId: "wh_1", eventId, eventType: type, requestId: "rq_1" },
        ...{ status: "waiting", nextMs: nowMs, version: 1, body: { inline: envelopeOf() } },
      });
      expect(sent).toStrictEqual([["retries", messageOf()]]);
      expect(published).toStrictEqual([[]]);
    },
  );

  test("One failure less than opens the circuit leaves its endpoint fast", async () => {
    const { create, sent } = setUp({ cl_1: { health: { consecutiveFailures: 4 } } });
    await create(bodyOf());
    expect(sent).toMatchObject([["attempts", {}]]);
  });

  test.each<[string, Partial<DeliveryRecord>, boolean]>([
    ["waits for its first attempt", {}, true],
    ["waits for its second attempt", { attemptsInCycle: 1 }, false],
    ["was resent", { cycle: 2 }, false],
    ["is being attempted", { status: "delivering" }, false],
    ["was delivered", { status: "delivered" }, false],
  ])(
    "An event that comes again, whose delivery %s, needs a message: %s",
    async (_, of, needsOne) => {
      const { create, deliveries, sent } = setUp({ cl_1: { health: { isFast: false } } });
      await create(bodyOf());
      const first = await deliveries.find(idOf());
      if (first) await deliveries.replace({ ...first, ...of });
      const stored = await deliveries.find(idOf());
      sent.length = 0;
      expect(await create(bodyOf())).toStrictEqual([created()]);
      expect(sent).toStrictEqual(needsOne ? [["retries", messageOf()]] : []);
      expect(await deliveries.find(idOf())).toStrictEqual(stored);
    },
  );
});

describe("An event that is not delivered", () => {
  test.each<[string, Record<string, Client>, string]>([
    ["of a client without a webhook", {}, type],
    ["of a client whose webhook was deleted", { cl_1: { status: "deleted" } }, type],
    ["of another type", { cl_1: { eventTypes: ["workflow.completed"] } }, type],
    ["of a type that no webhook is told of", { cl_1: {} }, "delivery.failed"],
  ])("One %s makes no delivery", async (_, clients, eventType) => {
    const { asked, create, deliveries, published, sent } = setUp(clients);
    expect(await create(bodyOf("cl_1", { type: eventType }))).toStrictEqual([notSubscribed]);
    expect(await deliveries.find(idOf())).toBeUndefined();
    expect([asked, sent, published]).toStrictEqual([[], [], [[]]]);
  });

  test("One of a request that was cancelled is stored as cancelled, and nothing is sent or published", async () => {
    const { cancelledRequests, create, deliveries, published, sent } = setUp();
    cancelledRequests.add("rq_1");
    expect(await create(bodyOf())).toStrictEqual([created()]);
    const ended = { status: "cancelled", reason: "request_cancelled", endedMs: nowMs, version: 1 };
    expect(await deliveries.find(idOf())).toMatchObject(ended);
    expect([sent, published]).toStrictEqual([[], [[]]]);
  });

  test("The completion of a request that was cancelled, and events of others, are delivered", async () => {
    const { cancelledRequests, create, sent } = setUp();
    cancelledRequests.add("rq_1");
    await create(bodyOf("cl_1", { type: "workflow.completed" }));
    await create(bodyOf("cl_1", { requestId: "rq_2" }));
    expect(sent).toMatchObject([
      ["attempts", {}],
      ["attempts", {}],
    ]);
  });

  test("One for a webhook that is disabled fails without an attempt, and its failure is published", async () => {
    const { create, deliveries, published, sent } = setUp({ cl_1: { status: "disabled" } });
    expect(await create(bodyOf())).toStrictEqual([created()]);
    const stored = await deliveries.find(idOf());
    const unpublishedFailures = [{ cycle: 1, attemptCount: 0, reason: "disabled", atMs: nowMs }];
    expect(stored).toMatchObject({ status: "failed", reason: "disabled", unpublishedFailures });
    expect(published).toStrictEqual([[stored]]);
    expect(sent).toStrictEqual([]);
    await create(bodyOf());
    expect(published).toStrictEqual([[stored], [stored]]);
  });

  test("Of a cancelled request and a disabled webhook, the request decides", async () => {
    const { cancelledRequests, create, deliveries } = setUp({ cl_1: { status: "disabled" } });
    cancelledRequests.add("rq_1");
    await create(bodyOf());
    expect((await deliveries.find(idOf()))?.status).toBe("cancelled");
  });
});

describe("A batch of events", () => {
  const clients = { cl_1: {}, cl_2: { health: { isFast: false } }, cl_3: {} };

  test("Its messages are sent by one call for each queue, and its inputs are read by one call", async () => {
    const { create, reads, sent } = setUp(clients);
    const outcomes = await create(bodyOf("cl_2"), bodyOf("cl_1"), bodyOf("cl_3"));
    expect(outcomes).toStrictEqual([created("cl_2"), created("cl_1"), created("cl_3")]);
    expect(sent).toMatchObject([
      ["retries", messageOf("cl_2")],
      ["attempts", messageOf("cl_1"), messageOf("cl_3")],
    ]);
    expect(reads).toStrictEqual([{ clientIds: ["cl_2", "cl_1", "cl_3"], requestIds: ["rq_1"] }]);
  });

  test("A message that is no event fails alone, and each outcome is at its place", async () => {
    const { create } = setUp(clients);
    const outcomes = await create(bodyOf("cl_1"), "{", bodyOf("cl_9"), bodyOf("cl_3"));
    expect(outcomes).toStrictEqual([
      created("cl_1"),
      {
        ...{ kind: "failed", code: "MESSAGE_MALFORMED" },
        detail: "the message is not a JSON object",
      },
      notSubscribed,
      created("cl_3"),
    ]);
  });

  test("Where the inputs cannot be read, its events fail, and what is no event of a webhook keeps its outcome", async () => {
    const { create, published, sent } = setUp(clients, {
      inputs: { read: () => Promise.reject(down) },
    });
    const outcomes = await create(bodyOf(), "{", bodyOf("cl_1", { type: "webhook.disabled" }));
    expect(outcomes).toMatchObject([failed, { code: "MESSAGE_MALFORMED" }, notSubscribed]);
    expect([sent, published]).toStrictEqual([[], [[]]]);
  });

  test("The events of a client whose webhook cannot be read fail alone", async () => {
    const { create, unreadable } = setUp(clients);
    unreadable.set("cl_1", down);
    expect(await create(bodyOf("cl_1"), bodyOf("cl_3"))).toStrictEqual([failed, created("cl_3")]);
  });

  test("The events of a webhook whose master key is missing fail alone", async () => {
    const secrets = [{ version: 1, masterKeyId: "k9" }];
    const { create, sent } = setUp({ ...clients, cl_1: { secrets } });
    const outcomes = await create(bodyOf("cl_1"), bodyOf("cl_3"));
    expect(outcomes).toMatchObject([{ kind: "failed", code: "DEPENDENCY_DOWN" }, created("cl_3")]);
    expect(sent).toMatchObject([["attempts", messageOf("cl_3")]]);
  });

  test("A delivery that cannot be stored fails alone, and its message is not sent", async () => {
    const { deps, sent } = setUp(clients);
    const create = makeCreateDeliveries({
      ...deps,
      deliveries: { ...deps.deliveries, create: () => Promise.reject(down) },
    });
    const outcomes = await create([bodyOf("cl_2"), bodyOf("cl_1")]);
    expect(outcomes).toStrictEqual([failed, created("cl_1")]);
    expect(sent).toMatchObject([["attempts", messageOf("cl_1")]]);
  });

  test.each(["attempts", "retries"])(
    "Where the queue %s takes no messages, all that needed one fail, so that they come again",
    async (refusing) => {
      const { deps, published } = setUp({ ...clients, cl_4: { status: "disabled" } });
      const create = makeCreateDeliveries({
        ...deps,
        deliveryQueue: {
          async send(queue) {
            if (queue === refusing) throw down;
          },
        },
      });
      const clientIds = ["cl_1", "cl_2", "cl_4", "cl_9"];
      const outcomes = await create(clientIds.map((clientId) => bodyOf(clientId)));
      expect(outcomes).toStrictEqual([failed, failed, created("cl_4"), notSubscribed]);
      expect(published).toMatchObject([[{ deliveryId: idOf("cl_4") }]]);
    },
  );
});
