import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import {
  type BatchResult,
  makeAcceptBatch,
} from "../../shared/core/requests/acceptance/accept-batch.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import type { KeyReservation } from "../../shared/core/requests/state/idempotency-store.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const account = { clientId: "cl_1", provider: "we-link", accountId: "a" } as const;
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const notValid = new InvalidRequest([{ field: "action", message: "is missing" }]);
const notRegistered = new InvalidRequest([{ field: "accountId", message: "is not registered" }]);
const bug = new TypeError("a bug");

type Memory = ReturnType<typeof makeMemoryRequests>;

interface Given {
  /** How many requests of an account may wait. */
  limit?: number;
  /** The error of a call; `undefined`: it is made. */
  fails?: (name: string, of: readonly unknown[], memory: Memory) => unknown;
  isTooFast?: boolean;
}

/** The acceptance of batches over stores in memory, each of whose calls is noted and may fail. */
function setUp({ limit = 1_000, fails, isTooFast = false }: Given = {}) {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const parts = makeRequestParts({ ...account, connectionId: "cn_1" });
  const rules = { ...requestRules, accountWaitingLimit: limit };
  const calls: unknown[][] = [];
  const ignored: unknown[] = [];
  let drawn = 0;
  const noting = <Port extends object>(port: string, own: Port): Port =>
    Object.fromEntries(
      Object.entries(own).map(([method, run]) => [
        method,
        async (...of: unknown[]) => {
          const name = `${port}.${method}`;
          calls.push([name, ...of]);
          const error = await fails?.(name, of, memory);
          if (error !== undefined) throw error;
          return run(...of);
        },
      ]),
    ) as Port;
  const requests = noting("requests", memory.requests);
  const lanes = noting("lanes", memory.lanes);
  const submitQueue = noting("queue", makeSubmitQueue());
  const onNonFatalError = (error: unknown) => ignored.push(error);
  const acceptBatch = makeAcceptBatch({
    ...{ requests, lanes, submitQueue, providerClients, onNonFatalError },
    idempotency: noting("keys", memory.idempotency),
    correlations: memory.correlations,
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules }),
    settleDependent: async () => undefined,
    connections: parts.connections,
    explainWaits: async () => new Map(),
    writer: makeRequestWriter({ requests, texts: parts.texts }),
    laneScheduler: makeLaneScheduler({
      ...{ lanes, submitQueue, nowMs: clock.businessMs, graceMs: 60_000, onNonFatalError },
    }),
    schedules: { create: async () => undefined, delete: async () => undefined },
    rates: noting("rates", { tryConsume: async () => !isTooFast }),
    accountDirectory: noting("accounts", parts.client.accountDirectory),
    masterKeys: parts.masterKeys,
    randomHex: (bytes: number) => String(++drawn).padStart(2 * bytes, "0"),
  });
  const accept = (items: readonly (NewRequest | Failure)[], idempotencyKey?: string) =>
    acceptBatch({ clientId: "cl_1", idempotencyKey, items, body: "body" });
  /** The first argument of each call of this name. */
  const named = (name: string) => calls.filter(([one]) => one === name).map(([, first]) => first);
  return { calls, ignored, accept, named };
}

const item = (of: Partial<NewRequest> = {}): NewRequest => ({
  ...{ ...account, action: "connect", params: { profile_id: "p" } },
  ...of,
});
const scheduled = item({ scheduled: "2026-06-26T12:00:00.000Z" });
const laneOf = (accountId: string) => laneId({ ...account, accountId, connectionId: "cn_1" });
const idOf = (result: BatchResult | undefined) =>
  result && "requestId" in result ? result.requestId : undefined;
const reservationOf = (of: unknown): KeyReservation => {
  const { clientId, key, requestId, callId } = of as KeyReservation;
  return { clientId, key, requestId, callId };
};
/** Fails the calls of this name, of these first arguments where there is one. */
const failing =
  (error: unknown, name: string, first?: unknown): NonNullable<Given["fails"]> =>
  (one, of) =>
    one === name && (first === undefined || of[0] === first) ? error : undefined;
const unregistered: NonNullable<Given["fails"]> = (name, [of]) =>
  name === "accounts.requireAccount" && (of as NewRequest).accountId === "unknown"
    ? notRegistered
    : undefined;

describe("A dependency that fails for a part of a batch", () => {
  test("The requests of a lane that cannot be joined are refused, and those of other lanes accepted", async () => {
    const fails = failing(noTable, "lanes.join", laneOf("a"));
    const { accept, ignored } = setUp({ fails });
    const results = await accept([item(), item({ accountId: "b" }), item()]);
    expect([results[0], results[2]]).toEqual([noTable, noTable]);
    expect(results[1]).toMatchObject({ accountId: "b", status: "QUEUED" });
    expect(ignored).toEqual([noTable, noTable]);
  });

  test("A request whose write fails is refused, and reported", async () => {
    const { accept, ignored } = setUp({ fails: failing(noTable, "requests.create") });
    expect(await accept([item(), scheduled])).toEqual([noTable, noTable]);
    expect(ignored).toEqual([noTable, noTable]);
  });

  test("A request whose write has no answer and was made is accepted, where the batch has a key", async () => {
    const { accept, ignored } = setUp({
      async fails(name, [request], { requests }) {
        if (name !== "requests.create") return undefined;
        await requests.create(request as RequestRecord);
        return noTable;
      },
    });
    const results = await accept([item(), scheduled], "key");
    expect(results).toMatchObject([{ status: "QUEUED" }, { status: "SCHEDULED" }]);
    expect(ignored).toEqual([]);
  });

  test("Requests are accepted although their messages cannot be sent, which is reported", async () => {
    const { accept, ignored, named } = setUp({ fails: failing(noTable, "queue.sendAll") });
    const [result] = await accept([item()]);
    expect(result).toMatchObject({ status: "QUEUED" });
    expect(ignored).toEqual([noTable]);
    const requestIds = [idOf(result)];
    const message = { v: 1, kind: "acceptedBatch", requestIds, wakesLane: true };
    expect(named("queue.sendAll")).toEqual([[{ clientId: "cl_1", message }]]);
  });

  test.each([
    ["accounts.connectionIdOf", item(), undefined],
    ["accounts.connectionIdOf", item(), "key"],
    ["lanes.join", item(), undefined],
    ["requests.create", item(), undefined],
    ["requests.create", scheduled, undefined],
  ])("An error of %s that is no failure of an item is thrown", async (name, one, key) => {
    const { accept } = setUp({ fails: failing(bug, name) });
    await expect(accept([one], key)).rejects.toBe(bug);
  });
});

describe("An account that has too many waiting requests", () => {
  const keyed = (...keys: string[]) => keys.map((idempotencyKey) => item({ idempotencyKey }));

  test("Requests without a place are refused alike, by one read of the lane, and their keys released", async () => {
    const { accept, calls, named } = setUp({ limit: 1 });
    await accept([item()]);
    calls.length = 0;
    const [first, second] = await accept(keyed("k1", "k2"));
    expect(first).toMatchObject({
      ...{ code: "TOO_MANY_REQUESTS", retryAfterMs: 5_000 },
      message: "1 requests of this account are waiting already",
    });
    expect(second).toBe(first);
    expect(named("lanes.find")).toEqual([laneOf("a")]);
    expect(named("keys.releaseReservation")).toEqual(named("keys.reserve").map(reservationOf));
    expect(named("keys.reserve")).toHaveLength(2);
    expect(named("requests.create")).toEqual([]);
  });

  test("The first requests get the places that are left, one after the other", async () => {
    const { accept, named } = setUp({ limit: 2 });
    const [first, second, third] = await accept(keyed("k1", "k2", "k3"));
    const { lanePosition = 0 } = first as RequestRecord;
    expect(second).toMatchObject({ status: "QUEUED", lanePosition: lanePosition + 1 });
    expect(third).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    const released = named("keys.releaseReservation") as KeyReservation[];
    expect(released.map(({ key }) => key)).toEqual(["k3"]);
  });

  test("Where there is a place for each, the lane is not read", async () => {
    const { accept, named } = setUp({ limit: 2 });
    await accept(keyed("k1", "k2"));
    expect(named("lanes.find")).toEqual([]);
  });
});

describe("The key of a batch", () => {
  const digits = (n: number) => String(n).padStart(20, "0");
  const reservation = {
    ...{ clientId: "cl_1", key: "batch key", requestId: `batch_${digits(2)}`, callId: digits(1) },
  };
  const unknown = item({ accountId: "unknown" });

  test("It is released when every item is refused for itself", async () => {
    const { accept, ignored, named } = setUp({ fails: unregistered });
    expect(await accept([unknown, notValid], "key")).toEqual([notRegistered, notValid]);
    expect(named("keys.releaseReservation")).toEqual([reservation]);
    expect(ignored).toEqual([]);
  });

  test("It is kept when it is not known what became of an item, so that the batch may be repeated", async () => {
    const { accept, named } = setUp({ fails: failing(noTable, "lanes.join") });
    expect(await accept([item(), notValid], "key")).toEqual([noTable, notValid]);
    expect(named("keys.releaseReservation")).toEqual([]);
  });

  test("It is kept when an item is accepted", async () => {
    const { accept, named } = setUp({ fails: unregistered });
    await accept([unknown, item()], "key");
    expect(named("keys.releaseReservation")).toEqual([]);
  });

  test("The answers are the same when it cannot be released, which is reported", async () => {
    const fails = failing(noTable, "keys.releaseReservation");
    const { accept, ignored } = setUp({ fails });
    expect(await accept([notValid], "key")).toEqual([notValid]);
    expect(ignored).toEqual([noTable]);
  });

  test("It is stored with the lane of each item that has no key of its own and whose account is found", async () => {
    const { accept, named } = setUp({ fails: unregistered });
    const own = item({ idempotencyKey: "its own" });
    await accept([item(), notValid, own, unknown, item({ accountId: "b" })], "key");
    expect(named("keys.reserve")[0]).toMatchObject({
      ...{ ...reservation, lanes: [laneOf("a"), "", "", "", laneOf("b")] },
    });
  });

  test("A repeated batch reads the requests that it has stored, by one call for each kind of key", async () => {
    const { accept, calls, named } = setUp({ fails: unregistered });
    const items = [item(), item({ idempotencyKey: "its own" }), unknown];
    const first = await accept(items, "key");
    expect(named("requests.findWithLanes")).toEqual([]);
    calls.length = 0;
    expect(await accept(items, "key")).toEqual(first);
    const [plain, keyed] = first.map(idOf);
    expect(named("requests.findWithLanes")).toEqual([[keyed], [plain]]);
    expect(named("requests.create")).toEqual([]);
  });
});

describe("The rate and the order of a batch", () => {
  test("Each item counts against the client's rate, also one that is not valid, by one call", async () => {
    const { accept, calls } = setUp();
    await accept([item(), notValid, scheduled]);
    const counted = calls.filter(([name]) => name === "rates.tryConsume");
    expect(counted).toEqual([["rates.tryConsume", "cl_1", 3]]);
  });

  test("A client that is too fast is refused as a whole, before anything of its batch is read", async () => {
    const { accept, calls } = setUp({ isTooFast: true });
    const message = `more than ${requestRules.clientRequestsPerSecond} requests in one second`;
    await expect(accept([item(), item()])).rejects.toEqual(
      new Failure("TOO_MANY_REQUESTS", message),
    );
    expect(calls).toEqual([["rates.tryConsume", "cl_1", 2]]);
  });

  test("The first request of each lane is stored before the others, and then those outside of lanes", async () => {
    const { accept, named } = setUp();
    const b = item({ accountId: "b" });
    const [a1, s, a2, b1, b2] = (await accept([item(), scheduled, item(), b, b])).map(idOf);
    const created = named("requests.create") as RequestRecord[];
    expect(created.map(({ requestId }) => requestId)).toEqual([a1, b1, a2, b2, s]);
  });

  test("A batch of which no item is valid is answered, and causes no message", async () => {
    const { accept, calls } = setUp();
    expect(await accept([notValid, notRegistered])).toEqual([notValid, notRegistered]);
    expect(calls).toEqual([
      ["rates.tryConsume", "cl_1", 2],
      ["queue.sendAll", []],
    ]);
  });

  test("Of items with one key, the first alone is judged", async () => {
    const { accept, named } = setUp();
    const own = item({ idempotencyKey: "k" });
    const results = await accept([notValid, own, item(), own, own]);
    const errors = [{ field: "idempotencyKey", message: "is that of requests.1 too" }];
    expect(results.slice(3)).toMatchObject([{ errors }, { errors }]);
    expect(named("requests.create")).toHaveLength(2);
  });
});
