import { describe, expect, test } from "vitest";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { currentSecret } from "../../shared/core/deliveries/signing/signing.ts";
import { verifyLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import {
  DELAYS_MS,
  type DeliverySimulation,
  HOUR_MS,
  simulatedDeliveryId as id,
  MINUTE_MS,
  master,
  simulationWithWebhook,
} from "../support/simulations/delivery-simulation.ts";

const DAY_MS = 24 * HOUR_MS;

/** The times between consecutive POSTs. */
function gaps({ posts }: DeliverySimulation): number[] {
  return posts.slice(1).map(({ atMs }, index) => atMs - (posts[index]?.atMs ?? 0));
}

describe("a delivery that succeeds", () => {
  test("a delivery makes one signed POST with the bytes of the event and is then delivered", async () => {
    const simulation = await simulationWithWebhook();
    const event = simulation.publish();
    await simulation.pass(2 * DAY_MS);
    expect(simulation.posts).toHaveLength(1);
    expect(simulation.posts[0]).toMatchObject({
      url: "https://cl-1.example.com/hook",
      body: event.envelope,
      headers: { "webhook-id": event.id, "webhook-signature": expect.stringMatching(/^v1,/) },
    });
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "delivered",
      cycle: 1,
      attemptHistory: [{ attemptNumber: 1, cycle: 1, httpStatus: 200 }],
    });
    expect(simulation.published).toEqual([]);
  });

  test("a delivery is signed in the scheme of a provider too, where its webhook asks for it", async () => {
    const simulation = await simulationWithWebhook();
    const webhook = await simulation.webhooks.find("cl_1");
    if (!webhook) throw new Error("There is no webhook");
    await simulation.webhooks.replace({ ...webhook, signedAs: "linked-api" });
    const event = simulation.publish();
    await simulation.pass(MINUTE_MS);
    const { headers = {}, body = "" } = simulation.posts[0] ?? {};
    const secret = currentSecret(webhook, master);
    const timestamp = headers["linked-api-signature-timestamp"] ?? "";
    const webhookReceived = { bytes: Buffer.from(body), headers };
    expect(timestamp).toBe(headers["webhook-timestamp"]);
    expect(body).toBe(event.envelope);
    for (const [given, kind] of [
      [secret, "verified"],
      [`${secret}x`, "invalid"],
    ] as const) {
      const input = { secrets: [given], nowMs: Number(timestamp) * 1_000 };
      expect(verifyLinkedApi(webhookReceived, input)).toMatchObject({ kind });
    }
  });

  test.each([200, 201, 202, 204, 299])(
    "a delivery is delivered if the answer is %d",
    async (httpStatus) => {
      const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus }) });
      simulation.publish();
      await simulation.pass(MINUTE_MS);
      expect((await simulation.deliveries.find(id))?.status).toBe("delivered");
    },
  );

  test("a delivery makes one POST, however often the bus delivers the event", async () => {
    const simulation = await simulationWithWebhook();
    simulation.publish();
    simulation.publish();
    await simulation.pass(MINUTE_MS);
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(1);
  });

  test("a successful delivery makes the endpoint fast: the next delivery goes through the attempts queue", async () => {
    const simulation = await simulationWithWebhook();
    simulation.publish();
    await simulation.pass(MINUTE_MS);
    simulation.publish({ requestId: "rq_2" });
    await simulation.handle([{ kind: "event", body: simulation.waiting()[0]?.body ?? "" }], {
      queue: "retries",
      remainingMs: () => 40_000,
    });
    expect(simulation.waiting().map(({ queue }) => queue)).toContain("attempts");
  });
});

describe("a delivery that fails", () => {
  test.each([300, 301, 302, 307, 308, 400, 401, 404, 408, 409, 425, 429, 500, 503])(
    "a delivery makes 8 attempts with the same bytes on the schedule if every answer is %d",
    async (httpStatus) => {
      const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus }) });
      const event = simulation.publish();
      await simulation.pass(2 * DAY_MS);
      expect(gaps(simulation)).toEqual(DELAYS_MS);
      expect(new Set(simulation.posts.map(({ body }) => body))).toEqual(new Set([event.envelope]));
      const ids = new Set(simulation.posts.map(({ headers }) => headers["webhook-id"]));
      expect(ids).toEqual(new Set([event.id]));
      const stamps = new Set(simulation.posts.map(({ headers }) => headers["webhook-timestamp"]));
      expect(stamps.size).toBe(8);
      const delivery = await simulation.deliveries.find(id);
      expect(delivery).toMatchObject({
        status: "failed",
        reason: "attempts_used",
        attemptsInCycle: 8,
      });
      expect(delivery?.attemptHistory.map(({ attemptNumber }) => attemptNumber)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8,
      ]);
      expect(simulation.counts).toMatchObject({ DeliveryFailed: 1 });
      expect(simulation.published.map((one) => JSON.parse(one.envelope))).toEqual([
        {
          id: `delivery.failed:${id}:1`,
          type: "delivery.failed",
          createdAt: expect.any(String),
          data: {
            deliveryId: id,
            eventId: event.id,
            eventType: "workflow.completed",
            webhookId: "wh_cl_1",
            cycle: 1,
            attempts: 8,
            reason: "attempts_used",
          },
        },
      ]);
      expect(simulation.waiting()).toEqual([]);
    },
  );

  test("a delivery stops at the first successful attempt", async () => {
    const simulation = await simulationWithWebhook({
      answer: (_, n) => (n < 4 ? { error: "ECONNREFUSED" } : { httpStatus: 200 }),
    });
    simulation.publish();
    await simulation.pass(2 * DAY_MS);
    expect(gaps(simulation)).toEqual(DELAYS_MS.slice(0, 3));
    const delivery = await simulation.deliveries.find(id);
    expect(delivery?.attemptHistory.map(({ error, httpStatus }) => error ?? httpStatus)).toEqual([
      "ECONNREFUSED",
      "ECONNREFUSED",
      "ECONNREFUSED",
      200,
    ]);
  });

  test("a delivery follows the whole schedule ± jitter", async () => {
    for (const draw of [0, 0.25, 1]) {
      const simulation = await simulationWithWebhook({
        answer: () => ({ httpStatus: 500 }),
        random: () => draw,
      });
      simulation.publish();
      await simulation.pass(3 * DAY_MS);
      expect(gaps(simulation)).toEqual(
        DELAYS_MS.map((ms) => Math.round(ms * (1 + 0.2 * (2 * draw - 1)))),
      );
    }
  });

  test("a delivery ends at an answer 410, which disables the webhook and is published", async () => {
    const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus: 410 }) });
    simulation.publish();
    await simulation.pass(DAY_MS);
    expect(simulation.posts).toHaveLength(1);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "failed",
      reason: "gone",
    });
    expect(await simulation.webhooks.find("cl_1")).toMatchObject({
      status: "disabled",
      disabledReason: "endpoint_answered_410",
    });
    expect(simulation.published.map(({ type }) => type).sort()).toEqual([
      "delivery.failed",
      "webhook.disabled",
    ]);
    expect(simulation.counts).toMatchObject({ WebhookDisabled: 1 });
  });

  test("an answer 410 of a URL that the client has left meanwhile ends nothing", async () => {
    const simulation = await simulationWithWebhook();
    const moved = "https://cl-1.example.com/moved";
    simulation.answerWith(async ({ url }) => {
      if (url === moved) return { httpStatus: 200 };
      const webhook = await simulation.webhooks.find("cl_1");
      if (webhook) await simulation.webhooks.replace({ ...webhook, url: moved, endpointNumber: 2 });
      return { httpStatus: 410 };
    });
    simulation.publish();
    await simulation.pass(DAY_MS);
    expect(simulation.posts.map(({ url }) => url)).toEqual([
      "https://cl-1.example.com/hook",
      moved,
    ]);
    expect(await simulation.webhooks.find("cl_1")).toMatchObject({ status: "active", url: moved });
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptHistory: [{ httpStatus: 410 }, { httpStatus: 200 }],
    });
    expect(simulation.published).toEqual([]);
  });

  test("a delivery whose claim takes seconds is sent to the URL that the client has by then", async () => {
    const moved = "https://cl-1.example.com/moved";
    const simulation: DeliverySimulation = await simulationWithWebhook({
      deliveries: (store) => ({
        ...store,
        async create(delivery) {
          const created = await store.create(delivery);
          const webhook = await simulation.webhooks.find("cl_1");
          if (delivery.status === "delivering" && webhook?.url !== moved && webhook) {
            simulation.skip(2_000);
            await simulation.webhooks.replace({ ...webhook, url: moved, endpointNumber: 2 });
          }
          return created;
        },
        async claim(deliveryId, lease) {
          const claimed = await store.claim(deliveryId, lease);
          const webhook = await simulation.webhooks.find("cl_1");
          if (webhook && webhook.url !== moved) {
            simulation.skip(2_000);
            await simulation.webhooks.replace({ ...webhook, url: moved, endpointNumber: 2 });
          }
          return claimed;
        },
      }),
    });
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts.map(({ url }) => url)).toEqual([moved]);
  });

  test("a request that is cancelled while its delivery is claimed is not delivered", async () => {
    const simulation: DeliverySimulation = await simulationWithWebhook({
      deliveries: (store) => ({
        ...store,
        async claim(deliveryId, lease) {
          simulation.skip(2_000);
          simulation.cancelledRequests.add("rq_1");
          return store.claim(deliveryId, lease);
        },
      }),
    });
    simulation.publish({ type: "workflow.started" });
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toEqual([]);
    const started = deliveryIdOf("wh_cl_1", "workflow.started:rq_1");
    expect(await simulation.deliveries.find(started)).toMatchObject({
      ...{ status: "cancelled", reason: "request_cancelled" },
    });
  });

  test("a delivery fails at once, without a POST, if the webhook is disabled", async () => {
    const simulation = await simulationWithWebhook();
    const webhook = await simulation.webhooks.find("cl_1");
    if (webhook) await simulation.webhooks.replace({ ...webhook, status: "disabled" });
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toEqual([]);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "failed",
      reason: "disabled",
    });
    expect(simulation.counts.DeliveryFailed).toBe(1);
  });
});

describe("Retry-After", () => {
  test.each([
    ["that is longer than the schedule is respected", 503, 600_000, 600_000],
    ["that is shorter than the schedule has no effect", 429, 1_000, 5_000],
    ["that is longer than the longest delay is limited to that delay", 429, 1e15, 36_000_000],
    ["with another status is ignored", 500, 600_000, 5_000],
  ])("a Retry-After %s (%d)", async (_name, httpStatus, retryAfterMs, expected) => {
    const simulation = await simulationWithWebhook({
      answer: (_post, n) => (n === 1 ? { httpStatus, retryAfterMs } : { httpStatus: 200 }),
    });
    simulation.publish();
    await simulation.pass(DAY_MS);
    expect(gaps(simulation)).toEqual([expected]);
  });
});
