import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import {
  type FinishBatchDeps,
  type MessageResult,
  makeFinishBatch,
} from "../../shared/core/deliveries/attempts/finish-batch.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";
import { deliveryRules as rules } from "../support/simulations/delivery-simulation.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const message = (deliveryId: string): AttemptMessage => ({
  v: 1,
  kind: "attempt",
  deliveryId,
  clientId: "cl_1",
  webhookId: "wh_1",
});
/** A delivery that only its message holds. */
const unstored = (deliveryId: string): AttemptMessage => ({
  ...message(deliveryId),
  unstored: {
    eventId: "workflow.created:rq_1",
    eventType: "workflow.created",
    createdMs: nowMs - 5,
    body: "{}",
  },
});

const attempted = (index: number, delivery = deliveryRecord()): MessageResult => ({
  index,
  outcome: { kind: "attempted", delivery, isSuccess: false, isSlow: false, endpointNumber: 1 },
});
const requeued = (index: number, of: AttemptMessage): MessageResult => ({
  index,
  outcome: { kind: "requeued" },
  requeue: { message: of, delayMs: 10 },
});

function setUp() {
  const sent: unknown[] = [];
  const created: DeliveryRecord[] = [];
  const published: string[] = [];
  const ignored: unknown[] = [];
  const world: { sendError?: Error; createError?: Error } = {};
  const finish = makeFinishBatch({
    deliveries: {
      async create(delivery: DeliveryRecord) {
        if (world.createError) throw world.createError;
        created.push(delivery);
        return "created";
      },
    },
    deliveryQueue: {
      async send(...of: unknown[]) {
        sent.push(of);
        if (world.sendError) throw world.sendError;
      },
    },
    publishDeliveryFailed: async (failed: readonly DeliveryRecord[]) =>
      void published.push(...failed.map(({ deliveryId }) => deliveryId)),
    context: () => ({ nowMs, nowRealMs: nowMs, speed: 1, rules }),
    onNonFatalError: (error: unknown) => ignored.push(error),
  } as unknown as FinishBatchDeps);
  return { finish, sent, created, published, ignored, world };
}

describe("The end of a batch", () => {
  test("The failures of its deliveries are published, whether or not a POST was made", async () => {
    const { finish, published, sent } = setUp();
    const failure = { cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 } as const;
    const failed = (deliveryId: string) =>
      deliveryRecord({ deliveryId, unpublishedFailures: [failure] });
    const results: MessageResult[] = [
      attempted(0, failed("dl_1")),
      attempted(1),
      { index: 2, outcome: { kind: "recordedWithoutPost", delivery: failed("dl_2") } },
      { index: 3, outcome: { kind: "alreadyHandled" } },
    ];
    expect(await finish(results)).toEqual(results);
    expect(published).toEqual(["dl_1", "dl_2"]);
    expect(sent).toEqual([]);
  });

  test("Its next attempts and the messages that come back are sent by one call", async () => {
    const { finish, sent, created } = setUp();
    const nextAttempt = { message: message("dl_1"), delayMs: 5_000 };
    const results = [{ ...attempted(0), nextAttempt }, attempted(1), requeued(2, message("dl_2"))];
    expect(await finish(results)).toEqual(results);
    const messages = [nextAttempt, { message: message("dl_2"), delayMs: 10 }];
    expect(sent).toEqual([["retries", messages]]);
    expect(created).toEqual([]);
  });
});

describe("Messages that cannot be sent", () => {
  const nextAttempt = { message: message("dl_1"), delayMs: 5_000 };
  const down = new Failure("DEPENDENCY_DOWN", "no queue");
  const outcome = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no queue" };

  test("A message that was to come back fails, and the sweep sends the next attempt", async () => {
    const { finish, world, ignored } = setUp();
    world.sendError = down;
    const first = { ...attempted(0), nextAttempt };
    const second = requeued(1, message("dl_2"));
    expect(await finish([first, second])).toEqual([first, { ...second, outcome }]);
    expect(ignored).toEqual([down]);
  });

  test("An error that its messages tell already is not told again", async () => {
    const { finish, world, ignored } = setUp();
    world.sendError = down;
    const result = requeued(0, message("dl_2"));
    expect(await finish([result])).toEqual([{ ...result, outcome }]);
    expect(ignored).toEqual([]);
  });
});

describe("A message that holds its delivery", () => {
  test("Its delivery is stored before the message comes back without it", async () => {
    const { finish, sent, created } = setUp();
    const result = requeued(0, unstored("dl_1"));
    const requeue = { message: message("dl_1"), delayMs: 10 };
    expect(await finish([result])).toEqual([{ ...result, requeue }]);
    expect(created).toMatchObject([
      {
        ...{ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1", status: "waiting" },
        ...{ eventId: "workflow.created:rq_1", eventType: "workflow.created" },
        ...{ createdMs: nowMs - 5, nextMs: nowMs, body: { inline: "{}" }, attemptsInCycle: 0 },
      },
    ]);
    expect(sent).toEqual([["retries", [requeue]]]);
  });

  test("Where its delivery cannot be stored, the message fails and does not come back", async () => {
    const { finish, sent, world } = setUp();
    world.createError = new Failure("DEPENDENCY_DOWN", "no table");
    const other = requeued(1, message("dl_2"));
    const outcome = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };
    const results = await finish([requeued(0, unstored("dl_1")), other]);
    expect(results).toEqual([{ index: 0, outcome }, other]);
    expect(sent).toEqual([["retries", [other.requeue]]]);
  });

  test("A message whose attempt was made is not stored again", async () => {
    const { finish, created } = setUp();
    await finish([{ ...attempted(0), nextAttempt: { message: message("dl_1"), delayMs: 0 } }]);
    expect(created).toEqual([]);
  });
});
