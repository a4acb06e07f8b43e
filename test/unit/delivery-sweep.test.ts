import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { DELIVERY_SHARD_COUNT } from "../../shared/contracts/tables.ts";
import type { DueDelivery, StaleDelivery } from "../../shared/core/deliveries/state/ports.ts";
import type { PublishDeliveryFailedResult } from "../../shared/core/deliveries/state/publish-delivery-failed.ts";
import type { DeliveryJob, DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import {
  makeSweepDeliveries,
  type SweepDeliveriesDeps,
} from "../../shared/core/deliveries/sweep-deliveries.ts";
import type { MessageFailure } from "../../shared/core/message-failure.ts";
import { attemptMessage } from "../support/fakes/attempt-worker.ts";
import { testDeliveryRules as rules } from "../support/fakes/webhook-api.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { deliveryJob, deliveryRecord } from "../support/payloads/delivery-records.ts";

const nowRealMs = nowMs + 3_600_000;
const MINUTE_MS = 60_000;
/** After so long without its attempt a message counts as lost. */
const LOST_AFTER_MS = 20 * MINUTE_MS;
const shards = Array.from({ length: DELIVERY_SHARD_COUNT }, (_, shard) => shard);
const down = new Failure("DEPENDENCY_DOWN", "no table");
const failed: MessageFailure = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };
const unpublished: MessageFailure = { kind: "failed", code: "PUBLISH_FAILED", detail: "throttled" };
const nothing = { messagesSent: 0, published: 0, unpublished: [], restartedJobs: 0, failed: [] };
const failure = { cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 } as const;

const dueOf = (deliveryId: string, nextMs = nowMs, dueMs = nowMs): DueDelivery => ({
  ...{ message: attemptMessage(deliveryId), nextMs, dueMs },
});

/** A delivery whose failure is not known to be published. */
const staleOf = (deliveryId: string, of: Partial<DeliveryRecord> = {}) =>
  deliveryRecord({
    ...{ deliveryId, clientId: "cl_1", webhookId: "wh_1", status: "failed", version: 3 },
    ...{ sweepAtRealMs: nowRealMs, unpublishedFailures: [failure], ...of },
  });

/** A sweep over stores that note their calls; all entries are in the first shard. */
function setUp(
  given: {
    due?: DueDelivery[];
    stale?: string[];
    stored?: DeliveryRecord[];
    jobs?: DeliveryJob[];
    /** Writes before which another one came: the name of the call, and an id. */
    conflicts?: string[];
    /** Calls that throw, in the same form. */
    errors?: string[];
    published?: (deliveries: readonly DeliveryRecord[]) => PublishDeliveryFailedResult;
    limit?: number;
  } = {},
) {
  const { due = [], stale = [], stored = [], jobs = [], limit = 500 } = given;
  const { conflicts = [], errors = [] } = given;
  const calls: unknown[] = [];
  const published: string[][] = [];
  const ignored: unknown[] = [];
  /** Notes a call, which throws or is refused if the test says so. */
  async function call<Answer>(name: string, id: string, of: unknown[], answer: Answer) {
    calls.push([name, ...of]);
    if (errors.includes(`${name} ${id}`)) throw down;
    return conflicts.includes(`${name} ${id}`) ? undefined : answer;
  }
  const sweep = makeSweepDeliveries({
    deliveries: {
      findDue: async (of: { shard: number }) =>
        (await call("findDue", `${of.shard}`, [of], of.shard === 0 ? due : [])) ?? [],
      async findStale(of: { shard: number }) {
        const entries = stale.map((id): StaleDelivery => ({ id, sweepAtRealMs: 1 }));
        return (await call("findStale", `${of.shard}`, [of], of.shard === 0 ? entries : [])) ?? [];
      },
      setSweepDue: async (entry: DueDelivery, dueMs: number) =>
        (await call("setSweepDue", entry.message.deliveryId, [entry, dueMs], true)) ?? false,
      find: async (id: string) => stored.find(({ deliveryId }) => deliveryId === id),
      replace: (next: DeliveryRecord) =>
        call("replace", next.deliveryId, [next], { ...next, version: next.version + 1 }),
    },
    jobs: {
      find: async (id: string) => jobs.find(({ jobId }) => jobId === id),
      replace: (next: DeliveryJob) =>
        call("replaceJob", next.jobId, [next], { ...next, version: next.version + 1 }),
    },
    deliveryQueue: {
      send: (queue: string, messages: { message: { kind: string } }[]) =>
        call("send", messages[0]?.message.kind ?? "", [queue, messages], undefined),
    },
    async publishDeliveryFailed(deliveries: readonly DeliveryRecord[]) {
      published.push(deliveries.map(({ deliveryId }) => deliveryId));
      return given.published?.(deliveries) ?? { published: deliveries.length, failures: [] };
    },
    context: () => ({ nowMs, nowRealMs, speed: 1, rules }),
    limit,
    onNonFatalError: (error: unknown) => void ignored.push(error),
  } as unknown as SweepDeliveriesDeps);
  const callsOf = (...names: string[]) =>
    (calls as [string, ...unknown[]][]).filter(([name]) => names.includes(name));
  return { callsOf, calls, ignored, published, run: (leftMs = 50_000) => sweep(() => leftMs) };
}

describe("A run of the delivery sweep", () => {
  test("It reads what is due in business time and what is stale in real time, of every shard", async () => {
    const { callsOf, run } = setUp({ limit: 7 });
    expect(await run()).toStrictEqual(nothing);
    const limit = { limit: 7, after: undefined };
    expect(callsOf("findDue")).toStrictEqual(
      shards.map((shard) => ["findDue", { shard, untilMs: nowMs, ...limit }]),
    );
    expect(callsOf("findStale")).toStrictEqual(
      shards.map((shard) => ["findStale", { shard, beforeRealMs: nowRealMs, ...limit }]),
    );
  });

  test.each([
    [12_000, 0],
    [12_001, 2 * DELIVERY_SHARD_COUNT],
  ])("With %i ms of the invocation left it makes %i reads", async (leftMs, reads) => {
    const { calls, run } = setUp();
    expect(await run(leftMs)).toStrictEqual(nothing);
    expect(calls).toHaveLength(reads);
  });

  test("A shard that cannot be read does not delay what is due or stale elsewhere", async () => {
    const { callsOf, run } = setUp({
      ...{ due: [dueOf("dl_1")], stale: ["dl_2"], stored: [staleOf("dl_2")] },
      errors: ["findDue 1", "findStale 2", "findStale 3"],
    });
    expect(await run()).toStrictEqual({
      ...nothing,
      ...{ messagesSent: 1, published: 1, failed: [failed, failed, failed] },
    });
    expect(callsOf("replace")).toHaveLength(1);
  });
});

describe("Attempts that are due", () => {
  test("Each is moved to when its message counts as lost before its message is sent, with its delay", async () => {
    const early = dueOf("dl_1", nowMs + 900_000);
    const late = dueOf("dl_2", nowMs - 1);
    const { callsOf, run } = setUp({ due: [early, late] });
    expect(await run()).toStrictEqual({ ...nothing, messagesSent: 2 });
    expect(callsOf("setSweepDue", "send")).toStrictEqual([
      ["setSweepDue", early, nowMs + 900_000 + LOST_AFTER_MS],
      ["setSweepDue", late, nowMs + LOST_AFTER_MS],
      [
        ...["send", "retries"],
        [
          { message: early.message, delayMs: 900_000 },
          { message: late.message, delayMs: 0 },
        ],
      ],
    ]);
  });

  test("Of one that another run has moved, and of one that cannot be moved, no message is sent", async () => {
    const { callsOf, run } = setUp({
      due: [dueOf("dl_1"), dueOf("dl_2"), dueOf("dl_3")],
      conflicts: ["setSweepDue dl_1"],
      errors: ["setSweepDue dl_2"],
    });
    expect(await run()).toStrictEqual({ ...nothing, messagesSent: 1, failed: [failed] });
    const message = attemptMessage("dl_3");
    expect(callsOf("send")).toStrictEqual([["send", "retries", [{ message, delayMs: 0 }]]]);
  });

  test("Where none is left, the queue is not called", async () => {
    const { callsOf, run } = setUp({ due: [dueOf("dl_1")], conflicts: ["setSweepDue dl_1"] });
    expect(await run()).toStrictEqual(nothing);
    expect(callsOf("send")).toStrictEqual([]);
  });

  test("Those whose messages the queue does not take are due again a minute later", async () => {
    const late = dueOf("dl_1", nowMs - 3 * 3_600_000, nowMs - 5);
    const { callsOf, run } = setUp({ due: [late, dueOf("dl_2")], errors: ["send attempt"] });
    expect(await run()).toStrictEqual({ ...nothing, failed: [failed] });
    const lostMs = [nowMs + 3 * 3_600_000, nowMs + LOST_AFTER_MS];
    expect(callsOf("setSweepDue")).toStrictEqual([
      ["setSweepDue", late, lostMs[0]],
      ["setSweepDue", dueOf("dl_2"), lostMs[1]],
      ["setSweepDue", { ...late, dueMs: lostMs[0] }, nowMs + MINUTE_MS],
      ["setSweepDue", { ...dueOf("dl_2"), dueMs: lostMs[1] }, nowMs + MINUTE_MS],
    ]);
  });

  test("They are moved and sent in groups of 25", async () => {
    const due = Array.from({ length: 60 }, (_, n) => dueOf(`dl_${n}`));
    const { callsOf, run } = setUp({ due });
    expect(await run()).toStrictEqual({ ...nothing, messagesSent: 60 });
    const sizes = callsOf("send").map(([, , messages]) => (messages as unknown[]).length);
    expect(sizes).toEqual([25, 25, 10]);
  });
});

describe("Deliveries that are stale", () => {
  test("One is moved to a minute later, and its failure is published", async () => {
    const stored = staleOf("dl_1");
    const { calls, callsOf, published, run } = setUp({ stale: ["dl_1"], stored: [stored] });
    expect(await run()).toStrictEqual({ ...nothing, published: 1 });
    const next = { ...stored, sweepAtRealMs: nowRealMs + MINUTE_MS };
    expect(callsOf("replace")).toStrictEqual([["replace", next]]);
    expect(published).toStrictEqual([["dl_1"]]);
    expect(calls).toHaveLength(2 * DELIVERY_SHARD_COUNT + 1);
  });

  test.each<[string, DeliveryRecord[]]>([
    ["is not stored any more", []],
    ["was recovered meanwhile", [staleOf("dl_1", { sweepAtRealMs: undefined })]],
    ["another run has moved", [staleOf("dl_1", { sweepAtRealMs: nowRealMs + 1 })]],
  ])("One that %s is left as it is", async (_, stored) => {
    const { callsOf, published, run } = setUp({ stale: ["dl_1"], stored });
    expect(await run()).toStrictEqual(nothing);
    expect([callsOf("replace"), published]).toStrictEqual([[], []]);
  });

  test("One that another writer changes at that moment is left to it", async () => {
    const stored = [staleOf("dl_1", { status: "delivering", leaseUntilRealMs: 1 })];
    const { callsOf, published, run } = setUp({
      ...{ stale: ["dl_1"], stored, conflicts: ["replace dl_1"] },
    });
    expect(await run()).toStrictEqual(nothing);
    expect([callsOf("send"), published]).toStrictEqual([[], []]);
  });

  test.each<[string, Partial<DeliveryRecord>, number]>([
    [
      "whose lease has ended is attempted again",
      { status: "delivering", leaseUntilRealMs: nowRealMs },
      1,
    ],
    [
      "without a lease is attempted again",
      { status: "delivering", leaseUntilRealMs: undefined },
      1,
    ],
    [
      "whose lease lasts is left to its worker",
      { status: "delivering", leaseUntilRealMs: nowRealMs + 1 },
      0,
    ],
    ["that waits gets no message", { status: "waiting", leaseUntilRealMs: nowRealMs }, 0],
  ])("A delivery %s", async (_, of, messagesSent) => {
    const stored = [staleOf("dl_1", { ...of, unpublishedFailures: [] })];
    const { callsOf, published, run } = setUp({ stale: ["dl_1"], stored });
    expect(await run()).toStrictEqual({ ...nothing, messagesSent });
    const send = ["send", "retries", [{ message: attemptMessage("dl_1") }]];
    expect(callsOf("send")).toStrictEqual(messagesSent > 0 ? [send] : []);
    expect(published).toStrictEqual([]);
  });

  test("One that cannot be recovered fails, and hides none beside it", async () => {
    const { callsOf, published, run } = setUp({
      stale: ["dl_1", "dl_2", "dl_3"],
      stored: [
        staleOf("dl_1"),
        staleOf("dl_2", { status: "delivering", leaseUntilRealMs: 1 }),
        staleOf("dl_3"),
      ],
      errors: ["replace dl_1", "send attempt"],
    });
    expect(await run()).toStrictEqual({ ...nothing, published: 1, failed: [failed, failed] });
    expect(published).toStrictEqual([["dl_3"]]);
    expect(callsOf("replace")).toHaveLength(3);
  });
});

describe("The failures that a run publishes", () => {
  const many = (groups: number) => {
    const ids = Array.from({ length: 25 * groups }, (_, n) => `dl_${n}`);
    return { stale: ids, stored: ids.map((id) => staleOf(id)) };
  };

  test("What is published and what is not are counted over the whole run", async () => {
    const { run } = setUp({
      ...many(2),
      published: () => ({ published: 24, failures: [unpublished] }),
    });
    const counted = { published: 48, unpublished: [unpublished, unpublished] };
    expect(await run()).toStrictEqual({ ...nothing, ...counted });
  });

  test.each<[string, number, (nth: number) => PublishDeliveryFailedResult]>([
    ["that refuses everything", 4, () => ({ published: 0, failures: [unpublished] })],
    [
      "that takes one in four calls",
      9,
      (nth) => ({ published: nth % 4 === 0 ? 1 : 0, failures: [unpublished] }),
    ],
    ["that takes something each time", 9, () => ({ published: 1, failures: [unpublished] })],
    ["beside a table that is down", 9, () => ({ published: 0, failures: [failed] })],
    ["that says nothing", 9, () => ({ published: 0, failures: [] })],
    [
      "that refuses events beside a table that is down",
      4,
      () => ({ published: 0, failures: [failed, unpublished] }),
    ],
  ])("A bus %s gets %i of nine calls", async (_, calls, answer) => {
    let nth = 0;
    const { callsOf, published, run } = setUp({ ...many(9), published: () => answer(++nth) });
    const { failed: errors } = await run();
    expect(published).toHaveLength(calls);
    expect(callsOf("replace")).toHaveLength(9 * 25);
    expect(errors).toStrictEqual([]);
  });
});

describe("Jobs that are stale", () => {
  const job = deliveryJob({ jobId: "job_1", clientId: "cl_1", sweepAtRealMs: 1, version: 3 });
  const message = { v: 1, kind: "job", jobId: "job_1", clientId: "cl_1" };

  test("One is moved to a minute later, and its message is sent", async () => {
    const { callsOf, ignored, run } = setUp({ stale: ["job_1"], jobs: [job] });
    expect(await run()).toStrictEqual({ ...nothing, restartedJobs: 1 });
    expect(callsOf("replaceJob", "send")).toStrictEqual([
      ["replaceJob", { ...job, sweepAtRealMs: nowRealMs + MINUTE_MS }],
      ["send", "retries", [{ message }]],
    ]);
    expect(ignored).toStrictEqual([]);
  });

  test.each<[string, DeliveryJob[], string[]]>([
    ["is not stored any more", [], []],
    ["is done", [{ ...job, status: "done" }], []],
    ["another writer changes at that moment", [job], ["replaceJob job_1"]],
  ])("One that %s is not restarted", async (_, jobs, conflicts) => {
    const { callsOf, run } = setUp({ stale: ["job_1"], jobs, conflicts });
    expect(await run()).toStrictEqual(nothing);
    expect(callsOf("replaceJob")).toHaveLength(conflicts.length);
    expect(callsOf("send")).toStrictEqual([]);
  });

  test("One whose message is lost is restarted by the next run, and the error is reported", async () => {
    const { ignored, run } = setUp({ stale: ["job_1"], jobs: [job], errors: ["send job"] });
    expect(await run()).toStrictEqual({ ...nothing, restartedJobs: 1 });
    expect(ignored).toStrictEqual([down]);
  });

  test("One that cannot be written fails, and the deliveries beside it are recovered", async () => {
    const { run } = setUp({
      ...{ stale: ["job_1", "dl_1"], jobs: [job], stored: [staleOf("dl_1")] },
      errors: ["replaceJob job_1"],
    });
    expect(await run()).toStrictEqual({ ...nothing, published: 1, failed: [failed] });
  });
});
