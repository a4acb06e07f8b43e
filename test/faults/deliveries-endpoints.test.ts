import { describe, expect, test, vi } from "vitest";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import {
  HOUR_MS,
  simulatedDeliveryId as id,
  MINUTE_MS,
  makeDeliverySimulation,
  simulationWithWebhook,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/** Rows D7, D11 and D13 of the fault matrix: no endpoint delays another one (G11), and concurrent workers. */

const DAY_MS = 24 * HOUR_MS;

test("D7: an endpoint that recovers after six hours is not flooded with due deliveries", async () => {
  const count = 600;
  let underWay = 0;
  let peak = 0;
  let isDown = true;
  const simulation = await simulationWithWebhook({
    answer: async () => {
      peak = Math.max(peak, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return { httpStatus: isDown ? 503 : 200 };
    },
  });
  for (let n = 0; n < count; n++) simulation.publish({ requestId: `rq_${n}` });
  await simulation.pass(6 * HOUR_MS);
  isDown = false;
  peak = 0;
  await simulation.pass(DAY_MS);
  const { deliveries } = await simulation.deliveries.list({ clientId: "cl_1", limit: count });
  expect(deliveries.filter(({ status }) => status === "delivered")).toHaveLength(count);
  // A healthy endpoint gets three workers with ten POSTs each; a recovering one at most twice that.
  expect(peak).toBeLessThanOrEqual(2 * 3 * 10);
});

test("D11: an endpoint that hangs with 1,000 deliveries occupies few workers and delays no first attempt at other endpoints", async () => {
  const hangs = Promise.withResolvers<void>();
  const simulation = makeDeliverySimulation({
    answer: async ({ url }) => {
      if (!url.includes("cl-hanging")) return { httpStatus: 200 };
      await hangs.promise;
      return { error: "TIMEOUT", tookMs: 15_000 };
    },
  });
  await simulation.webhooks.replace(webhookOfClient("cl_hanging"));
  await simulation.webhooks.replace(webhookOfClient("cl_healthy"));
  simulation.publish({ clientId: "cl_healthy", requestId: "rq_0" });
  await simulation.pass(MINUTE_MS);
  const postsTo = (name: string) => simulation.posts.filter(({ url }) => url.includes(name)).length;
  const before = postsTo("cl-healthy");
  for (let n = 0; n < 1_000; n++)
    simulation.publish({ clientId: "cl_hanging", requestId: `rq_d${n}` });
  for (let n = 1; n <= 20; n++)
    simulation.publish({ clientId: "cl_healthy", requestId: `rq_w${n}` });
  const remainingMs = () => 40_000;
  const events = simulation.waiting().map(({ body }) => ({ kind: "event", body }) as const);
  simulation.lose();
  await simulation.handle(events, { queue: "fanout", remainingMs });
  const messagesOf = (queue: string) =>
    simulation
      .waiting()
      .filter((one) => one.queue === queue)
      .map(({ body }) => ({ kind: "attempt", message: JSON.parse(body) }) as const);
  const [backlog, others] = [messagesOf("retries"), messagesOf("attempts")];
  simulation.lose();

  let busy = 0;
  const workers = Array.from({ length: 10 }, async (_, n) => {
    busy++;
    const batch = backlog.slice(100 * n, 100 * (n + 1));
    await simulation.handle(batch, { queue: "retries", remainingMs });
    busy--;
  });
  // Three of ten workers wait for it, with ten POSTs each. The others have put their messages back.
  const waiting = () => ({ busy, posts: postsTo("cl-hanging") });
  await vi.waitFor(() => expect(waiting()).toEqual({ busy: 3, posts: 30 }), waitOptions);
  for (const batch of [others.slice(0, 10), others.slice(10)]) {
    const outcomes = await simulation.handle(batch, { queue: "attempts", remainingMs });
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(10).fill("attempted"));
  }
  // All this while, none of the POSTs to the endpoint that hangs has been answered.
  expect(waiting()).toEqual({ busy: 3, posts: 30 });
  expect(postsTo("cl-healthy") - before).toBe(20);
  hangs.resolve();
  await Promise.all(workers);
  expect(simulation.counts.BreakerOpened).toBe(1);
});

test("An endpoint that times out with 1,000 deliveries gets ten POSTs, and then one for each batch", async () => {
  const simulation = makeDeliverySimulation({
    answer: () => ({ error: "TIMEOUT", tookMs: 15_000 }),
  });
  await simulation.webhooks.replace(webhookOfClient("cl_hanging"));
  for (let n = 0; n < 1_000; n++)
    simulation.publish({ clientId: "cl_hanging", requestId: `rq_d${n}` });
  await simulation.drain();
  // Ten until the circuit opens; then each of 100 batches probes with one delivery.
  expect(simulation.posts.length).toBeLessThanOrEqual(10 + 100);
  expect(simulation.counts.BreakerOpened).toBe(1);
});

test("D11: while one worker probes a failing endpoint, messages are held unless they have been held for 15 minutes", async () => {
  const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  const place = {
    clientId: "cl_1",
    webhookId: "wh_cl_1",
    endpointNumber: 1,
    isFast: false,
    fastSuccessesNeeded: 20,
  };
  const slots = { another: simulation.now() + 75_000 };
  await simulation.health.replace({ ...place, consecutiveFailures: 5, slots, version: 0 });
  for (const requestId of ["rq_1", "rq_2"]) simulation.publish({ requestId });
  const options = { queue: "retries", remainingMs: () => 40_000 } as const;
  const events = simulation.waiting().map(({ body }) => ({ kind: "event", body }) as const);
  simulation.lose();
  await simulation.handle(events, options);
  const messages = simulation.waiting().map(({ body }) => JSON.parse(body) as AttemptMessage);
  simulation.lose();
  const attempt = (heldMs: number) =>
    simulation.handle(
      messages
        .splice(0, 1)
        .map((message) => ({ kind: "attempt", message: { ...message, heldMs } }) as const),
      options,
    );
  expect(await attempt(420_000)).toMatchObject([{ kind: "held" }]);
  expect(simulation.posts).toHaveLength(0);
  expect(await attempt(900_000)).toMatchObject([{ kind: "attempted" }]);
  expect(simulation.posts).toHaveLength(1);
});

describe("D11: a fast endpoint that begins to hang", () => {
  async function hanging() {
    let release = () => {};
    const hangs = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isSlow = () => {};
    const slow = new Promise<void>((resolve) => {
      isSlow = resolve;
    });
    const simulation = await simulationWithWebhook(
      {
        // The 500 ms after which a POST counts as slow pass when the test calls `isSlow`.
        sleep: () => slow,
        answer: async () => {
          await hangs;
          return { error: "TIMEOUT", tookMs: 15_000 };
        },
      },
      { isFast: true },
    );
    const messages: AttemptMessage[] = [];
    for (let n = 0; n < 40; n++) simulation.publish({ requestId: `rq_${n}` });
    const options = { remainingMs: () => 40_000 } as const;
    const events = simulation.waiting().map(({ body }) => ({ kind: "event", body }) as const);
    simulation.lose();
    await simulation.handle(events, { queue: "retries", ...options });
    for (const { body } of simulation.waiting()) messages.push(JSON.parse(body) as AttemptMessage);
    simulation.lose();
    const batch = (count: number) =>
      simulation.handle(
        messages.splice(0, count).map((message) => ({ kind: "attempt", message }) as const),
        { queue: "attempts", ...options },
      );
    return { simulation, batch, release, isSlow };
  }

  test("D11: a fast endpoint that begins to hang gets at most three workers for its backlog", async () => {
    const { simulation, batch, release, isSlow } = await hanging();
    const running = [batch(10), batch(10), batch(10)];
    await vi.waitFor(() => expect(simulation.posts).toHaveLength(30), waitOptions);
    // The fourth worker moves its messages without a POST.
    expect((await batch(10)).map(({ kind }) => kind)).toEqual(Array(10).fill("movedToRetries"));
    expect(simulation.posts).toHaveLength(30);
    isSlow();
    release();
    await Promise.all(running);
  });

  test("D11: an endpoint gets no more attempts through the attempts queue once one POST is slow", async () => {
    const { simulation, batch, release, isSlow } = await hanging();
    const running = [batch(1), batch(1)];
    await vi.waitFor(() => expect(simulation.posts).toHaveLength(2), waitOptions);
    isSlow();
    await vi.waitFor(async () => {
      const { health } = await simulation.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
      expect(health.get("cl_1")?.isFast).toBe(false);
    }, waitOptions);
    expect((await batch(1)).map(({ kind }) => kind)).toEqual(["movedToRetries"]);
    expect(simulation.posts).toHaveLength(2);
    release();
    await Promise.all(running);
  });

  test("D11: an endpoint gets attempts through the attempts queue again after 20 fast successes", async () => {
    const simulation = await simulationWithWebhook({
      answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }),
    });
    const isFast = async () => {
      const { health } = await simulation.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
      return health.get("cl_1")?.isFast;
    };
    simulation.publish({ requestId: "rq_0" });
    await simulation.pass(MINUTE_MS);
    for (let n = 1; n < 20; n++) {
      expect(await isFast()).toBe(false);
      simulation.publish({ requestId: `rq_${n}` });
      await simulation.pass(1_000);
    }
    expect(await isFast()).toBe(true);
  });
});

describe("D13: several workers that receive the same attempt", () => {
  test("D13: several workers that receive the same attempt make one POST if the delivery is stored", async () => {
    const simulation = await simulationWithWebhook();
    simulation.publish();
    const [event] = simulation.waiting();
    const options = { queue: "retries", remainingMs: () => 40_000 } as const;
    await simulation.handle([{ kind: "event", body: event?.body ?? "" }], options);
    const message = {
      v: 1,
      kind: "attempt",
      deliveryId: id,
      clientId: "cl_1",
      webhookId: "wh_cl_1",
    };
    const work = { kind: "attempt", message: message as AttemptMessage } as const;
    await Promise.all([1, 2, 3].map(() => simulation.handle([work, work], options)));
    await simulation.drain();
    expect(simulation.posts).toHaveLength(1);
  });

  test("D13: copies of a message are dropped once the attempt that it names is made", async () => {
    const delaysMs = Array.from({ length: 7 }, () => 5 * MINUTE_MS);
    const simulation = makeDeliverySimulation({
      rules: { delaysMs },
      answer: () => ({ httpStatus: 500 }),
    });
    await simulation.webhooks.replace(webhookOfClient());
    simulation.publish();
    await simulation.pass(MINUTE_MS);
    const [message] = simulation.waiting();
    if (!message) throw new Error("no message");
    for (let copies = 1; copies < 50; copies++) simulation.waiting().push(message);
    await simulation.pass(6 * MINUTE_MS);
    expect(simulation.waiting()).toHaveLength(1);
    await simulation.pass(2 * HOUR_MS);
    expect(simulation.posts).toHaveLength(8);
  });

  test("D13: several workers that receive the same attempt make one POST if the first attempt stores the delivery", async () => {
    const simulation = await simulationWithWebhook({}, { isFast: true });
    simulation.publish();
    const [event] = simulation.waiting();
    const options = { queue: "attempts", remainingMs: () => 40_000 } as const;
    await simulation.handle([{ kind: "event", body: event?.body ?? "" }], options);
    const message = JSON.parse(simulation.waiting().at(-1)?.body ?? "") as AttemptMessage;
    expect(message.unstored).toBeDefined();
    expect(await simulation.deliveries.find(id)).toBeUndefined();
    const work = { kind: "attempt", message } as const;
    await Promise.all([1, 2, 3].map(() => simulation.handle([work, work], options)));
    await simulation.drain();
    expect(simulation.posts).toHaveLength(1);
    expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
  });

  test("D13: several workers store a delivery once and move it to the retries queue if its endpoint is no longer fast", async () => {
    const simulation = await simulationWithWebhook({}, { isFast: true });
    simulation.publish();
    const [event] = simulation.waiting();
    const options = { queue: "attempts", remainingMs: () => 40_000 } as const;
    await simulation.handle([{ kind: "event", body: event?.body ?? "" }], options);
    const message = JSON.parse(simulation.waiting().at(-1)?.body ?? "") as AttemptMessage;
    const { health } = await simulation.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
    const known = health.get("cl_1");
    if (known) await simulation.health.replace({ ...known, isFast: false });
    await simulation.handle([{ kind: "attempt", message }], options);
    expect(simulation.posts).toHaveLength(0);
    expect(await simulation.deliveries.find(id)).toMatchObject({ status: "waiting" });
    await simulation.drain();
    expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
  });
});
