import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { MAX_RETRY_AFTER_MS, retryAfterOf } from "../../shared/core/providers/retry-after.ts";
import {
  Crash,
  DELAYS_MS,
  HOUR_MS,
  simulatedDeliveryId as id,
  MINUTE_MS,
  simulationWithWebhook,
} from "../support/simulations/delivery-simulation.ts";

/** Rows D1 to D6, D8, D9, D12 and D15 of the fault matrix: crashes, lost messages, and answers of endpoints. */

const DAY_MS = 24 * HOUR_MS;

/** The first attempt at a fast endpoint also stores the delivery. */
const endpoints = [
  ["that is unproven", { isFast: false }],
  ["that is fast", { isFast: true }],
] as const;

/** Decorates a store: `replace` has a fault for the records that `when` selects. */
const faultyReplace =
  (
    when: (delivery: DeliveryRecord) => boolean,
    fault: (apply: () => Promise<unknown>) => Promise<never>,
  ) =>
  (store: DeliveryStore): DeliveryStore => ({
    ...store,
    replace: async (delivery) =>
      when(delivery) ? fault(() => store.replace(delivery)) : store.replace(delivery),
  });

function times(n: number): () => boolean {
  let left = n;
  return () => left-- > 0;
}

const wasAnswered = ({ attemptHistory, owner }: DeliveryRecord) =>
  attemptHistory.length > 0 && owner === undefined;

describe.each(endpoints)(
  "D1: a worker that stops before the POST to an endpoint %s",
  (_, known) => {
    test("D1: another worker makes the attempt of a stopped worker with the same number", async () => {
      const stopsOnce = times(1);
      const simulation = await simulationWithWebhook(
        {
          answer: () => {
            if (stopsOnce()) throw new Crash();
            return { httpStatus: 200 };
          },
        },
        known,
      );
      simulation.publish();
      await simulation.pass(HOUR_MS);
      expect(simulation.crashes()).toBe(1);
      expect(await simulation.deliveries.find(id)).toMatchObject({
        status: "delivered",
        attemptHistory: [{ attemptNumber: 1, httpStatus: 200 }],
      });
    });

    test("D1: stopped workers cause at most 8 attempts, and at most 2 additional POSTs for each attempt", async () => {
      const simulation = await simulationWithWebhook(
        {
          answer: () => {
            throw new Crash();
          },
        },
        known,
      );
      simulation.publish();
      await simulation.pass(5 * DAY_MS);
      const delivery = await simulation.deliveries.find(id);
      expect(delivery).toMatchObject({
        status: "failed",
        reason: "attempts_used",
        attemptsInCycle: 8,
      });
      expect(delivery?.attemptHistory.map(({ error }) => error)).toEqual(
        Array(8).fill("WORKER_LOST"),
      );
      expect(simulation.posts).toHaveLength(8 * 3);
      expect(simulation.counts.DeliveryFailed).toBe(1);
    });
  },
);

test.each(endpoints)(
  "D2: a worker that stops between the POST to an endpoint %s and its record causes a second POST with the same id and bytes",
  async (_, known) => {
    const stopsOnce = times(1);
    const simulation = await simulationWithWebhook(
      {
        deliveries: faultyReplace(
          (delivery) => wasAnswered(delivery) && stopsOnce(),
          async () => {
            throw new Crash();
          },
        ),
      },
      known,
    );
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(2);
    const [first, second] = simulation.posts;
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.body).toBe(first?.body);
    const delivery = await simulation.deliveries.find(id);
    expect(delivery).toMatchObject({ status: "delivered", attemptsInCycle: 1 });
  },
);

test.each(endpoints)(
  "D3: a record whose write succeeded but was not acknowledged causes no second POST to an endpoint %s",
  async (_, known) => {
    const loses = times(1);
    const simulation = await simulationWithWebhook(
      {
        deliveries: faultyReplace(
          (delivery) => wasAnswered(delivery) && loses(),
          async (apply) => {
            await apply();
            throw new Failure("DEPENDENCY_DOWN", "the answer was lost");
          },
        ),
      },
      known,
    );
    simulation.publish();
    await simulation.pass(DAY_MS);
    expect(simulation.posts).toHaveLength(1);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptsInCycle: 1,
    });
  },
);

test("D4: the sweep sends the message of the next attempt if it was lost", async () => {
  const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  simulation.publish();
  await simulation.drain();
  for (let n = 1; n < 8; n++) {
    simulation.lose();
    // A message counts as lost 20 minutes after it is due.
    await simulation.pass((DELAYS_MS[n - 1] ?? 0) + 22 * MINUTE_MS);
    expect(simulation.posts).toHaveLength(n + 1);
  }
  expect(await simulation.deliveries.find(id)).toMatchObject({
    status: "failed",
    attemptsInCycle: 8,
  });
});

test("D4: the sweep sends the message of the first attempt if it was lost", async () => {
  const simulation = await simulationWithWebhook({
    queue: (queue) => {
      const loses = times(1);
      return {
        send: (name, messages) => (loses() ? Promise.resolve() : queue.send(name, messages)),
      };
    },
  });
  simulation.publish();
  await simulation.drain();
  expect(simulation.posts).toHaveLength(0);
  await simulation.pass(22 * MINUTE_MS);
  expect((await simulation.deliveries.find(id))?.status).toBe("delivered");
});

test("D5: the sweep publishes and counts a failure whose worker stopped after recording it", async () => {
  const simulation = await simulationWithWebhook({
    answer: () => ({ httpStatus: 500 }),
    deliveries: faultyReplace(
      ({ unpublishedFailures, owner }) =>
        unpublishedFailures.length > 0 && owner === undefined && stopsOnce(),
      async (apply) => {
        await apply();
        throw new Crash();
      },
    ),
  });
  let left = 1;
  const stopsOnce = () => left-- > 0;
  simulation.publish();
  await simulation.pass(2 * DAY_MS);
  expect(simulation.crashes()).toBe(1);
  expect(simulation.posts).toHaveLength(8);
  expect(simulation.published.map(({ type }) => type)).toEqual(["delivery.failed"]);
  expect(simulation.counts.DeliveryFailed).toBe(1);
  expect(await simulation.deliveries.find(id)).toMatchObject({
    status: "failed",
    unpublishedFailures: [],
  });
});

test("D6: the sweep sends messages of attempts that are more than 15 minutes away, and the whole cycle follows the schedule", async () => {
  const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  simulation.publish();
  await simulation.pass(DELAYS_MS.slice(0, 2).reduce((sum, ms) => sum + ms, 0));
  // The third attempt has failed. The next is due in 30 minutes, longer than SQS can delay a message.
  expect(simulation.posts).toHaveLength(3);
  expect(simulation.waiting()).toEqual([]);
  await simulation.pass(2 * DAY_MS);
  const span = (simulation.posts.at(-1)?.atMs ?? 0) - (simulation.posts[0]?.atMs ?? 0);
  const schedule = DELAYS_MS.reduce((sum, ms) => sum + ms, 0);
  expect(schedule).toBe(27 * HOUR_MS + 35 * MINUTE_MS + 5_000);
  expect(span).toBeGreaterThanOrEqual(schedule);
  expect(span).toBeLessThanOrEqual(schedule + MINUTE_MS);
});

describe("D8: the status of an answer", () => {
  test.each([
    [200, "delivered"],
    [204, "delivered"],
    [301, "waiting"],
    [307, "waiting"],
    [400, "waiting"],
    [401, "waiting"],
    [404, "waiting"],
    [408, "waiting"],
    [409, "waiting"],
    [410, "failed"],
    [425, "waiting"],
    [429, "waiting"],
    [500, "waiting"],
    [502, "waiting"],
  ])("D8: an answer %d leaves the delivery %s", async (httpStatus, status) => {
    const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus }) });
    simulation.publish();
    await simulation.drain();
    expect((await simulation.deliveries.find(id))?.status).toBe(status);
    expect((await simulation.webhooks.find("cl_1"))?.status).toBe(
      httpStatus === 410 ? "disabled" : "active",
    );
  });
});

test.each([
  ["absent", undefined, 5_000],
  ["a minute", 60_000, 60_000],
  ["a million years", 3.15e16, 36_000_000],
])("D9: a Retry-After that is %s delays the next attempt by %d ms", async (_, asked, expected) => {
  const simulation = await simulationWithWebhook({
    answer: (_post, n) =>
      n === 1 ? { httpStatus: 503, retryAfterMs: asked } : { httpStatus: 200 },
  });
  simulation.publish();
  await simulation.pass(DAY_MS);
  const [first, second] = simulation.posts;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBe(expected);
});

test.each([
  ["negative", "-1", 0],
  ["a date in the past", "Sun, 06 Nov 1994 08:49:37 GMT", 0],
  ["huge", "1e12", undefined],
  ["more digits than a number has", "9".repeat(400), MAX_RETRY_AFTER_MS],
  ["no time", "soon", undefined],
  ["a date that does not exist", "Sun, 99 Nov 2094 08:49:37 GMT", undefined],
])("D9: the header Retry-After that is %s is ignored or limited", async (_, header, read) => {
  const now = Date.UTC(2026, 5, 25);
  const asked = retryAfterOf({ headers: { "retry-after": header }, receivedRealMs: now });
  expect(asked).toEqual(read === undefined ? {} : { retryAfterMs: read });
  const simulation = await simulationWithWebhook({
    answer: (_post, n) => (n === 1 ? { httpStatus: 429, ...asked } : { httpStatus: 200 }),
  });
  simulation.publish();
  await simulation.pass(2 * DAY_MS);
  const [first, second] = simulation.posts;
  const waitedMs = (second?.atMs ?? 0) - (first?.atMs ?? 0);
  // The schedule's own delay is the least, and ten hours is the most that an endpoint can ask for.
  expect(waitedMs).toBeGreaterThanOrEqual(5_000);
  expect(waitedMs).toBeLessThanOrEqual(10 * HOUR_MS);
});

test("D12: webhook-timestamp is the real time of each attempt, and webhook-id stays the same", async () => {
  const simulation = await simulationWithWebhook({
    answer: (_, n) => ({ httpStatus: n < 3 ? 500 : 200 }),
  });
  simulation.publish();
  await simulation.pass(HOUR_MS);
  const stamps = simulation.posts.map(({ headers }) => Number(headers["webhook-timestamp"]));
  expect(stamps).toEqual(simulation.posts.map(({ atMs }) => Math.floor(atMs / 1000)));
  expect(new Set(simulation.posts.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});

test("D15: the headers of a 2xx answer are a success, whatever its body", async () => {
  const simulation = await simulationWithWebhook({
    // For a 200 with a body of 5 GB see `test/contract/http/hostile-endpoints.test.ts`.
    answer: () => ({ httpStatus: 200, bodyStart: "x".repeat(512) }),
  });
  simulation.publish();
  await simulation.drain();
  expect(await simulation.deliveries.find(id)).toMatchObject({
    status: "delivered",
    attemptHistory: [{ httpStatus: 200, bodyStart: "x".repeat(512) }],
  });
});

describe("a failure that cannot be published at once", () => {
  test("the sweep publishes a failure that could not be published at once, also if one of an earlier cycle was published late", async () => {
    const refuses = times(1);
    const simulation = await simulationWithWebhook({
      busRefuses: (eventId) => eventId.endsWith(":2") && refuses(),
    });
    const { nowMs } = simulation.context();
    const failure = { attemptCount: 8, reason: "attempts_used", atMs: nowMs } as const;
    simulation.publish();
    await simulation.drain();
    const delivery = await simulation.deliveries.find(id);
    if (!delivery) throw new Error("no delivery");
    const unpublishedFailures = [
      { ...failure, cycle: 1 },
      { ...failure, cycle: 2 },
    ];
    const known = {
      ...delivery,
      status: "failed",
      unpublishedFailures,
      sweepAtRealMs: nowMs,
    } as const;
    expect(await simulation.deliveries.replace(known)).toBeDefined();
    await simulation.pass(HOUR_MS);
    expect(simulation.published.map(({ id: eventId }) => eventId)).toEqual([
      `delivery.failed:${id}:1`,
      `delivery.failed:${id}:2`,
    ]);
  });

  test("a body that has expired in the bucket fails its delivery, and the failure is published", async () => {
    const simulation = await simulationWithWebhook({ bodyIsGone: true });
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toEqual([]);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "failed",
      reason: "body_gone",
    });
    expect(simulation.counts.DeliveryFailed).toBe(1);
  });
});

test.each([62, 63, 64, 65])(
  "an event with %d levels of nesting is delivered unchanged",
  async (depth) => {
    const simulation = await simulationWithWebhook();
    const result = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const envelope = `{"id":"workflow.completed:rq_1","type":"workflow.completed","createdAt":"2026-01-01T00:00:00.000Z","data":{"result":${result}}}`;
    simulation.publish({ envelope });
    await simulation.drain();
    expect(simulation.posts.map(({ body }) => body)).toEqual([envelope]);
  },
);

test("an unexpected error in one delivery fails its own message only", async () => {
  const simulation = await simulationWithWebhook({
    deliveries: (store) => ({
      ...store,
      claim: async (deliveryId, lease) => {
        if (deliveryId === id) throw new TypeError("planted");
        return store.claim(deliveryId, lease);
      },
    }),
  });
  simulation.publish();
  simulation.publish({ requestId: "rq_2" });
  await simulation.drain();
  expect(simulation.posts.map(({ headers }) => headers["webhook-id"])).toEqual([
    "workflow.completed:rq_2",
  ]);
});
