import { describe, expect, test, vi } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { makeDeactivateWebhook } from "../../shared/core/deliveries/webhooks/deactivate-webhook.ts";
import { patience } from "../support/patience.ts";
import {
  Crash,
  DELAYS_MS,
  HOUR_MS,
  MINUTE_MS,
  makeDeliverySimulation,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";

/** Rows D1 to D15 of the fault matrix: outbound delivery. The endpoint and time are the test's. */

const DAY_MS = 24 * HOUR_MS;
const id = deliveryIdOf("wh_cl_1", "workflow.completed:rq_1");

async function worldWithWebhook(
  options: Parameters<typeof makeDeliverySimulation>[0] = {},
  { isFast = false } = {},
) {
  const world = makeDeliverySimulation(options);
  await world.webhooks.replace(webhookOfClient());
  if (isFast) {
    const of = { clientId: "cl_1", webhookId: "wh_cl_1" };
    await world.health.replace({
      ...of,
      isFast,
      fastSuccessesNeeded: 0,
      consecutiveFailures: 0,
      workers: {},
      version: 0,
    });
  }
  return world;
}

/** Endpoints that answer promptly have a way of their own, on which the first attempt stores the delivery. */
const endpoints = [
  ["that is not known yet", { isFast: false }],
  ["that answers promptly", { isFast: true }],
] as const;

/** A store whose `replace` meets a fault when `when` says so. */
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

describe.each(endpoints)("D1: the worker dies before the POST to an endpoint %s", (_, known) => {
  test("the attempt is made by another, with the same number", async () => {
    const dies = times(1);
    const world = await worldWithWebhook(
      {
        answer: () => {
          if (dies()) throw new Crash();
          return { httpStatus: 200 };
        },
      },
      known,
    );
    world.publish();
    await world.pass(HOUR_MS);
    expect(world.crashes()).toBe(1);
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptHistory: [{ attemptNumber: 1, httpStatus: 200 }],
    });
  });

  test("never more than 8 attempts, and 2 POSTs more for each that a worker died over", async () => {
    const world = await worldWithWebhook(
      {
        answer: () => {
          throw new Crash();
        },
      },
      known,
    );
    world.publish();
    await world.pass(5 * DAY_MS);
    const delivery = await world.deliveries.find(id);
    expect(delivery).toMatchObject({
      status: "failed",
      reason: "attempts_used",
      attemptsInCycle: 8,
    });
    expect(delivery?.attemptHistory.map(({ error }) => error)).toEqual(
      Array(8).fill("WORKER_LOST"),
    );
    expect(world.posts).toHaveLength(8 * 3);
    expect(world.counts.DeliveryFailed).toBe(1);
  });
});

test.each(endpoints)(
  "D2: the worker dies after the POST to one %s, before recording: the same id and bytes come again",
  async (_, known) => {
    const dies = times(1);
    const world = await worldWithWebhook(
      {
        deliveries: faultyReplace(
          (delivery) => wasAnswered(delivery) && dies(),
          async () => {
            throw new Crash();
          },
        ),
      },
      known,
    );
    world.publish();
    await world.pass(HOUR_MS);
    expect(world.posts).toHaveLength(2);
    const [first, second] = world.posts;
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.body).toBe(first?.body);
    const delivery = await world.deliveries.find(id);
    expect(delivery).toMatchObject({ status: "delivered", attemptsInCycle: 1 });
  },
);

test.each(endpoints)(
  "D3: the record of a POST to one %s is written and its answer lost: no POST more",
  async (_, known) => {
    const loses = times(1);
    const world = await worldWithWebhook(
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
    world.publish();
    await world.pass(DAY_MS);
    expect(world.posts).toHaveLength(1);
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptsInCycle: 1,
    });
  },
);

test("D4: the next attempt's message is lost after the record of a failure: the sweep finds it", async () => {
  const world = await worldWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  world.publish();
  await world.drain();
  for (let n = 1; n < 8; n++) {
    world.lose();
    // A message counts as missed twenty minutes after its time.
    await world.pass((DELAYS_MS[n - 1] ?? 0) + 22 * MINUTE_MS);
    expect(world.posts).toHaveLength(n + 1);
  }
  expect(await world.deliveries.find(id)).toMatchObject({ status: "failed", attemptsInCycle: 8 });
});

test("D4: all messages are lost before the first attempt: the sweep finds it", async () => {
  const world = await worldWithWebhook({
    queue: (queue) => {
      const loses = times(1);
      return {
        send: (name, messages) => (loses() ? Promise.resolve() : queue.send(name, messages)),
      };
    },
  });
  world.publish();
  await world.drain();
  expect(world.posts).toHaveLength(0);
  await world.pass(22 * MINUTE_MS);
  expect((await world.deliveries.find(id))?.status).toBe("delivered");
});

test("D5: the 8th failure is recorded and the worker dies: the sweep tells it, and the alarm has its count", async () => {
  const world = await worldWithWebhook({
    answer: () => ({ httpStatus: 500 }),
    deliveries: faultyReplace(
      ({ unpublishedFailures, owner }) =>
        unpublishedFailures.length > 0 && owner === undefined && dies(),
      async (apply) => {
        await apply();
        throw new Crash();
      },
    ),
  });
  let left = 1;
  const dies = () => left-- > 0;
  world.publish();
  await world.pass(2 * DAY_MS);
  expect(world.crashes()).toBe(1);
  expect(world.posts).toHaveLength(8);
  expect(world.published.map(({ type }) => type)).toEqual(["delivery.failed"]);
  expect(world.counts.DeliveryFailed).toBe(1);
  expect(await world.deliveries.find(id)).toMatchObject({
    status: "failed",
    unpublishedFailures: [],
  });
});

test("D6: a delay beyond the 15 minutes of SQS is the sweep's, and the whole span is the schedule's", async () => {
  const world = await worldWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  world.publish();
  await world.pass(DELAYS_MS.slice(0, 2).reduce((sum, ms) => sum + ms, 0));
  // The third attempt has failed: the next is half an hour away, which no message can wait.
  expect(world.posts).toHaveLength(3);
  expect(world.waiting()).toEqual([]);
  await world.pass(2 * DAY_MS);
  const span = (world.posts.at(-1)?.atMs ?? 0) - (world.posts[0]?.atMs ?? 0);
  const schedule = DELAYS_MS.reduce((sum, ms) => sum + ms, 0);
  expect(schedule).toBe(27 * HOUR_MS + 35 * MINUTE_MS + 5_000);
  expect(span).toBeGreaterThanOrEqual(schedule);
  expect(span).toBeLessThanOrEqual(schedule + MINUTE_MS);
});

test("D7: an endpoint that comes back after six hours is not flooded by what is due", async () => {
  const count = 600;
  let underWay = 0;
  let peak = 0;
  let isDown = true;
  const world = await worldWithWebhook({
    answer: async () => {
      peak = Math.max(peak, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return { httpStatus: isDown ? 503 : 200 };
    },
  });
  for (let n = 0; n < count; n++) world.publish({ requestId: `rq_${n}` });
  await world.pass(6 * HOUR_MS);
  isDown = false;
  peak = 0;
  await world.pass(DAY_MS);
  const { deliveries } = await world.deliveries.list({ clientId: "cl_1", limit: count });
  expect(deliveries.filter(({ status }) => status === "delivered")).toHaveLength(count);
  // Three workers with ten POSTs each is what a well endpoint gets.
  expect(peak).toBeLessThanOrEqual(2 * 3 * 10);
});

describe("D8: what an endpoint answers", () => {
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
  ])("%d: %s", async (httpStatus, status) => {
    const world = await worldWithWebhook({ answer: () => ({ httpStatus }) });
    world.publish();
    await world.drain();
    expect((await world.deliveries.find(id))?.status).toBe(status);
    expect((await world.webhooks.find("cl_1"))?.status).toBe(
      httpStatus === 410 ? "disabled" : "active",
    );
  });
});

test.each([
  ["absent", undefined, 5_000],
  ["a minute", 60_000, 60_000],
  ["a million years", 3.15e16, 36_000_000],
])("D9: a Retry-After that is %s moves the next attempt by %d ms", async (_, asked, expected) => {
  const world = await worldWithWebhook({
    answer: (_post, n) =>
      n === 1 ? { httpStatus: 503, retryAfterMs: asked } : { httpStatus: 200 },
  });
  world.publish();
  await world.pass(DAY_MS);
  const [first, second] = world.posts;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBe(expected);
});

describe("D10: the webhook changes while an attempt is due", () => {
  async function afterFirstFailure() {
    const world = await worldWithWebhook({
      answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }),
    });
    world.publish();
    await world.drain();
    const webhook = await world.webhooks.find("cl_1");
    if (!webhook) throw new Error("the webhook is gone");
    return {
      world,
      webhook,
      end: makeDeactivateWebhook({ ...world.ports, context: world.context }),
    };
  }

  test("deleted: cancelled, without a POST", async () => {
    const { world, webhook, end } = await afterFirstFailure();
    await end(webhook, { status: "deleted" });
    await world.pass(DAY_MS);
    expect(world.posts).toHaveLength(1);
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "cancelled",
      reason: "webhook_deleted",
    });
    expect(world.counts.DeliveryFailed).toBe(0);
  });

  test("disabled: failed at once, without a POST, and told", async () => {
    const { world, webhook, end } = await afterFirstFailure();
    await end(webhook, { status: "disabled", reason: "disabled_by_client" });
    await world.drain();
    expect(world.posts).toHaveLength(1);
    expect(await world.deliveries.find(id)).toMatchObject({ status: "failed", reason: "disabled" });
    expect(world.published.map(({ type }) => type).sort()).toEqual([
      "delivery.failed",
      "webhook.disabled",
    ]);
  });

  test("its secret is rotated: signed with both, the same bytes", async () => {
    const { world, webhook } = await afterFirstFailure();
    const validUntil = new Date(world.now() + DAY_MS).toISOString();
    const secrets = [
      { version: 2, masterKeyId: "k1" },
      { version: 1, masterKeyId: "k1", validUntil },
    ];
    await world.webhooks.replace({ ...webhook, secrets });
    await world.pass(MINUTE_MS);
    const [first, second] = world.posts;
    expect(first?.headers["webhook-signature"]?.split(" ")).toHaveLength(1);
    expect(second?.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    expect(second?.body).toBe(first?.body);
  });

  test("its master key is gone: nothing is sent unsigned, and it goes on when the key is back", async () => {
    const { world, webhook } = await afterFirstFailure();
    const secrets = [{ version: 2, masterKeyId: "k2" }];
    await world.webhooks.replace({ ...webhook, secrets });
    await world.pass(HOUR_MS);
    expect(world.posts).toHaveLength(1);
    const found = await world.deliveries.find(id);
    expect(found).toMatchObject({ status: "waiting", attemptsInCycle: 1 });
    const now = await world.webhooks.find("cl_1");
    if (now) await world.webhooks.replace({ ...now, secrets: [{ version: 3, masterKeyId: "k1" }] });
    await world.pass(HOUR_MS);
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptsInCycle: 2,
    });
  });

  test("the key of its former secret is gone: signed with the present one", async () => {
    const { world, webhook } = await afterFirstFailure();
    const validUntil = new Date(world.now() + DAY_MS).toISOString();
    const secrets = [
      { version: 2, masterKeyId: "k1" },
      { version: 1, masterKeyId: "k0", validUntil },
    ];
    await world.webhooks.replace({ ...webhook, secrets });
    await world.pass(MINUTE_MS);
    expect(world.posts.at(-1)?.headers["webhook-signature"]?.split(" ")).toHaveLength(1);
  });

  test("replaced by another after it was disabled: failed, and recoverable to the new one", async () => {
    const { world, webhook, end } = await afterFirstFailure();
    const disabled = await end(webhook, { status: "disabled", reason: "disabled_by_client" });
    await world.drain();
    await world.webhooks.replace({
      ...webhookOfClient("cl_1", { webhookId: "wh_new", url: "https://new.example.com/" }),
      previousWebhooks: [{ webhookId: webhook.webhookId, status: "disabled" }],
      version: disabled?.version ?? 0,
    });
    await world.jobs.create({
      jobId: "job_1",
      clientId: "cl_1",
      kind: "recover",
      sinceMs: world.startMs,
      untilMs: world.now(),
      status: "running",
      examined: 0,
      changed: 0,
      skipped: 0,
      createdMs: world.now(),
      recoverAfterRealMs: world.now(),
      expiresMs: world.now() + DAY_MS,
      version: 0,
    });
    // Its message was lost: the sweep starts it.
    await world.pass(5 * MINUTE_MS);
    expect(await world.jobs.find("job_1")).toMatchObject({
      status: "done",
      examined: 1,
      changed: 1,
    });
    expect(world.posts.at(-1)).toMatchObject({
      url: "https://new.example.com/",
      body: world.posts[0]?.body,
    });
  });
});

test("D11: an endpoint that hangs with a thousand deliveries holds few workers, and the others' first attempts none", async () => {
  const world = makeDeliverySimulation({
    answer: ({ url }) =>
      url.includes("cl-dead") ? { error: "TIMEOUT", tookMs: 15_000 } : { httpStatus: 200 },
  });
  await world.webhooks.replace(webhookOfClient("cl_dead"));
  await world.webhooks.replace(webhookOfClient("cl_well"));
  world.publish({ clientId: "cl_well", requestId: "rq_0" });
  await world.pass(MINUTE_MS);
  for (let n = 0; n < 1_000; n++) world.publish({ clientId: "cl_dead", requestId: `rq_d${n}` });
  for (let n = 1; n <= 20; n++) world.publish({ clientId: "cl_well", requestId: `rq_w${n}` });
  const before = world.posts.length;
  await world.drain();
  const made = world.posts.slice(before);
  expect(made.filter(({ url }) => url.includes("cl-well"))).toHaveLength(20);
  // Ten until it has failed five times in a row; then each of a hundred batches tries one, one at a time.
  expect(made.filter(({ url }) => url.includes("cl-dead")).length).toBeLessThanOrEqual(10 + 100);
  expect(world.counts.BreakerOpened).toBe(1);
});

test("D11: while one worker tries a failing endpoint others are held back, but what was held for a quarter of an hour is not", async () => {
  const world = await worldWithWebhook({ answer: () => ({ httpStatus: 500 }) });
  const place = {
    clientId: "cl_1",
    webhookId: "wh_cl_1",
    isFast: false,
    fastSuccessesNeeded: 20,
  };
  const workers = { another: world.now() + 75_000 };
  await world.health.replace({ ...place, consecutiveFailures: 5, workers, version: 0 });
  for (const requestId of ["rq_1", "rq_2"]) world.publish({ requestId });
  const of = { queue: "retries", remainingMs: () => 40_000 } as const;
  const events = world.waiting().map(({ body }) => ({ kind: "event", body }) as const);
  world.lose();
  await world.handle(events, of);
  const hints = world.waiting().map(({ body }) => JSON.parse(body) as AttemptMessage);
  world.lose();
  const attempt = (heldMs: number) =>
    world.handle(
      hints
        .splice(0, 1)
        .map((hint) => ({ kind: "attempt", message: { ...hint, heldMs } }) as const),
      of,
    );
  expect(await attempt(420_000)).toMatchObject([{ kind: "held" }]);
  expect(world.posts).toHaveLength(0);
  expect(await attempt(900_000)).toMatchObject([{ kind: "attempted" }]);
  expect(world.posts).toHaveLength(1);
});

describe("D11: an endpoint that answered promptly begins to hang", () => {
  async function hanging() {
    let release = () => {};
    const hangs = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isSlow = () => {};
    const slow = new Promise<void>((resolve) => {
      isSlow = resolve;
    });
    const world = await worldWithWebhook(
      {
        // The time after which a POST counts as slow passes when the test says so.
        sleep: () => slow,
        answer: async () => {
          await hangs;
          return { error: "TIMEOUT", tookMs: 15_000 };
        },
      },
      { isFast: true },
    );
    const hints: AttemptMessage[] = [];
    for (let n = 0; n < 40; n++) world.publish({ requestId: `rq_${n}` });
    const of = { remainingMs: () => 40_000 } as const;
    const events = world.waiting().map(({ body }) => ({ kind: "event", body }) as const);
    world.lose();
    await world.handle(events, { queue: "retries", ...of });
    for (const { body } of world.waiting()) hints.push(JSON.parse(body) as AttemptMessage);
    world.lose();
    const batch = (count: number) =>
      world.handle(
        hints.splice(0, count).map((hint) => ({ kind: "attempt", message: hint }) as const),
        { queue: "attempts", ...of },
      );
    return { world, batch, release, isSlow };
  }

  test("a backlog gets its three workers and no more", async () => {
    const { world, batch, release, isSlow } = await hanging();
    const running = [batch(10), batch(10), batch(10)];
    await vi.waitFor(() => expect(world.posts).toHaveLength(30), patience);
    // The fourth is passed on without a POST.
    expect((await batch(10)).map(({ kind }) => kind)).toEqual(Array(10).fill("movedToRetries"));
    expect(world.posts).toHaveLength(30);
    isSlow();
    release();
    await Promise.all(running);
  });

  test("from the moment when one POST is slow nothing more of it goes the quick way", async () => {
    const { world, batch, release, isSlow } = await hanging();
    const running = [batch(1), batch(1)];
    await vi.waitFor(() => expect(world.posts).toHaveLength(2), patience);
    isSlow();
    await vi.waitFor(async () => {
      const { health } = await world.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
      expect(health.get("cl_1")?.isFast).toBe(false);
    }, patience);
    expect((await batch(1)).map(({ kind }) => kind)).toEqual(["movedToRetries"]);
    expect(world.posts).toHaveLength(2);
    release();
    await Promise.all(running);
  });

  test("it goes the quick way again after twenty prompt successes, not after one", async () => {
    const world = await worldWithWebhook({
      answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }),
    });
    const isFast = async () => {
      const { health } = await world.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
      return health.get("cl_1")?.isFast;
    };
    world.publish({ requestId: "rq_0" });
    await world.pass(MINUTE_MS);
    for (let n = 1; n < 20; n++) {
      expect(await isFast()).toBe(false);
      world.publish({ requestId: `rq_${n}` });
      await world.pass(1_000);
    }
    expect(await isFast()).toBe(true);
  });
});

test("D12: webhook-timestamp is of each attempt, in real time; the id is the same", async () => {
  const world = await worldWithWebhook({ answer: (_, n) => ({ httpStatus: n < 3 ? 500 : 200 }) });
  world.publish();
  await world.pass(HOUR_MS);
  const stamps = world.posts.map(({ headers }) => Number(headers["webhook-timestamp"]));
  expect(stamps).toEqual(world.posts.map(({ atMs }) => Math.floor(atMs / 1000)));
  expect(new Set(world.posts.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});

describe("D13: two workers pick the same attempt", () => {
  test("of a stored delivery: one POST", async () => {
    const world = await worldWithWebhook();
    world.publish();
    const [event] = world.waiting();
    const of = { queue: "retries", remainingMs: () => 40_000 } as const;
    await world.handle([{ kind: "event", body: event?.body ?? "" }], of);
    const hint = { v: 1, kind: "attempt", deliveryId: id, clientId: "cl_1", webhookId: "wh_cl_1" };
    const work = { kind: "attempt", message: hint as AttemptMessage } as const;
    await Promise.all([1, 2, 3].map(() => world.handle([work, work], of)));
    await world.drain();
    expect(world.posts).toHaveLength(1);
  });

  test("however often one hint is doubled, none of them outlives the attempt that it names", async () => {
    const delaysMs = Array.from({ length: 7 }, () => 5 * MINUTE_MS);
    const world = makeDeliverySimulation({
      rules: { delaysMs },
      answer: () => ({ httpStatus: 500 }),
    });
    await world.webhooks.replace(webhookOfClient());
    world.publish();
    await world.pass(MINUTE_MS);
    const [message] = world.waiting();
    if (!message) throw new Error("nothing waits");
    for (let copies = 1; copies < 50; copies++) world.waiting().push(message);
    await world.pass(6 * MINUTE_MS);
    expect(world.waiting()).toHaveLength(1);
    await world.pass(2 * HOUR_MS);
    expect(world.posts).toHaveLength(8);
  });

  test("of one that its first attempt stores: one POST", async () => {
    const world = await worldWithWebhook({}, { isFast: true });
    world.publish();
    const [event] = world.waiting();
    const of = { queue: "attempts", remainingMs: () => 40_000 } as const;
    await world.handle([{ kind: "event", body: event?.body ?? "" }], of);
    const hint = JSON.parse(world.waiting().at(-1)?.body ?? "") as AttemptMessage;
    expect(hint.unstored).toBeDefined();
    expect(await world.deliveries.find(id)).toBeUndefined();
    const work = { kind: "attempt", message: hint } as const;
    await Promise.all([1, 2, 3].map(() => world.handle([work, work], of)));
    await world.drain();
    expect(world.posts).toHaveLength(1);
    expect(await world.deliveries.find(id)).toMatchObject({ status: "delivered" });
  });

  test("of one whose endpoint turned bad meanwhile: stored, and left to the careful", async () => {
    const world = await worldWithWebhook({}, { isFast: true });
    world.publish();
    const [event] = world.waiting();
    const of = { queue: "attempts", remainingMs: () => 40_000 } as const;
    await world.handle([{ kind: "event", body: event?.body ?? "" }], of);
    const hint = JSON.parse(world.waiting().at(-1)?.body ?? "") as AttemptMessage;
    const { health } = await world.inputs.read({ clientIds: ["cl_1"], requestIds: [] });
    const known = health.get("cl_1");
    if (known) await world.health.replace({ ...known, isFast: false });
    await world.handle([{ kind: "attempt", message: hint }], of);
    expect(world.posts).toHaveLength(0);
    expect(await world.deliveries.find(id)).toMatchObject({ status: "waiting" });
    await world.drain();
    expect(await world.deliveries.find(id)).toMatchObject({ status: "delivered" });
  });
});

test("D14: what the webhook is set to meanwhile changes no byte of a delivery that has begun", async () => {
  const world = await worldWithWebhook({ answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }) });
  const event = world.publish();
  await world.drain();
  const webhook = await world.webhooks.find("cl_1");
  if (webhook) await world.webhooks.replace({ ...webhook, payloadMode: "thin" });
  world.stored.clear();
  await world.pass(HOUR_MS);
  expect(world.posts.map(({ body }) => body)).toEqual([event.envelope, event.envelope]);
});

test("D15: a success counts at the headers, whatever becomes of the body", async () => {
  const world = await worldWithWebhook({
    // What the poster says of 200 and five gigabytes: `test/contract/http/hostile-endpoints.test.ts`.
    answer: () => ({ httpStatus: 200, bodyStart: "x".repeat(512) }),
  });
  world.publish();
  await world.drain();
  expect(await world.deliveries.find(id)).toMatchObject({
    status: "delivered",
    attemptHistory: [{ httpStatus: 200, bodyStart: "x".repeat(512) }],
  });
});

describe("a request that is cancelled is silent (G9)", () => {
  test("its events are not sent any more, and a retry of one is cancelled", async () => {
    const world = await worldWithWebhook({ answer: () => ({ httpStatus: 500 }) });
    world.publish({ type: "workflow.created" });
    await world.drain();
    world.cancelledRequests.add("rq_1");
    world.publish({ type: "workflow.started" });
    await world.pass(DAY_MS);
    expect(world.posts).toHaveLength(1);
    for (const type of ["workflow.created", "workflow.started"]) {
      const found = await world.deliveries.find(deliveryIdOf("wh_cl_1", `${type}:rq_1`));
      expect(found).toMatchObject({ status: "cancelled", reason: "request_cancelled" });
    }
  });
});

describe("what the sweep cannot help", () => {
  test("a failure of a later cycle is told, though one of an earlier cycle was told late", async () => {
    const refuses = times(1);
    const world = await worldWithWebhook({
      busRefuses: (eventId) => eventId.endsWith(":2") && refuses(),
    });
    const { nowMs } = world.context();
    const failure = { attemptCount: 8, reason: "attempts_used", atMs: nowMs } as const;
    world.publish();
    await world.drain();
    const delivery = await world.deliveries.find(id);
    if (!delivery) throw new Error("no delivery");
    const unpublishedFailures = [
      { ...failure, cycle: 1 },
      { ...failure, cycle: 2 },
    ];
    const known = {
      ...delivery,
      status: "failed",
      unpublishedFailures,
      recoverAfterRealMs: nowMs,
    } as const;
    expect(await world.deliveries.replace(known)).toBeDefined();
    await world.pass(HOUR_MS);
    expect(world.published.map(({ id: told }) => told)).toEqual([
      `delivery.failed:${id}:1`,
      `delivery.failed:${id}:2`,
    ]);
  });

  test("a large body that the bucket has no more ends its delivery, told as any failure", async () => {
    const world = await worldWithWebhook({ bodyIsGone: true });
    world.publish();
    await world.pass(HOUR_MS);
    expect(world.posts).toEqual([]);
    expect(await world.deliveries.find(id)).toMatchObject({
      status: "failed",
      reason: "body_gone",
    });
    expect(world.counts.DeliveryFailed).toBe(1);
  });
});

test.each([62, 63, 64, 65])(
  "an event whose body nests %d deep is delivered as it was published",
  async (depth) => {
    const world = await worldWithWebhook();
    const result = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const envelope = `{"id":"workflow.completed:rq_1","type":"workflow.completed","createdAt":"2026-01-01T00:00:00.000Z","data":{"result":${result}}}`;
    world.publish({ envelope });
    await world.drain();
    expect(world.posts.map(({ body }) => body)).toEqual([envelope]);
  },
);

test("a message that nobody foresaw fails alone", async () => {
  const world = await worldWithWebhook({
    deliveries: (store) => ({
      ...store,
      claim: async (deliveryId, lease) => {
        if (deliveryId === id) throw new TypeError("a fault of ours");
        return store.claim(deliveryId, lease);
      },
    }),
  });
  world.publish();
  world.publish({ requestId: "rq_2" });
  await world.drain();
  expect(world.posts.map(({ headers }) => headers["webhook-id"])).toEqual([
    "workflow.completed:rq_2",
  ]);
});
