import { describe, expect, test } from "vitest";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import {
  DELAYS_MS,
  type DeliverySimulation,
  HOUR_MS,
  MINUTE_MS,
  makeDeliverySimulation,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";

const id = deliveryIdOf("wh_cl_1", "workflow.completed:rq_1");
const DAY_MS = 24 * HOUR_MS;

async function worldWithWebhook(...args: Parameters<typeof makeDeliverySimulation>) {
  const world = makeDeliverySimulation(...args);
  await world.webhooks.replace(webhookOfClient());
  return world;
}

/** What lies between a POST and the next. */
function gaps({ posts }: DeliverySimulation): number[] {
  return posts.slice(1).map(({ atMs }, index) => atMs - (posts[index]?.atMs ?? 0));
}

describe("a delivery that succeeds", () => {
  test("is one POST of the event's very bytes, signed, and then delivered", async () => {
    const world = await worldWithWebhook();
    const event = world.publish();
    await world.pass(2 * DAY_MS);
    expect(world.posts).toHaveLength(1);
    expect(world.posts[0]).toMatchObject({
      url: "https://cl-1.example.com/hook",
      body: event.envelope,
      headers: { "webhook-id": event.id, "webhook-signature": expect.stringMatching(/^v1,/) },
    });
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "delivered",
      cycle: 1,
      attemptHistory: [{ attemptNumber: 1, cycle: 1, httpStatus: 200 }],
    });
    expect(world.published).toEqual([]);
  });

  test.each([200, 201, 202, 204, 299])("also when it is answered %d", async (httpStatus) => {
    const world = await worldWithWebhook({ answer: () => ({ httpStatus }) });
    world.publish();
    await world.pass(MINUTE_MS);
    expect((await world.deliveries.find(id))?.status).toBe("delivered");
  });

  test("comes once, however often the bus hands the event on", async () => {
    const world = await worldWithWebhook();
    world.publish();
    world.publish();
    await world.pass(MINUTE_MS);
    world.publish();
    await world.pass(HOUR_MS);
    expect(world.posts).toHaveLength(1);
  });

  test("at an endpoint that is known as prompt, the next goes the quick way", async () => {
    const world = await worldWithWebhook();
    world.publish();
    await world.pass(MINUTE_MS);
    world.publish({ requestId: "rq_2" });
    await world.handle([{ kind: "event", body: world.waiting()[0]?.body ?? "" }], {
      queue: "retries",
      remainingMs: () => 40_000,
    });
    expect(world.waiting().map(({ queue }) => queue)).toContain("attempts");
  });
});

describe("a delivery that fails", () => {
  test.each([300, 301, 302, 307, 308, 400, 401, 404, 408, 409, 425, 429, 500, 503])(
    "%d is a failure: 8 attempts on the schedule, the same bytes, and then failed",
    async (httpStatus) => {
      const world = await worldWithWebhook({ answer: () => ({ httpStatus }) });
      const event = world.publish();
      await world.pass(2 * DAY_MS);
      expect(gaps(world)).toEqual(DELAYS_MS);
      expect(new Set(world.posts.map(({ body }) => body))).toEqual(new Set([event.envelope]));
      const ids = new Set(world.posts.map(({ headers }) => headers["webhook-id"]));
      expect(ids).toEqual(new Set([event.id]));
      const stamps = new Set(world.posts.map(({ headers }) => headers["webhook-timestamp"]));
      expect(stamps.size).toBe(8);
      const delivery = await world.deliveries.find(id);
      expect(delivery).toMatchObject({
        status: "failed",
        reason: "attempts_used",
        attemptsInCycle: 8,
      });
      expect(delivery?.attemptHistory.map(({ attemptNumber }) => attemptNumber)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8,
      ]);
      expect(world.counts).toMatchObject({ DeliveryFailed: 1 });
      expect(world.published.map((one) => JSON.parse(one.envelope))).toEqual([
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
      expect(world.waiting()).toEqual([]);
    },
  );

  test("stops at the first success", async () => {
    const world = await worldWithWebhook({
      answer: (_, n) => (n < 4 ? { error: "ECONNREFUSED" } : { httpStatus: 200 }),
    });
    world.publish();
    await world.pass(2 * DAY_MS);
    expect(gaps(world)).toEqual(DELAYS_MS.slice(0, 3));
    const delivery = await world.deliveries.find(id);
    expect(delivery?.attemptHistory.map(({ error, httpStatus }) => error ?? httpStatus)).toEqual([
      "ECONNREFUSED",
      "ECONNREFUSED",
      "ECONNREFUSED",
      200,
    ]);
  });

  test("keeps to the schedule ± jitter, and to the whole of it", async () => {
    for (const draw of [0, 0.25, 1]) {
      const world = await worldWithWebhook({
        answer: () => ({ httpStatus: 500 }),
        random: () => draw,
      });
      world.publish();
      await world.pass(3 * DAY_MS);
      expect(gaps(world)).toEqual(
        DELAYS_MS.map((ms) => Math.round(ms * (1 + 0.2 * (2 * draw - 1)))),
      );
    }
  });

  test("410 ends it, disables the webhook, and is told on the bus", async () => {
    const world = await worldWithWebhook({ answer: () => ({ httpStatus: 410 }) });
    world.publish();
    await world.pass(DAY_MS);
    expect(world.posts).toHaveLength(1);
    expect(await world.deliveries.find(id)).toMatchObject({ status: "failed", reason: "gone" });
    expect(await world.webhooks.find("cl_1")).toMatchObject({
      status: "disabled",
      disabledReason: "endpoint_answered_410",
    });
    expect(world.published.map(({ type }) => type).sort()).toEqual([
      "delivery.failed",
      "webhook.disabled",
    ]);
    expect(world.counts).toMatchObject({ WebhookDisabled: 1 });
  });

  test("a disabled webhook gets no POST; its events fail at once and can be recovered", async () => {
    const world = await worldWithWebhook();
    const webhook = await world.webhooks.find("cl_1");
    if (webhook) await world.webhooks.replace({ ...webhook, status: "disabled" });
    world.publish();
    await world.pass(HOUR_MS);
    expect(world.posts).toEqual([]);
    expect(await world.deliveries.find(id)).toMatchObject({ status: "failed", reason: "disabled" });
    expect(world.counts.DeliveryFailed).toBe(1);
  });
});

describe("Retry-After", () => {
  test.each([
    ["longer than the schedule is honoured", 503, 600_000, 600_000],
    ["shorter changes nothing", 429, 1_000, 5_000],
    ["without end is clamped to the longest step", 429, 1e15, 36_000_000],
    ["of another status is not looked at", 500, 600_000, 5_000],
  ])("%s", async (_name, httpStatus, retryAfterMs, expected) => {
    const world = await worldWithWebhook({
      answer: (_post, n) => (n === 1 ? { httpStatus, retryAfterMs } : { httpStatus: 200 }),
    });
    world.publish();
    await world.pass(DAY_MS);
    expect(gaps(world)).toEqual([expected]);
  });
});
