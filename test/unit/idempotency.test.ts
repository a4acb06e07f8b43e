import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import { canonicalJson, parseJson } from "../../shared/core/json/json.ts";
import { makeAcceptRequest } from "../../shared/core/requests/acceptance/accept-request.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import { cancelRequest } from "../../shared/core/requests/state/endings.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import { runs } from "../support/runs/runs.ts";

const HOUR_MS = 3_600_000;

type Wrap = <Port extends object>(port: Port) => Port;

/** The acceptance of one client's requests, whose surroundings a test changes. */
function setUp(rules: Partial<typeof requestRules> = {}) {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const parts = makeRequestParts({ clientId: "cl_1", connectionId: "cn_1", provider: "we-link" });
  const world = { isTooFast: false, problem: undefined as Failure | undefined };
  const context = () => ({
    nowMs: clock.businessMs(),
    nowRealMs: clock.realMs(),
    rules: { ...requestRules, ...rules },
  });
  const created: string[] = [];

  function worker(wrap: Wrap = (port) => port) {
    const requests: RequestStore = {
      ...wrap(memory.requests),
      async create(request) {
        const result = await wrap(memory.requests).create(request);
        if (result === "created") created.push(request.requestId);
        return result;
      },
    };
    const lanes = wrap(memory.lanes);
    const accept = makeAcceptRequest({
      ...{ requests, lanes, idempotency: wrap(memory.idempotency), providerClients, context },
      correlations: wrap(memory.correlations),
      settleDependent: async () => undefined,
      connections: parts.connections,
      writer: makeRequestWriter({ requests, texts: parts.texts }),
      laneScheduler: makeLaneScheduler({
        ...{ lanes, nowMs: clock.businessMs, graceMs: 60_000, onNonFatalError: () => undefined },
        submitQueue: makeSubmitQueue(),
      }),
      submitQueue: makeSubmitQueue(),
      schedules: { create: async () => undefined, delete: async () => undefined },
      rates: { tryConsume: async () => !world.isTooFast },
      accountDirectory: {
        ...parts.client.accountDirectory,
        connectionIdOf: async () => {
          if (world.problem) throw world.problem;
          return "cn_1";
        },
      },
      explainWaits: async () => new Map(),
      masterKeys: parts.masterKeys,
      randomHex: (bytes) => randomBytes(bytes).toString("hex"),
      onNonFatalError: (error) => expect.fail(String(error)),
    });
    return (of: Partial<NewRequest> = {}) => accept({ ...call, ...of });
  }
  const accept = worker();

  /** Ends a request by a cancel. */
  async function end({ requestId }: RequestRecord) {
    const found = (await memory.requests.find(requestId)) as RequestRecord;
    await memory.requests.replace(cancelRequest(found, context()));
  }
  const idsOf = async (calls: Promise<RequestRecord>[]) =>
    new Set((await Promise.all(calls)).map(({ requestId }) => requestId)).size;
  return { accept, worker, clock, memory, world, created, end, idsOf };
}

const call: NewRequest = {
  clientId: "cl_1",
  provider: "we-link",
  accountId: "a",
  action: "connect",
  params: { profile_id: "p" },
  idempotencyKey: "key",
};
const inHours = (hours: number, clock: { businessMs(): number }) =>
  new Date(clock.businessMs() + hours * HOUR_MS).toISOString();
const refused = (code: string) => expect.objectContaining({ code });

describe("a key lives until 24 hours after its request ended", () => {
  // mhenrixon/sidekiq-unique-jobs#153
  test("The key of a request that is scheduled 72 hours ahead is known after 27 hours, and for 24 hours after its end", async () => {
    const { accept, clock, end, created } = setUp();
    const of = { scheduled: inHours(72, clock) };
    const first = await accept(of);
    for (const hours of [27, 44, 24 * 30]) {
      clock.passBusiness(hours * HOUR_MS);
      expect((await accept(of)).requestId).toBe(first.requestId);
      await expect(accept({ ...of, params: {} })).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
    }
    await end(first);
    clock.passBusiness(24 * HOUR_MS - 1);
    expect(await accept(of)).toMatchObject({ requestId: first.requestId, status: "CANCELLED" });
    clock.passBusiness(1);
    const second = await accept({ params: {} });
    expect(second.requestId).not.toBe(first.requestId);
    expect(created).toEqual([first.requestId, second.requestId]);
    expect((await accept({ params: {} })).requestId).toBe(second.requestId);
    await expect(accept(of)).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
  });

  test("A request that waits for a year keeps its key", async () => {
    const { accept, clock } = setUp();
    const of = { scheduled: inHours(365 * 24, clock) };
    const { requestId } = await accept(of);
    clock.passBusiness(364 * 24 * HOUR_MS);
    expect((await accept(of)).requestId).toBe(requestId);
  });
});

describe("a refused call keeps no key", () => {
  // woocommerce/woocommerce-square#106
  test("A key of a call that was refused because the account's lane is full is free for a mended body", async () => {
    const { accept, created } = setUp({ accountWaitingLimit: 1 });
    await accept({ idempotencyKey: "other" });
    await expect(accept()).rejects.toEqual(refused("TOO_MANY_REQUESTS"));
    const { requestId } = await accept({ accountId: "b" });
    expect(created).toHaveLength(2);
    expect((await accept({ accountId: "b" })).requestId).toBe(requestId);
    await expect(accept()).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
  });

  test.each<[string, Partial<NewRequest>, (of: ReturnType<typeof setUp>["world"]) => void]>([
    ["a rate limit", {}, (world) => Object.assign(world, { isTooFast: true })],
    [
      "its account",
      {},
      (world) =>
        Object.assign(world, { problem: new InvalidRequest([{ field: "a", message: "" }]) }),
    ],
    ["its scheduled time", { scheduled: "2026-06-25T12:00:01.000Z" }, () => undefined],
    ["its time that is none", { scheduled: "yesterday" }, () => undefined],
    ["its size", { params: { text: "x".repeat(300_000) } }, () => undefined],
    ["its secret's size", { action: "login", params: { p: "x".repeat(60_000) } }, () => undefined],
  ])("A key of a call that was refused for %s is free for a mended body", async (_, of, refuse) => {
    const { accept, world, created } = setUp();
    refuse(world);
    await expect(accept(of)).rejects.toBeInstanceOf(Failure);
    Object.assign(world, { isTooFast: false, problem: undefined });
    await accept({ params: { mended: true } });
    expect(created).toHaveLength(1);
  });

  test("A key of a call that crashed before it stored its request goes on with the same body, and is free for another after a minute", async () => {
    const { worker, accept, clock, created } = setUp();
    const crashing: Wrap = (port) => ("join" in port ? { ...port, join: crash } : port);
    await expect(worker(crashing)()).rejects.toThrow("crash");
    await expect(accept({ params: {} })).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
    clock.passReal(60_000);
    const { requestId } = await accept({ params: {} });
    expect(created).toEqual([requestId]);
    await expect(accept()).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));

    await expect(worker(crashing)({ idempotencyKey: "again" })).rejects.toThrow("crash");
    const repeated = await accept({ idempotencyKey: "again" });
    expect((await accept({ idempotencyKey: "again" })).requestId).toBe(repeated.requestId);
  });

  test("A key whose request was deleted is free, and its request has an id of its own", async () => {
    const { worker, accept, clock } = setUp();
    const reserved: string[] = [];
    // No request is there under the id of the key's entry, as after the retention.
    const crashing: Wrap = (port) =>
      "join" in port
        ? { ...port, join: crash }
        : "reserve" in port
          ? {
              ...port,
              reserve: (entry: { requestId: string }) => {
                reserved.push(entry.requestId);
                return (port.reserve as (of: object) => unknown)(entry);
              },
            }
          : port;
    await expect(worker(crashing)()).rejects.toThrow("crash");
    expect(reserved).toHaveLength(1);
    clock.passReal(25 * HOUR_MS);
    expect(reserved).not.toContain((await accept()).requestId);
  });

  const crash = () => Promise.reject(new Error("crash"));
});

describe("the key is looked up before anything else is judged", () => {
  // adcontextprotocol/adcp#7575
  test.each<[string, (of: ReturnType<typeof setUp>) => void]>([
    ["the client is too fast", ({ world }) => Object.assign(world, { isTooFast: true })],
    [
      "its connection cannot be told any more",
      ({ world }) =>
        Object.assign(world, {
          problem: new InvalidRequest([{ field: "connectionId", message: "is required" }]),
        }),
    ],
    ["its time is over", ({ clock }) => clock.passBusiness(100 * HOUR_MS)],
  ])("A repeated call returns its request although %s", async (_name, change) => {
    const of = setUp({ accountWaitingLimit: 1 });
    const scheduled = inHours(3, of.clock);
    const first = await of.accept({ scheduled });
    await of.accept({ idempotencyKey: "fills the lane" });
    change(of);
    expect(await of.accept({ scheduled })).toEqual(first);
    await expect(of.accept({ params: {} })).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
  });

  test("A group and a high priority belong to the body, and normal priority is as none", async () => {
    const { accept, created } = setUp();
    const first = await accept({ priority: "normal" });
    expect((await accept()).requestId).toBe(first.requestId);
    await expect(accept({ group: "spring" })).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
    await expect(accept({ priority: "high" })).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
    const high = await accept({ idempotencyKey: "2", group: "spring", priority: "high" });
    expect(high).toMatchObject({ group: "spring", isHigh: true });
    expect(created).toEqual([first.requestId, high.requestId]);
  });

  test("A body with the same values in another encoder's numbers is the same body", async () => {
    const { accept, created } = setUp();
    const read = (text: string) => parseJson(Buffer.from(text), "exact").value;
    const texts = [
      '{"n":300,"m":[0,1.5]}',
      '{"n":3.0e2,"m":[-0,1.50]}',
      '{"m":[0.0,15e-1],"n":300.0}',
    ];
    for (const text of texts) await accept({ params: read(text) });
    expect(created).toHaveLength(1);
    const other = accept({ params: read('{"n":3.0e3,"m":[0,1.5]}') });
    await expect(other).rejects.toEqual(refused("IDEMPOTENCY_CONFLICT"));
  });

  test.each([
    ["1", "1.0", "10e-1", "1E0", "0.1e+1"],
    ["0", "-0", "0.00", "0e9"],
    ["12345678901234567890", "12345678901234567890.0", "1.234567890123456789e19"],
    ["-120", "-1.2e2", "-0.12E3"],
  ])("The texts of the number %s are canonically equal, and of no other", (...texts) => {
    const canonical = (text: string) =>
      canonicalJson(parseJson(Buffer.from(text), "exact").value, "byValue");
    expect(new Set(texts.map(canonical)).size).toBe(1);
    expect(canonical(`7${texts[1]?.replace("-", "")}`)).not.toBe(canonical(texts[0] ?? ""));
  });

  test("A number of very many digits is compared in linear time", () => {
    const text = `1${"0".repeat(200_000)}1`;
    const { value } = parseJson(Buffer.from(text), "exact");
    expect(canonicalJson(value, "byValue")).toBe(`${text}e0`);
  });
});

test("Calls with one key at the same time store at most one request, whichever of them are refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 2, maxLength: 5 }),
      fc.integer({ min: 0, max: 2 }),
      fc.scheduler(),
      async (bodies, waiting, scheduler) => {
        const { worker, accept, memory, created } = setUp({ accountWaitingLimit: 2 });
        for (let n = 0; n < waiting; n++) await accept({ idempotencyKey: `${n}` });
        const before = created.length;
        const wrap: Wrap = (port) =>
          Object.fromEntries(
            Object.entries(port).map(([name, run]) => [name, scheduler.scheduleFunction(run)]),
          ) as typeof port;
        const calls = bodies.map((isOther) => worker(wrap)(isOther ? { params: {} } : {}));
        const answers = await scheduler.waitFor(Promise.allSettled(calls));
        const stored = created.slice(before);
        expect(stored.length).toBeLessThanOrEqual(1);
        for (const answer of answers) {
          if (answer.status === "fulfilled") expect(stored).toEqual([answer.value.requestId]);
          else expect(["IDEMPOTENCY_CONFLICT", "TOO_MANY_REQUESTS"]).toContain(answer.reason.code);
        }
        const known = await memory.idempotency.find("cl_1", "key");
        expect(known?.requestId).toBe(stored[0]);
      },
    ),
    runs(1_000),
  );
});
