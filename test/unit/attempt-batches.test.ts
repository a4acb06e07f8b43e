import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeAttemptDeliveries } from "../../shared/core/deliveries/attempts/attempt-deliveries.ts";
import type { EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { attemptMessage, makeAttemptWorker } from "../support/fakes/attempt-worker.ts";
import {
  deliveryRecord,
  endpointHealth,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const MAX_HELD_MS = 900_000;
const LEASE_MS = 75_000;
const success = { isSuccess: true, isSlow: false };
const failure = { isSuccess: false, isSlow: false };
const down = new Failure("DEPENDENCY_DOWN", "no table");
const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };
const alwaysFails = () => ({ httpStatus: 500 });

/** A worker whose endpoint is fast unless the test says otherwise. */
function setUp(given: Parameters<typeof makeAttemptWorker>[0] = {}) {
  const worker = makeAttemptWorker(given);
  const attempt = makeAttemptDeliveries(worker.deps);
  const remainingMs = () => 40_000;
  type Messages = Parameters<typeof attempt>[1];
  return {
    ...worker,
    attemptsOf: (messages: Messages) => attempt("attempts", messages, remainingMs),
    retriesOf: (messages: Messages) => attempt("retries", messages, remainingMs),
  };
}

/** An endpoint of which no slot is free. */
const noSlot = (health: Partial<EndpointHealth> = {}) => {
  const { endpointSlots } = makeAttemptWorker().deps;
  const unavailable = endpointHealth(health);
  return { endpointSlots: { ...endpointSlots, acquire: async () => ({ unavailable }) } };
};

const kindsOf = (outcomes: readonly { kind: string }[]) => outcomes.map(({ kind }) => kind);
const toRetries = (...messages: object[]) => [
  ["retries", messages.map((message) => ({ message, delayMs: 0 }))],
];

describe("The queue of an attempt", () => {
  test("A message for an endpoint that is no longer fast is moved to the retries queue as it is", async () => {
    const { attemptsOf, have, posts, sent, slotCalls } = setUp({ health: { isFast: false } });
    const messages = [await have("dl_1"), await have("dl_2", { heldMs: 5 })];
    expect(await attemptsOf(messages)).toStrictEqual([
      { kind: "movedToRetries" },
      { kind: "movedToRetries" },
    ]);
    expect(sent).toStrictEqual(toRetries(...messages));
    expect([posts, slotCalls]).toStrictEqual([[], []]);
  });

  test("A single message for a fast endpoint is attempted without a slot, and its answer is recorded", async () => {
    const { attemptsOf, have, health, sent, slotCalls } = setUp();
    const [outcome] = await attemptsOf([await have("dl_1")]);
    expect(outcome).toMatchObject({ kind: "attempted", ...success, endpointNumber: 1 });
    expect(slotCalls).toStrictEqual([
      ["awaitMarkingSlow", health],
      ["recordObservations", health, [success]],
    ]);
    expect(sent).toStrictEqual([]);
  });

  test("In the retries queue an endpoint is attempted in a slot, which records its answers", async () => {
    const { clock, have, health, retriesOf, slotCalls } = setUp({
      rules: { postsPerWorker: 1 },
      answer: (nth) => ({ httpStatus: nth === 1 ? 500 : 200 }),
    });
    clock.passReal(7);
    await retriesOf([await have("dl_1"), await have("dl_2")]);
    const lease = { owner: "owner-1", untilMs: clock.realMs() + LEASE_MS };
    const acquired = { ...health, version: health.version + 1 };
    expect(slotCalls).toStrictEqual([
      ["acquire", health, { lease, hasMessageAtMaxHold: false }],
      ["release", acquired, "owner-1", [failure, success]],
    ]);
  });

  test.each([
    [MAX_HELD_MS - 1, false],
    [MAX_HELD_MS, true],
  ])("With a message that was held for %i ms a slot is urgent: %s", async (heldMs, isUrgent) => {
    const { have, retriesOf, slotCalls } = setUp();
    await retriesOf([await have("dl_1"), await have("dl_2", { heldMs })]);
    expect(slotCalls[0]).toMatchObject(["acquire", {}, { hasMessageAtMaxHold: isUrgent }]);
  });
});

describe("An endpoint without a free slot", () => {
  test("A worker of the attempts queue moves its messages to the retries queue", async () => {
    const { attemptsOf, have, posts, sent } = setUp({ deps: noSlot() });
    const messages = [await have("dl_1"), await have("dl_2")];
    expect(kindsOf(await attemptsOf(messages))).toEqual(["movedToRetries", "movedToRetries"]);
    expect(sent).toStrictEqual(toRetries(...messages));
    expect(posts).toStrictEqual([]);
  });

  test("While its circuit is closed, messages come back in ten seconds at most, and are not held", async () => {
    const { have, posts, retriesOf, sent } = setUp({ deps: noSlot({ consecutiveFailures: 4 }) });
    const message = await have("dl_1", { heldMs: 60_000 });
    expect(await retriesOf([message])).toStrictEqual([{ kind: "requeued" }]);
    expect(sent).toStrictEqual([["retries", [{ message, delayMs: 8_500 }]]]);
    expect(posts).toStrictEqual([]);
  });

  test("While its circuit is open, messages are held, but for those that were held for the longest time", async () => {
    const { have, retriesOf, sent } = setUp({ deps: noSlot({ consecutiveFailures: 5 }) });
    const first = await have("dl_1");
    const second = await have("dl_2", { heldMs: MAX_HELD_MS });
    const outcomes = await retriesOf([first, second]);
    expect(outcomes).toStrictEqual([{ kind: "held" }, { kind: "requeued" }]);
    const held = { message: { ...first, heldMs: 60_000 }, delayMs: 51_000 };
    expect(sent).toStrictEqual([["retries", [held, { message: second, delayMs: 8_500 }]]]);
  });
});

describe("An error of a batch", () => {
  test("Where the inputs cannot be read, all messages fail, and nothing is attempted", async () => {
    const { posts, retriesOf, sent, slotCalls } = setUp({
      deps: { inputs: { read: () => Promise.reject(down) } },
    });
    const messages = [attemptMessage("dl_1"), attemptMessage("dl_2")];
    expect(await retriesOf(messages)).toStrictEqual([failed, failed]);
    expect([posts, sent, slotCalls]).toStrictEqual([[], [], []]);
  });

  test("The inputs of all messages are read by one call", async () => {
    const { have, reads, retriesOf } = setUp();
    const first = await have("dl_1");
    await retriesOf([first, { ...first, deliveryId: "dl_2", requestId: "rq_1" }]);
    expect(reads).toStrictEqual([{ clientIds: ["cl_1"], requestIds: ["rq_1"] }]);
  });

  test("Where the slot of one endpoint cannot be taken, only its messages fail, each at its place", async () => {
    const { endpointSlots } = makeAttemptWorker().deps;
    const { deliveries, have, inputs, retriesOf, posts } = setUp({
      deps: {
        endpointSlots: {
          ...endpointSlots,
          acquire: (health, options) =>
            health.clientId === "cl_1"
              ? Promise.reject(down)
              : endpointSlots.acquire(health, options),
        },
      },
    });
    const other = { clientId: "cl_2", webhookId: "wh_2" };
    const secrets = [{ version: 1, masterKeyId: "k2" }];
    inputs.webhooks.set("cl_2", webhookRecord({ ...other, secrets }));
    await deliveries.create(deliveryRecord({ deliveryId: "dl_2", ...other }));
    const outcomes = await retriesOf([
      await have("dl_1"),
      { ...attemptMessage("dl_2"), ...other },
      await have("dl_3"),
    ]);
    expect(outcomes).toMatchObject([failed, { kind: "attempted" }, failed]);
    expect(posts).toHaveLength(1);
  });

  test("An attempt that fails is a message that fails, and the others of its endpoint are made", async () => {
    const { deps, deliveries, have } = setUp();
    const attempt = makeAttemptDeliveries({
      ...deps,
      deliveries: {
        ...deliveries,
        claim: (id, lease) => (id === "dl_1" ? Promise.reject(down) : deliveries.claim(id, lease)),
      },
    });
    const messages = [await have("dl_1"), await have("dl_2")];
    const outcomes = await attempt("retries", messages, () => 40_000);
    expect(outcomes).toMatchObject([failed, { kind: "attempted" }]);
  });
});

describe("An endpoint whose circuit is open", () => {
  const health = { consecutiveFailures: 5 };

  test("One message probes it, and while that fails the others are held", async () => {
    const { have, posts, retriesOf, slotCalls } = setUp({ health, answer: alwaysFails });
    const messages = [await have("dl_1"), await have("dl_2"), await have("dl_3")];
    expect(kindsOf(await retriesOf(messages))).toEqual(["attempted", "held", "held"]);
    expect(posts).toHaveLength(1);
    expect(slotCalls.at(-1)).toMatchObject(["release", {}, "owner-1", [failure]]);
  });

  test("When the probe succeeds, the others are attempted, and their failures stop nothing", async () => {
    const { have, posts, retriesOf } = setUp({
      health,
      rules: { breakerFailures: 1, postsPerWorker: 1 },
      answer: (nth) => ({ httpStatus: nth === 1 ? 200 : 500 }),
    });
    const messages = [await have("dl_1"), await have("dl_2"), await have("dl_3")];
    expect(kindsOf(await retriesOf(messages))).toEqual(["attempted", "attempted", "attempted"]);
    expect(posts).toHaveLength(3);
  });

  test("One success of several probes is enough", async () => {
    const { have, retriesOf } = setUp({
      health,
      answer: (nth) => ({ httpStatus: nth === 1 ? 500 : 200 }),
    });
    const messages = [
      await have("dl_1", { heldMs: MAX_HELD_MS }),
      await have("dl_2"),
      await have("dl_3", { heldMs: MAX_HELD_MS }),
    ];
    expect(kindsOf(await retriesOf(messages))).toEqual(["attempted", "attempted", "attempted"]);
  });

  test("A probe that makes no POST tells nothing about it: the others are held", async () => {
    const { have, posts, retriesOf } = setUp({ health });
    const messages = [await have("dl_1", { status: "delivered" }), await have("dl_2")];
    expect(kindsOf(await retriesOf(messages))).toEqual(["alreadyHandled", "held"]);
    expect(posts).toStrictEqual([]);
  });
});

describe("An endpoint that begins to fail", () => {
  const rules = { breakerFailures: 2, postsPerWorker: 1 };
  const inTurn =
    (...statuses: number[]) =>
    (nth: number) => ({ httpStatus: statuses[nth - 1] });

  test("A batch stops at the failure that opens its circuit, counted from the last success", async () => {
    const { have, retriesOf, sent } = setUp({ rules, answer: inTurn(500, 200, 500, 500) });
    const ids = ["dl_1", "dl_2", "dl_3", "dl_4", "dl_5"];
    const messages = await Promise.all(ids.map((id) => have(id)));
    const outcomes = await retriesOf(messages);
    expect(kindsOf(outcomes)).toEqual([...Array(4).fill("attempted"), "held"]);
    const held = { message: { ...messages[4], heldMs: 60_000 }, delayMs: 51_000 };
    expect(sent).toEqual([["retries", expect.arrayContaining([held])]]);
  });

  test("The failures of the batches before count", async () => {
    const { have, retriesOf } = setUp({
      ...{ rules, answer: inTurn(500), health: { consecutiveFailures: 1 } },
    });
    const messages = [await have("dl_1"), await have("dl_2")];
    expect(kindsOf(await retriesOf(messages))).toEqual(["attempted", "held"]);
  });

  test("A message without a POST is neither a failure nor a success of the endpoint", async () => {
    const { have, retriesOf } = setUp({ rules, answer: inTurn(500, 500) });
    const messages = [
      await have("dl_1"),
      await have("dl_2", { status: "delivered" }),
      await have("dl_3"),
      await have("dl_4"),
    ];
    const kinds = ["attempted", "alreadyHandled", "attempted", "held"];
    expect(kindsOf(await retriesOf(messages))).toEqual(kinds);
  });

  test("In the attempts queue no failure stops the batch", async () => {
    const { attemptsOf, have } = setUp({ rules, answer: inTurn(500, 500, 500) });
    const messages = [await have("dl_1"), await have("dl_2"), await have("dl_3")];
    expect(kindsOf(await attemptsOf(messages))).toEqual(Array(3).fill("attempted"));
  });
});
