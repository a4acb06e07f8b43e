import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import { makeSendAttempt } from "../../shared/core/deliveries/attempts/send-attempt.ts";
import { makeDeliveryInputsCache } from "../../shared/core/deliveries/state/delivery-inputs-cache.ts";
import type { DeliveryRecord, EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { attemptMessage, makeAttemptWorker } from "../support/fakes/attempt-worker.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";

const TIMEOUT_MS = 15_000;
const LEASE_MS = 75_000;
const down = new Failure("DEPENDENCY_DOWN", "no table");

type Worker = ReturnType<typeof makeAttemptWorker>;

/** @param onOpen runs while the body is read, for the nth time from 1 */
function setUp(
  given: NonNullable<Parameters<typeof makeAttemptWorker>[0]> & {
    onOpen?: (worker: Worker, nth: number) => unknown;
  } = {},
) {
  const worker = makeAttemptWorker(given);
  const { deps } = worker;
  let opened = 0;
  const send = makeSendAttempt({
    ...deps,
    texts: {
      ...deps.texts,
      async open(text) {
        await given.onOpen?.(worker, ++opened);
        return deps.texts.open(text);
      },
    },
  });
  const sendAttempt = (
    message: AttemptMessage,
    of: { remainingMs?: () => number; fastEndpointHealth?: EndpointHealth } = {},
  ) => {
    const inputs = makeDeliveryInputsCache(deps, [message]);
    return send(message, { inputs, remainingMs: () => 40_000, ...of });
  };
  return { ...worker, opened: () => opened, sendAttempt };
}

describe("An attempt", () => {
  test("It claims its delivery and makes one POST, whose time is that of its beginning", async () => {
    const worker: ReturnType<typeof setUp> = setUp({
      answer() {
        worker.clock.passBusiness(3_000);
        return { httpStatus: 500, durationMs: 3_000, bodyStart: "oops" };
      },
    });
    const { clock, deliveries, have, posts, sendAttempt, slotCalls } = worker;
    clock.passReal(7);
    const result = await sendAttempt(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    expect(result).toStrictEqual({
      ...{ kind: "posted", delivery, startedAtMs: nowMs, endpointNumber: 1, hasMoved: false },
      post: { httpStatus: 500, durationMs: 3_000, bodyStart: "oops" },
    });
    const leaseUntilRealMs = nowMs + 7 + LEASE_MS;
    const claim = { status: "delivering", owner: "owner-1", leaseUntilRealMs, claimsOfAttempt: 1 };
    expect(delivery).toMatchObject(claim);
    expect(posts).toHaveLength(1);
    expect(slotCalls).toStrictEqual([]);
  });

  test("At an endpoint that counts as fast, the POST is watched", async () => {
    const { have, health: fastEndpointHealth, sendAttempt, slotCalls } = setUp();
    const result = await sendAttempt(await have("dl_1"), { fastEndpointHealth });
    expect(result).toMatchObject({ kind: "posted", post: { httpStatus: 200, durationMs: 20 } });
    expect(slotCalls).toStrictEqual([["awaitMarkingSlow", fastEndpointHealth]]);
  });

  test.each<[Partial<DeliveryRecord>, object]>([
    [{ nextMs: nowMs + 1 }, { kind: "notDue", nextMs: nowMs + 1 }],
    [
      { status: "delivering", owner: "other", leaseUntilRealMs: nowMs + 1 },
      { kind: "claimedByAnother" },
    ],
    [{ status: "cancelled" }, { kind: "notClaimed" }],
  ])("A delivery that is %j is not attempted, and the result is %j", async (of, expected) => {
    const { have, posts, sendAttempt } = setUp();
    expect(await sendAttempt(await have("dl_1", of))).toStrictEqual(expected);
    expect(posts).toStrictEqual([]);
  });

  test("A delivery that may not be attempted is claimed, so that it can end", async () => {
    const { deliveries, have, posts, sendAttempt } = setUp({ webhook: { status: "disabled" } });
    const result = await sendAttempt(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    expect(delivery?.status).toBe("delivering");
    const end = { kind: "ineligible", status: "failed", reason: "disabled" };
    expect(result).toStrictEqual({ ...end, delivery });
    expect(posts).toStrictEqual([]);
  });

  test("Where its webhook cannot be read, the delivery stays unclaimed", async () => {
    const { deliveries, have, inputs, sendAttempt } = setUp();
    inputs.unreadable.set("cl_1", down);
    await expect(sendAttempt(await have("dl_1"))).rejects.toBe(down);
    expect(await deliveries.find("dl_1")).toMatchObject({ status: "waiting", version: 1 });
  });

  test.each([
    [2, "posted"],
    [3, "workersLost"],
  ])(
    "After %i claims of one attempt whose workers stopped, the next one is %s",
    async (claimsOfAttempt, kind) => {
      const { deliveries, have, posts, sendAttempt } = setUp();
      const result = await sendAttempt(await have("dl_1", { claimsOfAttempt }));
      const delivery = await deliveries.find("dl_1");
      expect(result).toMatchObject({ kind, delivery });
      expect(posts).toHaveLength(kind === "posted" ? 1 : 0);
      if (kind === "workersLost") expect(result).toStrictEqual({ kind, delivery });
    },
  );
});

describe("An attempt for which too little time is left", () => {
  test.each([
    [TIMEOUT_MS + 8_000, "outOfTime"],
    [TIMEOUT_MS + 8_001, "posted"],
  ])("With %i ms of the invocation left, the attempt is %s", async (leftMs, kind) => {
    const { deliveries, have, reads, sendAttempt } = setUp();
    const result = await sendAttempt(await have("dl_1"), { remainingMs: () => leftMs });
    expect(result.kind).toBe(kind);
    if (kind === "posted") return;
    expect(result).toStrictEqual({ kind });
    expect(reads).toStrictEqual([]);
    expect((await deliveries.find("dl_1"))?.status).toBe("waiting");
  });

  test.each([
    [TIMEOUT_MS + 8_000, "outOfTime"],
    [TIMEOUT_MS + 8_001, "posted"],
  ])("With %i ms left once its POST is built, the attempt is %s", async (leftMs, kind) => {
    let remaining = 40_000;
    const { deliveries, have, posts, sendAttempt } = setUp({
      onOpen() {
        remaining = leftMs;
      },
    });
    const result = await sendAttempt(await have("dl_1"), { remainingMs: () => remaining });
    const delivery = await deliveries.find("dl_1");
    expect(result).toMatchObject({ kind, delivery });
    expect(posts).toHaveLength(kind === "posted" ? 1 : 0);
  });

  test.each([
    [LEASE_MS - TIMEOUT_MS - 5_000, "posted"],
    [LEASE_MS - TIMEOUT_MS - 4_999, "outOfTime"],
  ])(
    "A process that was frozen for %i ms after its claim finds the attempt %s",
    async (frozenMs, kind) => {
      const { deliveries, have, posts, sendAttempt } = setUp({
        onOpen: ({ clock }) => clock.passReal(frozenMs),
      });
      const result = await sendAttempt(await have("dl_1"));
      const delivery = await deliveries.find("dl_1");
      expect(result).toMatchObject({ kind, delivery });
      expect(posts).toHaveLength(kind === "posted" ? 1 : 0);
      if (kind === "outOfTime") expect(result).toStrictEqual({ kind, delivery });
    },
  );
});

describe("The first attempt of a delivery that only its message holds", () => {
  const unstored = {
    ...{ eventId: "workflow.created:rq_1", eventType: "workflow.created" as const },
    ...{ createdMs: nowMs - 5, body: '{"n":1}' },
  };
  const message = attemptMessage("dl_1", { requestId: "rq_1", unstored });

  test("One write stores and claims it", async () => {
    const { deliveries, posts, sendAttempt } = setUp();
    const result = await sendAttempt(message);
    const delivery = await deliveries.find("dl_1");
    expect(result).toMatchObject({ kind: "posted", delivery });
    expect(delivery).toMatchObject({
      ...{ status: "delivering", owner: "owner-1", leaseUntilRealMs: nowMs + LEASE_MS },
      ...{ claimsOfAttempt: 1, version: 1, createdMs: nowMs - 5, requestId: "rq_1" },
    });
    expect(posts).toMatchObject([{ body: '{"n":1}' }]);
  });

  test("One that is stored already is claimed as every other", async () => {
    const { deliveries, have, sendAttempt } = setUp();
    await have("dl_1", { attemptsInCycle: 1 });
    const result = await sendAttempt(message);
    const delivery = await deliveries.find("dl_1");
    expect(delivery).toMatchObject({ status: "delivering", attemptsInCycle: 1, version: 2 });
    expect(result).toMatchObject({ kind: "posted", delivery });
    expect(await sendAttempt(message)).toStrictEqual({ kind: "claimedByAnother" });
  });

  test("Where it cannot be stored, the attempt fails, and nothing is posted", async () => {
    const { deliveries } = makeAttemptWorker();
    const { posts, sendAttempt } = setUp({
      deps: { deliveries: { ...deliveries, create: () => Promise.reject(down) } },
    });
    await expect(sendAttempt(message)).rejects.toBe(down);
    expect(posts).toStrictEqual([]);
  });
});

describe("A POST that cannot be built", () => {
  test("A delivery whose body has expired fails", async () => {
    const { deliveries, have, posts, sendAttempt } = setUp();
    const result = await sendAttempt(await have("dl_1", { body: { key: "expired" } }));
    const delivery = await deliveries.find("dl_1");
    const end = { kind: "ineligible", status: "failed", reason: "body_gone" };
    expect(result).toStrictEqual({ ...end, delivery });
    expect(posts).toStrictEqual([]);
  });

  test.each([down, new Error("a bug")])("After %s the attempt is made later", async (error) => {
    const { deliveries, have, posts, sendAttempt } = setUp({ onOpen: () => Promise.reject(error) });
    const result = await sendAttempt(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    expect(result).toStrictEqual({ kind: "postNotBuilt", delivery, error });
    expect(posts).toStrictEqual([]);
  });

  test("So it is where its webhook cannot be read again once the POST is built", async () => {
    const { deliveries, have, posts, sendAttempt } = setUp({
      onOpen({ clock, inputs }) {
        clock.passReal(101);
        inputs.unreadable.set("cl_1", down);
      },
    });
    const result = await sendAttempt(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    expect(result).toStrictEqual({ kind: "postNotBuilt", delivery, error: down });
    expect(posts).toStrictEqual([]);
  });
});

describe("A webhook that its client changes while a POST is built", () => {
  /** Each of the first changes moves the webhook to `/1`, `/2` and so on. */
  const moving = (times: number) => (worker: Worker, nth: number) => {
    worker.clock.passReal(101);
    const url = `https://hooks.example.com/${nth}`;
    if (nth <= times) worker.changeWebhook({ url, endpointNumber: nth + 1 });
  };

  test.each([
    [0, 1, "ackwire", 1],
    [1, 2, "1", 2],
    [2, 3, "2", 3],
    [3, 3, "2", 3],
  ])(
    "After %i changes and %i builds the POST goes to %s",
    async (times, builds, path, endpointNumber) => {
      const { have, opened, posts, sendAttempt } = setUp({ onOpen: moving(times) });
      const result = await sendAttempt(await have("dl_1"));
      expect(result).toMatchObject({ kind: "posted", endpointNumber });
      expect(opened()).toBe(builds);
      expect(posts).toMatchObject([{ url: `https://hooks.example.com/${path}` }]);
    },
  );

  test("A delivery that may not be attempted any more ends without a POST", async () => {
    const { deliveries, have, posts, sendAttempt } = setUp({
      onOpen({ changeWebhook, clock }) {
        clock.passReal(101);
        changeWebhook({ status: "deleted" });
      },
    });
    const result = await sendAttempt(await have("dl_1"));
    const delivery = await deliveries.find("dl_1");
    const end = { kind: "ineligible", status: "cancelled", reason: "webhook_deleted" };
    expect(result).toStrictEqual({ ...end, delivery });
    expect(posts).toStrictEqual([]);
  });
});

describe("An answer 410", () => {
  const change = (of: Partial<WebhookItem>) => (worker: Worker) => worker.changeWebhook(of);

  test.each<[string, (worker: Worker) => void, boolean]>([
    ["has not been changed", () => undefined, false],
    ["has been changed, but not moved", change({ description: "CRM" }), false],
    ["has another URL", change({ endpointNumber: 2 }), true],
    ["is another one", change({ webhookId: "wh_2" }), true],
    ["is not there", ({ inputs }) => inputs.webhooks.clear(), true],
  ])("It is of a webhook that %s by then", async (_, meanwhile, hasMoved) => {
    const worker: ReturnType<typeof setUp> = setUp({
      answer() {
        meanwhile(worker);
        return { httpStatus: 410 };
      },
    });
    const { have, reads, sendAttempt } = worker;
    expect(await sendAttempt(await have("dl_1"))).toMatchObject({ kind: "posted", hasMoved });
    expect(reads).toHaveLength(2);
  });

  test("It says nothing about a webhook that cannot be read", async () => {
    const reading = { isDown: false };
    const worker = makeAttemptWorker();
    const { inputs } = worker.deps;
    const { have, sendAttempt } = setUp({
      answer() {
        reading.isDown = true;
        return { httpStatus: 410 };
      },
      deps: {
        inputs: {
          async read(keys) {
            if (reading.isDown) throw down;
            return inputs.read(keys);
          },
        },
      },
    });
    const result = await sendAttempt(await have("dl_1"));
    expect(result).toMatchObject({ kind: "posted", post: { httpStatus: 410 }, hasMoved: true });
  });

  test.each([409, 411, 200])("After an answer %i nothing is read again", async (httpStatus) => {
    const worker: ReturnType<typeof setUp> = setUp({
      answer() {
        worker.changeWebhook({ endpointNumber: 2 });
        return { httpStatus };
      },
    });
    const { have, reads, sendAttempt } = worker;
    expect(await sendAttempt(await have("dl_1"))).toMatchObject({ hasMoved: false });
    expect(reads).toHaveLength(1);
  });
});
