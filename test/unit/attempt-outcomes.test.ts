import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeAttemptDeliveries } from "../../shared/core/deliveries/attempts/attempt-deliveries.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { attemptMessage, makeAttemptWorker } from "../support/fakes/attempt-worker.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { webhookRecord } from "../support/payloads/delivery-records.ts";

const down = new Failure("DEPENDENCY_DOWN", "no table");
const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };

/** A worker of the retries queue. */
function setUp(given: Parameters<typeof makeAttemptWorker>[0] = {}, remainingMs = 40_000) {
  const worker = makeAttemptWorker(given);
  const attempt = makeAttemptDeliveries(worker.deps);
  const retriesOf = (...messages: Parameters<typeof attempt>[1]) =>
    attempt("retries", messages, () => remainingMs);
  return { ...worker, retriesOf };
}

describe("What becomes of the message of an attempt", () => {
  test("After a success there is nothing to send", async () => {
    const { deliveries, have, retriesOf, sent } = setUp();
    const outcomes = await retriesOf(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    expect(delivery?.status).toBe("delivered");
    expect(outcomes).toStrictEqual([
      { kind: "attempted", delivery, isSuccess: true, isSlow: false, endpointNumber: 1 },
    ]);
    expect(sent).toStrictEqual([]);
  });

  test("After a failure the message of the next attempt is sent, without its holds", async () => {
    const { have, retriesOf, sent } = setUp({ answer: () => ({ httpStatus: 500 }) });
    const [outcome] = await retriesOf(await have("dl_1", { heldMs: 60_000 }));
    expect(outcome).toMatchObject({ kind: "attempted", isSuccess: false });
    const message = attemptMessage("dl_1");
    expect(sent).toStrictEqual([["retries", [{ message, delayMs: 5_000 }]]]);
  });

  test("One for which no time is left comes back at once, as it is", async () => {
    const { deliveries, have, posts, retriesOf, sent } = setUp({}, 23_000);
    const message = await have("dl_1", { heldMs: 60_000 });
    expect(await retriesOf(message)).toStrictEqual([{ kind: "requeued" }]);
    expect(sent).toStrictEqual([["retries", [{ message, delayMs: 0 }]]]);
    expect((await deliveries.find("dl_1"))?.status).toBe("waiting");
    expect(posts).toStrictEqual([]);
  });

  test("One that is a second early comes back in a second", async () => {
    const { have, retriesOf, sent } = setUp();
    const nextMs = nowMs + 1_000;
    const message = await have("dl_1", { nextMs });
    expect(await retriesOf(message)).toStrictEqual([{ kind: "notDue", nextMs }]);
    expect(sent).toStrictEqual([["retries", [{ message, delayMs: 1_000 }]]]);
  });

  test.each<[string, Partial<DeliveryRecord>, object]>([
    ["is minutes early", { nextMs: nowMs + 60_000 }, { kind: "notDue", nextMs: nowMs + 60_000 }],
    [
      "another worker has claimed",
      { status: "delivering", owner: "other", leaseUntilRealMs: nowMs + 1 },
      { kind: "claimedByAnother" },
    ],
    ["has ended", { status: "failed" }, { kind: "alreadyHandled" }],
  ])("Nothing is sent or posted for one whose delivery %s", async (_, of, outcome) => {
    const { have, posts, retriesOf, sent, slotCalls } = setUp();
    expect(await retriesOf(await have("dl_1", of))).toStrictEqual([outcome]);
    expect([posts, sent]).toStrictEqual([[], []]);
    expect(slotCalls.at(-1)).toMatchObject(["release", {}, "owner-1", []]);
  });

  test("One of a webhook that the client has replaced ends without a slot, and its failure is published", async () => {
    const { deliveries, have, inputs, published, retriesOf, slotCalls } = setUp();
    const previousWebhooks = [{ webhookId: "wh_1", status: "disabled" as const }];
    const next = webhookRecord({ clientId: "cl_1", webhookId: "wh_2", previousWebhooks });
    inputs.webhooks.set("cl_1", next);
    const outcomes = await retriesOf(await have("dl_1"), await have("dl_2"));
    const [first, second] = await Promise.all(["dl_1", "dl_2"].map(deliveries.find));
    expect(outcomes).toStrictEqual([
      { kind: "recordedWithoutPost", delivery: first },
      { kind: "recordedWithoutPost", delivery: second },
    ]);
    expect(first).toMatchObject({ status: "failed", reason: "disabled" });
    expect(published.toSorted()).toStrictEqual(["dl_1", "dl_2"]);
    expect(slotCalls).toStrictEqual([]);
  });

  test("One of a webhook that cannot be read fails, and its delivery waits", async () => {
    const { deliveries, have, inputs, retriesOf } = setUp();
    inputs.webhooks.clear();
    inputs.unreadable.set("cl_1", down);
    expect(await retriesOf(await have("dl_1"))).toStrictEqual([failed]);
    expect((await deliveries.find("dl_1"))?.status).toBe("waiting");
  });

  test("Outcomes are returned in the order of the messages, and answers recorded in the order of their ends", async () => {
    const second = Promise.withResolvers<void>();
    const { have, retriesOf, slotCalls } = setUp({
      async answer(nth) {
        if (nth === 2) second.resolve();
        else await second.promise.then(() => setImmediate());
        return { httpStatus: nth === 1 ? 500 : 200 };
      },
    });
    const outcomes = await retriesOf(await have("dl_1"), await have("dl_2"));
    expect(outcomes).toMatchObject([{ isSuccess: false }, { isSuccess: true }]);
    expect(slotCalls.at(-1)).toMatchObject([
      ...["release", {}, "owner-1"],
      [{ isSuccess: true }, { isSuccess: false }],
    ]);
  });

  test.each([
    [500, false],
    [501, true],
  ])("An answer after %i ms is recorded as slow: %s", async (durationMs, isSlow) => {
    const { have, retriesOf, slotCalls } = setUp({
      answer: () => ({ httpStatus: 200, durationMs }),
    });
    await retriesOf(await have("dl_1"));
    const observation = { isSuccess: true, isSlow };
    expect(slotCalls.at(-1)).toMatchObject(["release", {}, "owner-1", [observation]]);
  });
});

describe("An endpoint that answers 410", () => {
  /** What a test may change when the attempt is recorded, later than what the worker has read. */
  type World = ReturnType<typeof makeAttemptWorker> & { reading: { isDown: boolean } };

  function setUpGone(
    given: {
      onRecorded?: (world: World) => void;
      deactivate?: (world: World) => Promise<void>;
    } = {},
  ) {
    const calls: unknown[] = [];
    const worker = makeAttemptWorker({
      rules: { postsPerWorker: 1 },
      answer: () => ({ httpStatus: 410 }),
    });
    const { clock, deliveries, deps } = worker;
    const reading = { isDown: false };
    const world = { ...worker, reading };
    const attempt = makeAttemptDeliveries({
      ...deps,
      inputs: { read: (keys) => (reading.isDown ? Promise.reject(down) : deps.inputs.read(keys)) },
      async deactivateWebhook(...of) {
        calls.push(of);
        await given.deactivate?.(world);
        return undefined;
      },
      deliveries: {
        ...deliveries,
        async replace(next) {
          const written = await deliveries.replace(next);
          clock.passReal(101);
          given.onRecorded?.(world);
          return written;
        },
      },
    });
    const retriesOf = (...messages: Parameters<typeof attempt>[1]) =>
      attempt("retries", messages, () => 40_000);
    return { ...worker, calls, retriesOf };
  }

  const gone = { status: "disabled", reason: "endpoint_answered_410" };
  const ended = {
    ...{ kind: "attempted", isSuccess: false, endpointNumber: 1 },
    delivery: { status: "failed", reason: "gone" },
  };
  const observed = ["release", {}, "owner-1", [{ isSuccess: false, isSlow: false }]];

  test("Its webhook is disabled, its failure is published, and nothing more is sent", async () => {
    const { calls, have, ignored, published, retriesOf, sent, webhook } = setUpGone();
    expect(await retriesOf(await have("dl_1"))).toMatchObject([ended]);
    expect(calls).toStrictEqual([[webhook, gone]]);
    expect(published).toStrictEqual(["dl_1"]);
    expect([ignored, sent]).toStrictEqual([[], []]);
  });

  test.each<[string, Partial<WebhookItem>]>([
    ["is another one by then", { webhookId: "wh_2" }],
    ["is disabled by then", { status: "disabled" }],
    ["is deleted by then", { status: "deleted" }],
    ["has another URL by then", { endpointNumber: 2 }],
  ])("A webhook that %s is left as it is", async (_, change) => {
    const { calls, have, retriesOf } = setUpGone({
      onRecorded: ({ changeWebhook }) => changeWebhook(change),
    });
    expect(await retriesOf(await have("dl_1"))).toMatchObject([ended]);
    expect(calls).toStrictEqual([]);
  });

  test("A client that has no webhook by then is left as it is", async () => {
    const { calls, have, ignored, retriesOf } = setUpGone({
      onRecorded: ({ inputs }) => inputs.webhooks.clear(),
    });
    expect(await retriesOf(await have("dl_1"))).toMatchObject([ended]);
    expect([calls, ignored]).toStrictEqual([[], []]);
  });

  test("An error of disabling is reported, and hides neither the failure nor the answer", async () => {
    const { have, ignored, published, retriesOf, slotCalls } = setUpGone({
      deactivate: () => Promise.reject(down),
    });
    expect(await retriesOf(await have("dl_1"))).toMatchObject([ended]);
    expect(ignored).toStrictEqual([down]);
    expect(published).toStrictEqual(["dl_1"]);
    expect(slotCalls.at(-1)).toMatchObject(observed);
  });

  test("An error of reading the webhook before that is reported, and hides them neither", async () => {
    const { calls, have, ignored, published, retriesOf, slotCalls } = setUpGone({
      onRecorded({ reading }) {
        reading.isDown = true;
      },
    });
    expect(await retriesOf(await have("dl_1"))).toMatchObject([ended]);
    expect(ignored).toStrictEqual([down]);
    expect(calls).toStrictEqual([]);
    expect(published).toStrictEqual(["dl_1"]);
    expect(slotCalls.at(-1)).toMatchObject(observed);
  });

  test.each<[string, Failure | undefined]>([
    ["was disabled", undefined],
    ["may have been disabled by a call that failed", down],
  ])("No POST follows to a webhook that %s", async (_, error) => {
    const { have, posts, retriesOf } = setUpGone({
      async deactivate({ changeWebhook }) {
        changeWebhook({ status: "disabled" });
        if (error) throw error;
      },
    });
    const outcomes = await retriesOf(await have("dl_1"), await have("dl_2"));
    const disabled = { status: "failed", reason: "disabled" };
    expect(outcomes).toMatchObject([ended, { kind: "recordedWithoutPost", delivery: disabled }]);
    expect(posts).toHaveLength(1);
  });
});
