import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import {
  type BatchResult,
  makeAcceptBatch,
} from "../../shared/core/requests/acceptance/accept-batch.ts";
import { makeAcceptRequest } from "../../shared/core/requests/acceptance/accept-request.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import type { LaneAccount, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const CLIENT = "cl_1";

/** The acceptance of one client's batches, each of whose calls of a port is counted. */
function setUp(rules: Partial<typeof requestRules> = {}) {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const parts = makeRequestParts({ clientId: CLIENT, connectionId: "cn_1", provider: "we-link" });
  const context = () => ({
    nowMs: clock.businessMs(),
    nowRealMs: clock.realMs(),
    rules: { ...requestRules, ...rules },
  });
  const sent: SubmitMessage[] = [];
  const created = new Map<string, RequestRecord>();
  const ignored: unknown[] = [];
  const world = { unregistered: new Set<string>(), connectionId: "cn_1", rate: [] as number[] };
  let ids = 0;

  /** One process. It crashes at its call with this number: neither that nor any later one is made. */
  function worker(crashAt = Number.POSITIVE_INFINITY, isApplied = false) {
    const calls: string[] = [];
    const stepped = <Port extends object>(port: Port): Port =>
      Object.fromEntries(
        Object.entries(port).map(([name, call]) => [
          name,
          async (...args: unknown[]) => {
            calls.push(name);
            if (calls.length > crashAt) throw new Error("crash");
            if (calls.length === crashAt && !isApplied) throw new Error("crash");
            const result = await call(...args);
            if (calls.length >= crashAt) throw new Error("crash");
            return result;
          },
        ]),
      ) as Port;
    const requests = stepped({
      ...memory.requests,
      async create(request: RequestRecord) {
        const result = await memory.requests.create(request);
        if (result === "created") created.set(request.requestId, request);
        return result;
      },
    });
    const lanes = stepped(memory.lanes);
    const submitQueue = stepped(makeSubmitQueue(async (message) => void sent.push(message)));
    const deps = {
      ...{ requests, lanes, submitQueue, providerClients, context },
      idempotency: stepped(memory.idempotency),
      correlations: stepped(memory.correlations),
      settleDependent: async () => undefined,
      connections: parts.connections,
      explainWaits: async () => new Map(),
      writer: makeRequestWriter({ requests, texts: parts.texts }),
      laneScheduler: makeLaneScheduler({
        ...{ lanes, submitQueue, nowMs: clock.businessMs, graceMs: 60_000 },
        onNonFatalError: (error) => ignored.push(error),
      }),
      schedules: stepped({ create: async () => undefined, delete: async () => undefined }),
      rates: stepped({
        async tryConsume(_: string, count = 1) {
          world.rate.push(count);
          return true;
        },
      }),
      accountDirectory: stepped({
        connectionIdOf: async () => world.connectionId,
        async requireAccount({ accountId }: LaneAccount) {
          if (!world.unregistered.has(accountId)) return;
          throw new InvalidRequest([{ field: "accountId", message: "is not registered" }]);
        },
        registerAccountIfNew: async () => undefined,
      }),
      masterKeys: parts.masterKeys,
      randomHex: (bytes: number) => String(++ids).padStart(2 * bytes, "0"),
      onNonFatalError: (error: unknown) => {
        if (!(error instanceof Error && error.message === "crash")) ignored.push(error);
      },
    };
    const acceptBatch = makeAcceptBatch(deps);
    return {
      calls,
      accept: makeAcceptRequest(deps),
      acceptBatch: (items: readonly (NewRequest | Failure)[], idempotencyKey?: string) =>
        acceptBatch({ clientId: CLIENT, idempotencyKey, items, body: items }),
    };
  }
  return { ...worker(), worker, clock, memory, world, sent, created, ignored };
}

const item = (of: Partial<NewRequest> = {}): NewRequest => ({
  clientId: CLIENT,
  provider: "we-link",
  accountId: "a",
  action: "connect",
  params: { profile_id: "p" },
  ...of,
});

const outcomes = (results: readonly BatchResult[]) =>
  results.map((result) => (result instanceof Failure ? result.code : result.requestId));
const counted = (calls: readonly string[], ...names: string[]) =>
  calls.filter((call) => names.includes(call)).length;

describe("what a batch shares", () => {
  test("200 requests of 4 accounts cost 4 writes for their places and 200 for themselves, and are counted against the rate at once", async () => {
    const { acceptBatch, calls, world, memory, created } = setUp();
    const items = Array.from({ length: 200 }, (_, n) => item({ accountId: `a${n % 4}` }));
    const results = await acceptBatch(items);
    expect(new Set(outcomes(results)).size).toBe(200);
    expect(created.size).toBe(200);
    expect(counted(calls, "join")).toBe(4);
    expect(counted(calls, "create")).toBe(200);
    expect(counted(calls, "connectionIdOf", "requireAccount", "registerAccountIfNew")).toBe(12);
    expect(counted(calls, "sendAll")).toBe(1);
    expect(counted(calls, "send", "find", "reserve", "findMany")).toBe(0);
    expect(world.rate).toEqual([200]);
    for (const account of ["a0", "a1", "a2", "a3"]) {
      const ofAccount = results.filter((one) => "accountId" in one && one.accountId === account);
      const places = (ofAccount as RequestRecord[]).map(({ lanePosition = 0 }) => lanePosition);
      expect(places).toEqual(places.map((_, n) => (places[0] ?? 0) + n));
      const { lane } = ofAccount[0] as RequestRecord;
      expect(await memory.lanes.find(lane)).toMatchObject({ waitingCount: 50 });
    }
  });

  test("10,000 requests cost one write each in 10 batches, besides one for each account and batch, where one by one they cost three", async () => {
    const total = 10_000;
    const items = Array.from({ length: total }, (_, n) =>
      item({ accountId: `a${n % 100}`, params: { n } }),
    );
    const limits = { accountWaitingLimit: total };
    const single = setUp(limits);
    for (const [n, one] of items.entries()) {
      await single.accept({ ...one, idempotencyKey: `key ${n}` });
    }
    const batches = setUp(limits);
    for (let n = 0; n < 10; n++) {
      const some = items.slice(n * 1_000, (n + 1) * 1_000);
      const results = await batches.acceptBatch(some, `key ${n}`);
      expect(results.filter((result) => result instanceof Failure)).toEqual([]);
    }
    const countsOf = ({ calls }: typeof single) => ({
      writes: counted(calls, "create", "join", "reserve"),
      reads: counted(calls, "find", "findMany", "findWithLanes"),
      configuration: counted(calls, "connectionIdOf", "requireAccount", "registerAccountIfNew"),
      rate: counted(calls, "tryConsume"),
      messages: counted(calls, "send", "sendAll"),
    });
    expect(countsOf(single)).toEqual({
      writes: 3 * total,
      reads: total,
      configuration: 3 * total,
      rate: total,
      messages: total,
    });
    expect(countsOf(batches)).toEqual({
      writes: total + 10 * 100 + 10,
      reads: 10,
      configuration: 3 * 10 * 100,
      rate: 10,
      messages: 10,
    });
    // The first batch wakes each of the 100 lanes; the others name 50 requests of any lane.
    expect(batches.sent).toHaveLength(100 + 9 * 20);
    expect(batches.created.size).toBe(total);
  });

  test("Requests of a lane that must be woken are named together, and all others whatever their lanes", async () => {
    const { acceptBatch, sent } = setUp();
    const items = Array.from({ length: 120 }, () => item());
    const woken = outcomes(await acceptBatch(items));
    const named = (message: SubmitMessage) =>
      message.kind === "acceptedBatch" ? message.requestIds : [];
    expect(sent.map((message) => "wakesLane" in message && message.wakesLane)).toEqual([
      true,
      false,
      false,
    ]);
    expect(sent.flatMap(named)).toEqual(woken);

    sent.length = 0;
    const later = { scheduled: "2026-06-26T12:00:00.000Z" };
    const others = [item(), item({ accountId: "b" }), item(), item({ ...later, accountId: "c" })];
    const ids = outcomes(await acceptBatch(others));
    expect(sent).toEqual([
      expect.objectContaining({ wakesLane: false, requestIds: [ids[0], ids[2], ids[3]] }),
      expect.objectContaining({ wakesLane: true, requestIds: [ids[1]] }),
    ]);
  });
});

describe("each item is judged by itself", () => {
  test("An item is refused as a call for it alone would be, and the others are accepted", async () => {
    const { acceptBatch, worker, world, created } = setUp({ accountWaitingLimit: 3 });
    world.unregistered.add("unknown");
    const refused = [
      item({ accountId: "unknown" }),
      item({ scheduled: "2026-06-25T12:00:01.000Z" }),
      item({ params: { text: "x".repeat(300_000) } }),
    ];
    const notValid = new InvalidRequest([{ field: "accountId", message: "is missing" }]);
    const full = item({ accountId: "full" });
    const results = await acceptBatch([
      item(),
      ...refused,
      notValid,
      ...[full, full, full, full, full],
      item(),
    ]);
    expect(results.filter((one) => !(one instanceof Failure))).toHaveLength(5);
    expect(created.size).toBe(5);
    for (const [n, one] of refused.entries()) {
      const alone = await worker()
        .accept(one)
        .catch((error: unknown) => error);
      expect(results[n + 1]).toEqual(alone);
    }
    expect(results[4]).toBe(notValid);
    const alone = await worker()
      .accept(full)
      .catch((error: unknown) => error);
    expect(results.slice(8, 10)).toEqual([alone, alone]);
    expect(alone).toMatchObject({ code: "TOO_MANY_REQUESTS" });
  });

  test("A count of waiting requests that is too high is corrected before one is refused", async () => {
    const { acceptBatch, memory, created } = setUp({ accountWaitingLimit: 5 });
    const [first] = (await acceptBatch([item(), item()])) as RequestRecord[];
    await memory.lanes.setWaitingCount(first?.lane ?? "", 5);
    const results = await acceptBatch([item(), item(), item(), item()]);
    expect(outcomes(results).map((one) => one.startsWith("rq_"))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(created.size).toBe(5);
  });

  test("An item whose idempotency key another item has is refused", async () => {
    const { acceptBatch } = setUp();
    const results = await acceptBatch([
      item({ idempotencyKey: "k" }),
      item(),
      item({ idempotencyKey: "k" }),
    ]);
    expect(results[2]).toMatchObject({
      errors: [{ field: "idempotencyKey", message: "is that of requests.0 too" }],
    });
    expect(results.filter((one) => one instanceof Failure)).toHaveLength(1);
  });
});

describe("requests that depend on one", () => {
  /** A request, how others depend on it, and the ids that it keeps. */
  async function withPredecessor() {
    const world = setUp();
    const { requestId } = await world.accept(item());
    const dependsOn = { requestId, on: "succeeded", within: 600 } as const;
    const dependents = async () => (await world.memory.requests.find(requestId))?.dependents;
    const items = (count: number) => Array.from({ length: count }, () => item({ dependsOn }));
    return { ...world, predecessorId: requestId, items, dependents };
  }
  const accepted = (results: readonly BatchResult[]) =>
    outcomes(results).filter((one) => one.startsWith("rq_"));

  test("Of a batch of 150 that depend on one, the first 100 are accepted by one write of it, and the others are refused as one alone would be", async () => {
    const { items, worker, dependents, created } = await withPredecessor();
    const { acceptBatch, calls } = worker();
    const results = await acceptBatch([...items(150), item()]);
    expect(accepted(results.slice(0, 100))).toHaveLength(100);
    expect(await dependents()).toEqual(outcomes(results.slice(0, 100)));
    const [one] = items(1);
    const alone = await worker()
      .accept(one as NewRequest)
      .catch((error: unknown) => error);
    expect(alone).toMatchObject({
      code: "CONFLICT",
      message: "100 requests depend on that request already",
    });
    expect(results.slice(100, 150)).toEqual(Array.from({ length: 50 }, () => alone));
    expect(accepted(results.slice(150))).toHaveLength(1);
    expect([created.size, counted(calls, "replace")]).toEqual([102, 1]);
  });

  test("Of two batches and single calls at once that depend on one, 100 are accepted", async () => {
    const { items, worker, dependents, created } = await withPredecessor();
    const single = (one: NewRequest): Promise<BatchResult> =>
      worker()
        .accept(one)
        .catch((error: Failure) => error);
    const [first, second, ...others] = await Promise.all([
      worker().acceptBatch(items(60)),
      worker().acceptBatch(items(60), "key"),
      ...items(10).map(async (one) => [await single(one)]),
    ]);
    const all = [...first, ...second, ...others.flat()];
    expect(accepted(all)).toHaveLength(100);
    expect(outcomes(all).filter((one) => one === "CONFLICT")).toHaveLength(30);
    expect((await dependents())?.toSorted()).toEqual(accepted(all).toSorted());
    expect(created.size).toBe(101);
  });

  test("A call that crashed when it had taken the last place keeps it for its key, and the key of a refused call is free", async () => {
    const { items, worker, dependents, acceptBatch } = await withPredecessor();
    await acceptBatch(items(98));
    const [plain] = items(1);
    const of = (idempotencyKey: string) => ({ ...(plain as NewRequest), idempotencyKey });
    const dry = worker();
    await dry.accept(of("another"));
    const storing = dry.calls.indexOf("create") + 1;
    await expect(worker(storing).accept(of("key"))).rejects.toThrow("crash");
    expect(await dependents()).toHaveLength(100);
    await expect(worker().accept(of("refused"))).rejects.toMatchObject({ code: "CONFLICT" });
    const { requestId } = await worker().accept(of("key"));
    expect((await dependents())?.at(-1)).toBe(requestId);
    // Another body: the refused call has kept no key.
    const other = { ...item(), idempotencyKey: "refused" };
    expect((await worker().accept(other)).status).toBe("QUEUED");
  });

  test("What depends on a request that has ended takes no place", async () => {
    const { items, predecessorId, memory, acceptBatch, dependents } = await withPredecessor();
    await acceptBatch(items(100));
    const before = (await memory.requests.find(predecessorId)) as RequestRecord;
    await memory.requests.replace({ ...before, status: "SUCCEEDED" });
    expect(accepted(await acceptBatch(items(20)))).toHaveLength(20);
    expect(await dependents()).toHaveLength(100);
  });
});

describe("the idempotency key of an item", () => {
  test("An item with the key and body of an earlier call, alone or in a batch, is that call's request", async () => {
    const { accept, acceptBatch, worker, created } = setUp();
    const alone = await accept(item({ idempotencyKey: "alone" }));
    const [, inBatch] = await acceptBatch([item(), item({ idempotencyKey: "in a batch" })]);
    const { calls, acceptBatch: again } = worker();
    const results = await again([
      item({ idempotencyKey: "in a batch" }),
      item({ idempotencyKey: "alone" }),
      item({ idempotencyKey: "alone ", params: {} }),
      item({ idempotencyKey: "alone", params: {} }),
    ]);
    expect(outcomes(results).slice(0, 2)).toEqual([...outcomes([inBatch as BatchResult, alone])]);
    expect(outcomes(results)[3]).toBe("REQUEST_INVALID");
    expect(counted(calls, "findMany")).toBe(1);
    expect(counted(calls, "find")).toBe(0);
    expect(created.size).toBe(4);
    expect((await accept(item({ idempotencyKey: "in a batch" }))).requestId).toBe(
      outcomes([inBatch as BatchResult])[0],
    );
    const [other] = await again([item({ idempotencyKey: "alone", params: {} })]);
    expect(other).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  });
});

describe("the idempotency key of a batch", () => {
  const items = [
    item(),
    item({ accountId: "b" }),
    item({ scheduled: "2026-06-26T12:00:00.000Z" }),
    item({ idempotencyKey: "its own" }),
    item({ accountId: "unknown" }),
    item({ accountId: "b", group: "g", priority: "high" }),
  ];

  test("A repeated batch has the same answers and stores nothing, without a write of its requests", async () => {
    const { acceptBatch, worker, world, created } = setUp();
    world.unregistered.add("unknown");
    const first = await acceptBatch(items, "key");
    const { calls, acceptBatch: again } = worker();
    expect(await again(items, "key")).toEqual(first);
    expect(created.size).toBe(5);
    expect(counted(calls, "create", "join", "reserve")).toBe(0);
    // Two reads: of the requests of the batch's key, and of the item's own.
    expect(counted(calls, "findWithLanes", "find")).toBeLessThanOrEqual(4);
  });

  test("Another body with the key is refused, unless no request of the first was accepted", async () => {
    const { acceptBatch, world, created } = setUp();
    world.unregistered.add("a");
    await acceptBatch([item()], "key");
    expect(created.size).toBe(0);
    world.unregistered.clear();
    await acceptBatch([item({ params: {} })], "key");
    expect(created.size).toBe(1);
    await expect(acceptBatch([item()], "key")).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
    // A single call's key is another one.
    await setUp().accept(item({ idempotencyKey: "key" }));
  });

  test("What was refused is judged again", async () => {
    const { acceptBatch, world, created } = setUp();
    world.unregistered.add("unknown");
    const first = outcomes(await acceptBatch(items, "key"));
    world.unregistered.clear();
    const second = outcomes(await acceptBatch(items, "key"));
    expect(second[4]).toMatch(/^rq_/);
    expect(second.toSpliced(4, 1)).toEqual(first.toSpliced(4, 1));
    expect(outcomes(await acceptBatch(items, "key"))).toEqual(second);
    expect(created.size).toBe(6);
  });

  test("A repeated batch finds its requests although its account has another connection by now", async () => {
    const { acceptBatch, world, created } = setUp();
    const first = outcomes(await acceptBatch(items, "key"));
    world.connectionId = "cn_2";
    expect(outcomes(await acceptBatch(items, "key"))).toEqual(first);
    expect(created.size).toBe(6);
  });

  test("Batches with the key at the same time have the same answers, and each request is stored once", async () => {
    const { worker, world, created } = setUp();
    world.unregistered.add("unknown");
    const racers = Array.from({ length: 5 }, () => worker().acceptBatch(items, "key"));
    const [first, ...others] = (await Promise.all(racers)).map(outcomes);
    for (const other of others) expect(other).toEqual(first);
    expect(created.size).toBe(5);
  });

  test.each([false, true])(
    "After a crash at any call (applied: %s), a repeated batch has the answers of one without a crash, and each request is stored once and has a message or is found by the sweep",
    async (isApplied) => {
      const { length: calls } = await callsOf();
      for (let crashAt = 1; crashAt <= calls; crashAt++) {
        const { worker, world, created, clock, sent, ignored } = setUp();
        world.unregistered.add("unknown");
        await worker(crashAt, isApplied)
          .acceptBatch(items, "key")
          .catch(() => undefined);
        clock.passReal(5_000);
        const results = await worker().acceptBatch(items, "key");
        const labels = outcomes(results);
        expect(labels[4]).toBe("REQUEST_INVALID");
        expect(new Set(labels).size).toBe(6);
        expect([...created.keys()].sort()).toEqual(
          labels.filter((label) => label.startsWith("rq_")).sort(),
        );
        const named = sent.flatMap((message) =>
          message.kind === "acceptedBatch" ? message.requestIds : [],
        );
        for (const [id, { sweepAtRealMs }] of created) {
          expect(named.includes(id) || sweepAtRealMs !== undefined).toBe(true);
        }
        expect(ignored).toEqual([]);
        expect(await worker().acceptBatch(items, "key")).toEqual(results);
      }
    },
  );

  async function callsOf(): Promise<string[]> {
    const { acceptBatch, calls, world } = setUp();
    world.unregistered.add("unknown");
    await acceptBatch(items, "key");
    return calls;
  }
});
