import { describe, expect, test } from "vitest";
import { composeWebhookApi } from "../../shared/composition/delivery-use-cases.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryInputsReader } from "../../shared/core/deliveries/state/ports.ts";
import { makePublishDeliveryFailed } from "../../shared/core/deliveries/state/publish-delivery-failed.ts";
import {
  type DeliverySimulation,
  HOUR_MS,
  simulatedDeliveryId as id,
  makeDeliverySimulation,
  simulationWithWebhook,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";

/** What becomes of deliveries that were not delivered when their webhook changes, or a person acts. */

const OLD_URL = webhookOfClient().url;
const NEW_URL = "https://new.example.com/";
const SINCE = "2025-12-31T00:00:00.000Z";

/** The API over the stores of a simulation. */
function apiOf(simulation: DeliverySimulation) {
  const targets = { ports: [443], allowsLocal: false, refusedPorts: [] };
  return composeWebhookApi({ ...simulation.ports, targets });
}

/** Six deliveries that the old URL refused, and that wait; the new URL accepts everything. */
async function sixWaiting() {
  const simulation = await simulationWithWebhook({
    answer: ({ url }) => ({ httpStatus: url === OLD_URL ? 503 : 200 }),
  });
  for (let n = 0; n < 6; n++) simulation.publish({ requestId: `rq_${n}` });
  await simulation.drain();
  const statuses = async () => {
    const { deliveries } = await simulation.deliveries.list({ clientId: "cl_1", limit: 100 });
    return deliveries.map(({ status, webhookId }) => `${status} ${webhookId}`).sort();
  };
  expect(await statuses()).toEqual(Array(6).fill("waiting wh_cl_1"));
  const toNew = () => new Set(simulation.posts.filter(({ url }) => url === NEW_URL).map(bodyOf));
  return { simulation, statuses, toNew, ...apiOf(simulation) };
}

const bodyOf = ({ body }: { body: string }) => body;

describe("a change of the URL with six waiting deliveries (ay-framework#410)", () => {
  test("PATCH of the URL cancels nothing, and the waiting deliveries go to the new URL", async () => {
    const { simulation, statuses, toNew, webhooks } = await sixWaiting();
    await webhooks.update("cl_1", { url: NEW_URL });
    await simulation.pass(HOUR_MS);
    expect(await statuses()).toEqual(Array(6).fill("delivered wh_cl_1"));
    expect(toNew().size).toBe(6);
  });

  test("after PATCH of the URL a recovery sends the waiting deliveries at once", async () => {
    const { simulation, statuses, webhooks, deliveries } = await sixWaiting();
    await simulation.pass(10_000);
    await webhooks.update("cl_1", { url: NEW_URL });
    const { recoveryId } = await deliveries.recover("cl_1", { since: SINCE });
    await simulation.drain();
    expect(await statuses()).toEqual(Array(6).fill("delivered wh_cl_1"));
    expect(await deliveries.getRecovery("cl_1", recoveryId)).toMatchObject({
      status: "done",
      examined: 6,
    });
  });

  test.each(["before", "after"])(
    "DELETE and PUT lose nothing: a recovery %s the old deliveries are cancelled sends them to the new webhook",
    async (when) => {
      const { simulation, statuses, toNew, webhooks, deliveries } = await sixWaiting();
      await webhooks.delete("cl_1");
      const { id: webhookId } = await webhooks.register("cl_1", { url: NEW_URL });
      if (when === "after") await simulation.drain();
      const { recoveryId } = await deliveries.recover("cl_1", { since: SINCE });
      await simulation.pass(HOUR_MS);
      expect(await statuses()).toEqual(
        [...Array(6).fill("cancelled wh_cl_1"), ...Array(6).fill(`delivered ${webhookId}`)].sort(),
      );
      expect(toNew().size).toBe(6);
      expect(await deliveries.getRecovery("cl_1", recoveryId)).toMatchObject({ recovered: 6 });
    },
  );

  test("a recovery of some event types leaves the other deliveries as they are", async () => {
    const { simulation, deliveries } = await sixWaiting();
    await simulation.pass(10_000);
    const eventTypes = ["account.*"];
    const { recoveryId } = await deliveries.recover("cl_1", { since: SINCE, eventTypes });
    await simulation.drain();
    expect(await deliveries.getRecovery("cl_1", recoveryId)).toMatchObject({ examined: 0 });
  });

  test("a recovery does not send what was delivered, or what was cancelled with its request", async () => {
    const { simulation, deliveries } = await sixWaiting();
    simulation.cancelledRequests.add("rq_9");
    simulation.publish({ requestId: "rq_9", type: "workflow.started" });
    simulation.answerWith(() => ({ httpStatus: 200 }));
    await simulation.pass(HOUR_MS);
    const before = simulation.posts.length;
    const { recoveryId } = await deliveries.recover("cl_1", { since: SINCE });
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(before);
    expect(await deliveries.getRecovery("cl_1", recoveryId)).toMatchObject({ examined: 0 });
  });
});

describe("a webhook that replaces another one while deliveries of the old one are in flight (convoy#1926)", () => {
  test("the first event of the new webhook is sent at once, and what the old endpoint did is not counted", async () => {
    const hanging = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const simulation = await simulationWithWebhook({
      async answer({ url }) {
        if (url !== OLD_URL) return { httpStatus: 200 };
        started.resolve();
        await hanging.promise;
        return { httpStatus: 500 };
      },
    });
    const { webhooks } = apiOf(simulation);
    for (let n = 0; n < 8; n++) simulation.publish({ requestId: `old_${n}` });
    const inFlight = simulation.drain();
    await started.promise;
    await webhooks.delete("cl_1");
    const { id: webhookId } = await webhooks.register("cl_1", { url: NEW_URL });
    simulation.publish({ requestId: "new" });
    await simulation.drain();
    expect(simulation.posts.filter(({ url }) => url === NEW_URL)).toHaveLength(1);

    hanging.resolve();
    await inFlight;
    await simulation.pass(HOUR_MS);
    const health = await simulation.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
    expect(health.health.get("cl_1")).toMatchObject({
      webhookId,
      consecutiveFailures: 0,
      isFast: true,
      slots: {},
    });
    expect(simulation.counts.BreakerOpened).toBe(0);
  });
});

describe("a resend", () => {
  test("a resend of a waiting delivery is attempted at once although the circuit is open (hyperswitch#4176)", async () => {
    const { simulation, deliveries } = await sixWaiting();
    await simulation.pass(HOUR_MS);
    simulation.answerWith(() => ({ httpStatus: 200 }));
    const { items } = await deliveries.list("cl_1", { limit: 10, status: "waiting" });
    const [waiting] = items;
    const before = simulation.posts.length;
    await deliveries.resend("cl_1", waiting?.id ?? "");
    await simulation.drain();
    expect(simulation.posts.length).toBeGreaterThan(before);
    const sent = await deliveries.get("cl_1", waiting?.id ?? "");
    expect(sent).toMatchObject({ status: "delivered", cycle: 1 });
    expect(sent.attempts.at(-1)?.n).toBe((waiting?.attempts.at(-1)?.n ?? 0) + 1);
  });
});

describe("bookkeeping during a POST", () => {
  test.each([
    [200, { status: "delivered", cycle: 2 }],
    [410, { status: "failed", reason: "gone", cycle: 2 }],
  ])(
    "a failure that is recorded as published during a POST does not take away its answer %i",
    async (httpStatus, expected) => {
      let isBusDown = true;
      let duringPost = async () => {};
      const simulation = await simulationWithWebhook({
        busRefuses: () => isBusDown,
        async answer() {
          await duringPost();
          return { httpStatus: 500 };
        },
      });
      simulation.publish();
      await simulation.pass(40 * HOUR_MS);
      const failed = await simulation.deliveries.find(id);
      expect(failed).toMatchObject({ status: "failed", unpublishedFailures: [{ cycle: 1 }] });

      const publish = makePublishDeliveryFailed({
        ...simulation.ports,
        context: simulation.context,
      });
      simulation.answerWith(async () => {
        isBusDown = false;
        const current = await simulation.deliveries.find(id);
        if (current?.status === "delivering") await publish([current]);
        return { httpStatus };
      });
      duringPost = async () => {};
      const before = simulation.posts.length;
      await apiOf(simulation).deliveries.resend("cl_1", id);
      await simulation.pass(2 * HOUR_MS);
      expect(simulation.posts).toHaveLength(before + 1);
      expect(await simulation.deliveries.find(id)).toMatchObject({
        ...expected,
        unpublishedFailures: [],
      });
      const ids = simulation.published.map(({ id: eventId }) => eventId);
      expect(ids.filter((eventId) => eventId === `delivery.failed:${id}:1`)).toHaveLength(1);
    },
  );
});

describe("a webhook that this version cannot read (G11)", () => {
  test("a webhook that cannot be read fails the messages of its own client only, at creation and at an attempt", async () => {
    const simulation = makeDeliverySimulation({ answer: () => ({ httpStatus: 200 }) });
    const broken = new Set<string>();
    // As the store returns it: `dynamo-deliveries.test.ts` covers the reading of the item.
    const { read } = simulation.inputs;
    const inputs: DeliveryInputsReader = {
      async read(keys) {
        const found = await read(keys);
        const unreadable = new Map(
          [...broken].map((one) => [one, new Failure("DEPENDENCY_DOWN", "unreadable")] as const),
        );
        return {
          ...found,
          unreadable,
          webhooks: new Map([...found.webhooks].filter(([client]) => !broken.has(client))),
        };
      },
    };
    Object.assign(simulation.ports.inputs, inputs);
    for (const client of ["cl_1", "cl_2"])
      await simulation.webhooks.replace(webhookOfClient(client));
    broken.add("cl_2");
    for (const clientId of ["cl_1", "cl_2"]) {
      for (const requestId of ["rq_1", "rq_2"]) simulation.publish({ clientId, requestId });
    }
    await simulation.drain();
    expect(simulation.posts.map(({ url }) => url)).toEqual(Array(2).fill(OLD_URL));
    broken.clear();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(4);
  });
});

test("the headers of the client are sent with each attempt, and a change of them holds for the next one", async () => {
  const { simulation, webhooks } = await sixWaiting();
  await webhooks.update("cl_1", { headers: { "X-Api-Key": "sesame" }, url: NEW_URL });
  await simulation.pass(HOUR_MS);
  const sent = simulation.posts.filter(({ url }) => url === NEW_URL);
  for (const { headers } of sent) {
    expect(headers).toMatchObject({
      "x-api-key": "sesame",
      "content-type": "application/json",
      "webhook-id": expect.any(String),
    });
  }
});
