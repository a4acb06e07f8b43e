import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failedRecords, pairWithOutcomes } from "../../functions/consume/records.ts";
import { timing } from "../../infra/timing.ts";
import { localAws } from "../../local/aws/local-aws.ts";
import { awsClientDefaults } from "../../shared/runtime/aws-clients.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { deliver, linkedApiWebhook } from "../support/fakes/sender.ts";
import { type FaultyRun, startFaultyRun } from "../support/runs/faulty-run.ts";
import {
  batchItemFailures,
  inboundMessage,
  LEASE_MS,
  makeSkewedClock,
  makeWorker,
  realClock,
} from "../support/simulations/consume-worker.ts";

const MAX_RECEIVES = 3;
const SECOND_MS = 1_000;
const CONSUME_TIMEOUT_MS = timing.consumeTimeout.toMilliseconds();

let run: FaultyRun;
beforeAll(async () => {
  run = await startFaultyRun({
    consumeTimeout: 7,
    // Longer than the function can live, as deployed, and over when its message comes again.
    lease: 8,
    visibility: 9,
    maxReceives: MAX_RECEIVES,
    batchSize: 1,
  });
});
afterAll(() => run.close());

describe("a webhook becomes one event with one identity, whichever call fails (G2)", () => {
  const crashes: [row: string, operation: string, fault: Fault, copies: number][] = [
    [
      "B1 consume crashes before the claim: the redelivered message is processed",
      "PutItem",
      "crash-before",
      1,
    ],
    [
      "B2 the claim is applied and its answer is lost: the event is published after the lease has ended",
      "PutItem",
      "timeout-applied",
      1,
    ],
    [
      "B3 consume crashes between the claim and the publish: the event is published after the lease has ended",
      "PutItem",
      "crash-after",
      1,
    ],
    [
      "B4 the publish is applied and its answer is lost: the event is published twice with the same id and bytes",
      "PutEvents",
      "timeout-applied",
      2,
    ],
    [
      "B5 consume crashes between the publish and its record: the event is published twice with the same id and bytes",
      "PutEvents",
      "crash-after",
      2,
    ],
    [
      "B6 consume crashes after recording, before the batch's answer: the redelivered message has no effect",
      "UpdateItem",
      "crash-after",
      1,
    ],
  ];
  const idOfRow = (row: string) => `${row.slice(0, 2)}-`;
  const plans = new Map<string, { struck(): number }>();
  const strike = (id: string, operation: string, fault: Fault, times = 1) =>
    plans.set(id, run.proxy.plan({ from: "consume", operation, fault, matching: id, times }));

  // All concurrently: each waits for leases and visibility timeouts.
  beforeAll(async () => {
    for (const [row, operation, fault] of crashes) {
      strike(idOfRow(row), operation, fault, row.startsWith("B2") ? 2 : 1);
    }
    strike("B8-refused-", "PutEvents", { entryFails: "MalformedDetail" }, 1_000);
    const QueueUrl = run.outputs.InboundQueueUrl;
    const MessageBody = '{"v":1,"poison":"B17"}';
    await run.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const ids = [...crashes.map(([row]) => idOfRow(row)), "B8-refused-", "B8-good-", "B17-"];
    for (const id of ids) {
      await deliver(run.inboundUrl("linked-api"), linkedApiWebhook(id));
    }
    await run.quiet();
  });

  test.each(crashes)("%s", (row, _operation, _fault, copies) => {
    const events = run.eventsOf(idOfRow(row));
    expect(plans.get(idOfRow(row))?.struck()).toBe(row.startsWith("B2") ? 2 : 1);
    expect(events).toHaveLength(copies);
    expect(new Set(events).size).toBe(1);
    expect(run.deadLettersOf(idOfRow(row))).toBe(0);
  });

  test("B8 the bus permanently refuses an entry: its message moves to the dead-letter queue after its receives", async () => {
    await expect.poll(() => run.deadLettersOf("B8-refused-")).toBe(1);
    expect(plans.get("B8-refused-")?.struck()).toBe(MAX_RECEIVES);
    expect(run.eventsOf("B8-refused-")).toEqual([]);
    expect(run.eventsOf("B8-good-")).toHaveLength(1);
  });

  test("B17 a poison message moves to the dead-letter queue after its receives, and the other events of its batch are published", async () => {
    await expect.poll(() => run.deadLettersOf('"poison":"B17"')).toBe(1);
    expect(run.eventsOf("B17-")).toHaveLength(1);
  });
});

const outcomesOf = (outcomes: { kind: string; code?: string }[]) =>
  outcomes.map(({ kind, code }) => code ?? kind);
const tenOf = (row: string) => Array.from({ length: 10 }, (_, n) => inboundMessage(`${row}-${n}-`));
const others = (outcome: string, at: number, count = 10) =>
  Array.from({ length: count }, (_, n) => (n === at ? outcome : "published"));

/** Every copy of the events whose workflow ids begin like this. */
async function published(prefix: string): Promise<string[]> {
  await run.quiet();
  return run.eventsOf(prefix);
}

async function storedItem(id: string) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(run.addresses.awsUrl)));
  const Key = { id: `workflow.completed:cn_1:${id}` };
  const TableName = run.outputs.EventsTableName;
  return (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

describe("a batch of consume", () => {
  test("B7 PutEvents answers 200 with one of ten entries failed: only that entry is retried, and transient and permanent errors have different codes", async () => {
    const work = makeWorker(run);
    const batch = tenOf("B7");
    run.proxy.plan({
      operation: "PutEvents",
      fault: { entryFails: "ThrottlingException" },
      matching: "B7-3-",
    });
    const outcomes: Awaited<ReturnType<typeof work>> = [];
    const watched: typeof work = async (bodies) => {
      outcomes.push(...(await work(bodies)));
      return outcomes;
    };
    expect(await batchItemFailures(watched, batch)).toEqual(["m3"]);
    expect(outcomesOf(outcomes)).toEqual(others("PUBLISH_FAILED", 3));
    const again = outcomesOf(await work(batch));
    expect(again).toEqual(again.map((_, n) => (n === 3 ? "published" : "duplicate")));
    expect(await published("B7-")).toHaveLength(10);

    run.proxy.plan({
      operation: "PutEvents",
      fault: { entryFails: "MalformedDetail" },
      matching: "B7final-3-",
    });
    expect(outcomesOf(await work(tenOf("B7final")))).toEqual(others("PUBLISH_REFUSED", 3));
  });

  test("B13 if item 3 of 10 fails, only item 3 is reported as failed", async () => {
    const batch = tenOf("B13").with(3, "not ours");
    expect(await batchItemFailures(makeWorker(run), batch)).toEqual(["m3"]);
    expect(await published("B13-")).toHaveLength(9);
  });

  test("B14 the batch answer is never malformed: each failed id belongs to the batch, and a missing outcome fails the whole batch", async () => {
    const batch = [inboundMessage("B14-1-"), "", "null", '{"batchItemFailures":[null]}'];
    expect(await batchItemFailures(makeWorker(run), batch)).toEqual(["m1", "m2", "m3"]);
    const forgetful = async () => [];
    await expect(batchItemFailures(forgetful, batch)).rejects.toThrow("No outcome for message m0");
    expect(failedRecords(pairWithOutcomes([], []))).toEqual([]);
  });

  test("B15 a worker is frozen while it records one of ten events: nine redelivered messages have no effect, and the tenth publishes the same bytes", async () => {
    const batch = tenOf("B15");
    const thaw = Promise.withResolvers<void>();
    const hung = run.proxy.plan({
      operation: "UpdateItem",
      fault: { until: thaw.promise },
      matching: "B15-3-",
    });
    const frozen = makeWorker(run, { isHeld: true })(batch);
    await expect.poll(() => hung.struck()).toBe(1);
    await expect.poll(async () => (await storedItem("B15-9-"))?.status).toBe("PUBLISHED");
    const afterLease = makeSkewedClock(LEASE_MS);
    const again = outcomesOf(await makeWorker(run, { clock: afterLease })(batch));
    expect(again).toEqual(again.map((_, n) => (n === 3 ? "published" : "duplicate")));
    thaw.resolve();
    expect(outcomesOf(await frozen)).toEqual(others("CLAIM_LOST", 3));
    const events = await published("B15-");
    expect(events).toHaveLength(11);
    expect(new Set(events).size).toBe(10);
  });

  test("B15 a call that AWS never answers is retried within the function's timeout", async () => {
    const hung = run.proxy.plan({
      operation: "PutItem",
      fault: "timeout-not-applied",
      matching: "B15hung-",
    });
    expect(outcomesOf(await makeWorker(run)([inboundMessage("B15hung-")]))).toEqual(["published"]);
    expect(hung.struck()).toBe(1);
    const claims = run.proxy.calls.filter(
      ({ operation, content }) => operation === "PutItem" && content.includes("B15hung-"),
    );
    expect(claims.map(({ applied }) => applied)).toEqual([false, true]);
    const { maxAttempts, requestHandler } = awsClientDefaults;
    expect(maxAttempts * requestHandler.requestTimeout).toBeLessThan(CONSUME_TIMEOUT_MS);
  });

  test("B16 an event that is twice in one batch is published once", async () => {
    const message = inboundMessage("B16-");
    expect(outcomesOf(await makeWorker(run)([message, message]))).toEqual([
      "published",
      "duplicate",
    ]);
    expect(await published("B16-")).toHaveLength(1);
  });

  test("B18 DynamoDB throttles one item: it is tried three times and reported as failed, and the other events of the batch are published", async () => {
    const throttled = run.proxy.plan({
      operation: "PutItem",
      fault: "throttle",
      matching: "B18-3-",
      times: 1_000,
    });
    const batch = tenOf("B18");
    expect(await batchItemFailures(makeWorker(run), batch)).toEqual(["m3"]);
    expect(throttled.struck()).toBe(3);
    throttled.end();
    expect(await batchItemFailures(makeWorker(run), batch)).toEqual([]);
    expect(await published("B18-")).toHaveLength(10);
  });

  test("B18 twenty workers race for one claim: one publishes, and no worker that found the claim held reports success", async () => {
    const message = inboundMessage("B18storm-");
    const storm = Array.from({ length: 20 }, () => makeWorker(run)([message]));
    const kinds = outcomesOf((await Promise.all(storm)).flat());
    expect(kinds.filter((kind) => kind === "published")).toHaveLength(1);
    expect(
      kinds.filter((kind) => !["published", "CLAIM_HELD", "duplicate"].includes(kind)),
    ).toEqual([]);
    expect(await published("B18storm-")).toHaveLength(1);
  });
});

/** A worker that has claimed an event, and whose call to the bus waits until the test releases it. */
async function heldWhilePublishing(id: string, message: string) {
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const held = run.proxy.plan({ operation: "PutEvents", fault: { until }, matching: id });
  const first = makeWorker(run, { isHeld: true })([message]);
  await expect.poll(() => held.struck()).toBe(1);
  return { first, release };
}

describe("the lease of a claim", () => {
  test("B9 a second worker reports a failure while the first is publishing, so that the message stays in the queue", async () => {
    const message = inboundMessage("B9-");
    const { first, release } = await heldWhilePublishing("B9-", message);
    expect(await batchItemFailures(makeWorker(run), [message])).toEqual(["m0"]);
    release();
    expect(outcomesOf(await first)).toEqual(["published"]);
    expect(outcomesOf(await makeWorker(run)([message]))).toEqual(["duplicate"]);
    expect(await published("B9-")).toHaveLength(1);
  });

  test.each([
    ["records its publish", "slow", "CLAIM_LOST", 2],
    ["releases its claim", "throttle", "PUBLISH_FAILED", 1],
  ] as const)(
    "B10 a worker that %s after its lease expired does not change the item",
    async (name, fault, code, copies) => {
      const id = `B10-${fault}-`;
      const message = inboundMessage(id);
      const operation = fault === "slow" ? "UpdateItem" : "PutEvents";
      const { promise: until, resolve: release } = Promise.withResolvers<void>();
      const stopped = run.proxy.plan({ operation, fault: { until }, matching: id });
      // The third try fails too: the first worker releases its claim while the second one holds it.
      if (name === "releases its claim") {
        stopped.end();
        run.proxy.plan({ operation, fault: "throttle", matching: id, times: 3 });
        run.proxy.plan({ operation: "UpdateItem", fault: { until }, matching: id });
      }
      const zombie = makeWorker(run, { claimLeaseMs: 1, isHeld: true })([message]);
      await expect
        .poll(async () => (await storedItem(id))?.status, { interval: 5 })
        .toBe("CLAIMED");
      const calls = () =>
        run.proxy.calls.filter(
          (call) => call.operation === "UpdateItem" && call.content.includes(id),
        );
      await expect.poll(() => calls().length, { interval: 5 }).toBe(1);
      expect(outcomesOf(await makeWorker(run)([message]))).toEqual(["published"]);
      const before = await storedItem(id);
      release();
      expect(outcomesOf(await zombie)).toEqual([code]);
      expect(before?.status).toBe("PUBLISHED");
      expect(await storedItem(id)).toEqual(before);
      const events = await published(id);
      expect(events).toHaveLength(copies);
      expect(new Set(events).size).toBe(1);
    },
  );

  test("B11 the write of a claim contains the end of its lease, so that no time remains in which a claim has no end", async () => {
    const stop = run.proxy.plan({
      operation: "PutEvents",
      fault: "throttle",
      matching: "B11-",
      times: 3,
    });
    const hung = run.proxy.plan({
      operation: "UpdateItem",
      fault: "reset-before",
      matching: "B11-",
      times: 3,
    });
    const before = Date.now();
    await makeWorker(run)([inboundMessage("B11-")]);
    expect([stop.struck(), hung.struck()]).toEqual([3, 3]);
    const { leaseUntilMs, status } = (await storedItem("B11-")) ?? {};
    expect(status).toBe("CLAIMED");
    expect(leaseUntilMs).toBeGreaterThanOrEqual(before + LEASE_MS);
    expect(leaseUntilMs).toBeLessThanOrEqual(Date.now() + LEASE_MS);
  });

  /** A first worker that has claimed an event and fails at every later call. */
  async function claimAndFail(id: string, clock = realClock) {
    run.proxy.plan({ operation: "PutEvents", fault: "throttle", matching: id, times: 3 });
    run.proxy.plan({ operation: "UpdateItem", fault: "reset-before", matching: id, times: 3 });
    const message = inboundMessage(id);
    await makeWorker(run, { clock })([message]);
    return message;
  }

  test("B12 a worker whose clock is ahead by less than lease minus timeout does not take over a claim early", async () => {
    const clock = makeTestClock(Date.now());
    const message = await claimAndFail("B12ahead-", clock);
    clock.passReal(LEASE_MS - CONSUME_TIMEOUT_MS);
    expect(outcomesOf(await makeWorker(run, { clock })([message]))).toEqual(["CLAIM_HELD"]);
    clock.passReal(CONSUME_TIMEOUT_MS - 1);
    expect(outcomesOf(await makeWorker(run, { clock })([message]))).toEqual(["CLAIM_HELD"]);
    clock.passReal(1);
    expect(outcomesOf(await makeWorker(run, { clock })([message]))).toEqual(["published"]);
  });

  test("B12 a worker whose clock is 5 minutes behind is not stuck: it learns when the lease ends, and then takes the claim over", async () => {
    const message = await claimAndFail("B12behind-");
    const clock = makeSkewedClock(-300_000);
    const [held] = await makeWorker(run, { clock })([message]);
    expect(held).toMatchObject({ code: "CLAIM_HELD", retryAtMs: expect.any(Number) });
    const waitMs = (held as { retryAtMs: number }).retryAtMs - clock.realMs();
    expect(waitMs).toBeLessThanOrEqual(300_000 + LEASE_MS);
    clock.pass(waitMs);
    expect(outcomesOf(await makeWorker(run, { clock })([message]))).toEqual(["published"]);
  });

  test("B12 a worker whose clock is 5 minutes ahead, more than any lease, publishes at most one copy more, with the same id and bytes", async () => {
    const message = inboundMessage("B12far-");
    const { first, release } = await heldWhilePublishing("B12far-", message);
    const clock = makeSkewedClock(300_000);
    expect(outcomesOf(await makeWorker(run, { clock })([message]))).toEqual(["published"]);
    release();
    expect(outcomesOf(await first)).toEqual(["CLAIM_LOST"]);
    expect(outcomesOf(await makeWorker(run)([message]))).toEqual(["duplicate"]);
    const events = await published("B12far-");
    expect(events).toHaveLength(2);
    expect(new Set(events).size).toBe(1);
  });

  test("B19 an expired claim that DynamoDB has not deleted yet does not count, because its time decides", async () => {
    const id = `B19-${randomUUID()}-`;
    const day = 86_400_000;
    const retentionMs = 3 * day;
    const clock = makeTestClock(Date.now());
    const at = () => inboundMessage(id, { receivedAtMs: clock.businessMs() });
    const work = makeWorker(run, { clock, retentionMs });
    expect(outcomesOf(await work([at()]))).toEqual(["published"]);
    clock.passBusiness(retentionMs - SECOND_MS);
    expect(outcomesOf(await work([at()]))).toEqual(["duplicate"]);
    // DynamoDB deletes items by whole seconds.
    clock.passBusiness(2 * SECOND_MS);
    expect(await storedItem(id)).toMatchObject({ status: "PUBLISHED" });
    expect(outcomesOf(await work([at()]))).toEqual(["published"]);
  });
});
