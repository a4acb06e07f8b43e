import { describe, expect, test } from "vitest";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { makeReadLanes } from "../../shared/core/operator/read-lanes.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { LaneStore } from "../../shared/core/requests/state/lane-ports.ts";
import type { DueEntry } from "../../shared/core/requests/state/ports.ts";
import type { Lane, LaneAccount, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const nowMs = makeTestClock().businessMs();
const isoOf = (ms: number) => new Date(ms).toISOString();

interface NewLane {
  owner?: LaneAccount;
  /** Those that wait in it or hold it. Absent: one that joined it now. */
  requests?: Partial<RequestRecord>[];
  /** How many have joined it. */
  joined?: number;
  dueMs?: number;
  /** What its last worker wrote. */
  release?: Parameters<LaneStore["release"]>[1];
}

function setUp(given: Partial<OperatorDeps> = {}) {
  const clock = makeTestClock();
  const { requests, lanes } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const accounts: LaneAccount[] = [];
  /** The lanes that were read, and those whose requests were. */
  const [found, looked]: [string[], string[]] = [[], []];
  const deps = {
    ...{ clock, speed: 1 },
    lanes: {
      async find(lane: string) {
        found.push(lane);
        return lanes.find(lane);
      },
    },
    requestStore: {
      ...requests,
      async readLaneHead(lane: Lane) {
        looked.push(lane.lane);
        return requests.readLaneHead(lane);
      },
    },
    store: {
      accountsOf: async (clientId: string, page?: PageOf) =>
        accounts.filter((one) => one.clientId === clientId).slice(0, page?.limit),
    },
    ...given,
  } as unknown as OperatorDeps;

  /** Registers an account and stores its lane. @returns the ids of its requests */
  async function add(of: NewLane = {}): Promise<string[]> {
    const { owner = newOwner(), requests: members = [{ joinedMs: nowMs }], dueMs = nowMs } = of;
    accounts.push(owner);
    const lane = laneId(owner);
    const subQueues = [{ category: "other", isHigh: false } as const];
    await lanes.join(lane, owner, { nowMs, dueMs, subQueues, count: of.joined ?? members.length });
    if (of.release) {
      const seen = await lanes.acquire(lane, { owner: "worker", untilMs: nowMs + 1 }, dueMs);
      if (seen) await lanes.release(seen, { dueMs, ...of.release });
    }
    const records = members.map((one, n) =>
      requestRecord(owner, { laneState: "waiting", lanePosition: nowMs + n, ...one }),
    );
    for (const record of records) await requests.create(record);
    return records.map(({ requestId }) => requestId);
  }
  const readAll = makeReadLanes(deps);
  const read = async (clientId?: string) => (await readAll(clientId)).lanes;
  return { clock, requests, lanes, accounts, found, looked, add, read, readAll };
}

describe("The lanes that an operator sees", () => {
  const owner = newOwner();

  test("A lane is shown with its account, its oldest request and its next work", async () => {
    const { add, read } = setUp();
    const dueMs = nowMs + MINUTE_MS;
    const [oldestRequestId] = await add({ owner, dueMs });
    expect(await read()).toEqual([
      {
        ...owner,
        waiting: 1,
        isHeld: false,
        oldestRequestId,
        oldestSince: isoOf(nowMs),
        dueAt: isoOf(dueMs),
        isStuck: false,
      },
    ]);
  });

  test.each([
    ["the lane counts", 5, [{}, {}], 5],
    ["are found, where the lane counts less", 1, [{}, { isHigh: true as const }], 2],
  ])("As many requests wait as %s", async (_, joined, requests, waiting) => {
    const { add, read } = setUp();
    await add({ joined, requests });
    expect(await read()).toMatchObject([{ waiting }]);
  });

  test("The oldest request is the one that joined first, whichever is next", async () => {
    const { add, read } = setUp();
    const oldestSince = isoOf(nowMs - 9);
    const requests = [
      ...[{ joinedMs: nowMs - 5 }, { joinedMs: nowMs - 9, isHigh: true as const }],
      { joinedMs: nowMs - 7, category: "stMessages" as const },
    ];
    const [, oldestRequestId] = await add({ requests });
    expect(await read()).toMatchObject([{ oldestRequestId, oldestSince }]);
  });

  test("A request that does not say when it joined counts as the oldest", async () => {
    const { add, read } = setUp();
    const requests = [{ joinedMs: nowMs - 5 }, { isHigh: true as const }];
    const [, oldestRequestId] = await add({ requests });
    const [lane] = await read();
    expect(lane).toMatchObject({ oldestRequestId });
    expect(lane).not.toHaveProperty("oldestSince");
  });

  test("A lane that is held and in which nothing waits is shown, and is not stuck", async () => {
    const { add, read } = setUp();
    const dueMs = nowMs - 60 * MINUTE_MS;
    await add({ owner, joined: 0, requests: [{ laneState: "holding" }], dueMs });
    expect(await read()).toEqual([
      { ...owner, waiting: 0, isHeld: true, dueAt: isoOf(dueMs), isStuck: false },
    ]);
  });

  test("A lane without requests is not shown, nor one that is gone", async () => {
    const { add, read, requests } = setUp();
    await add({ joined: 1, requests: [] });
    await requests.create(requestRecord(newOwner(), { status: "SCHEDULED", dueMs: nowMs }));
    expect(await read()).toEqual([]);
    const gone = { ...requests, findDue: async () => [{ lane: "gone", dueMs: nowMs }] };
    expect(await setUp({ requestStore: gone }).read()).toEqual([]);
  });

  test("A request that is due is no lane, though its lane has requests", async () => {
    const { add, read, requests } = setUp();
    await add({ owner });
    await requests.create(requestRecord(owner, { status: "SCHEDULED", dueMs: nowMs }));
    expect(await read()).toHaveLength(1);
  });

  test.each([
    [0, false],
    [1, true],
  ])("The next submission in %i ms is shown: %s", async (inMs, isShown) => {
    const { add, read } = setUp();
    await add({ release: { nextSubmissionNotBeforeMs: nowMs + inMs } });
    const [lane] = await read();
    expect(lane).toMatchObject({ waiting: 1 });
    expect(lane?.nextSubmissionNotBefore).toBe(isShown ? isoOf(nowMs + inMs) : undefined);
  });

  test("A pause is shown with its reason and its end, until it is over", async () => {
    const { add, read, clock } = setUp();
    const untilMs = nowMs + SECOND_MS;
    await add({ release: { pause: { reason: "rateLimited", untilMs } } });
    clock.passBusiness(SECOND_MS - 1);
    expect(await read()).toMatchObject([
      { pausedBecause: "rateLimited", pausedUntil: isoOf(untilMs) },
    ]);
    clock.passBusiness(1);
    clock.passReal(3_000);
    const [lane] = await read();
    expect(lane).toMatchObject({ waiting: 1 });
    expect(lane).not.toHaveProperty("pausedBecause");
    expect(lane).not.toHaveProperty("pausedUntil");
  });

  test("A pause without an end is shown without one, also of a lane that is checked", async () => {
    const { add, read } = setUp();
    await add({ release: { pause: { reason: "loginRequired" }, isOnlyCheck: true } });
    const [lane] = await read();
    expect(lane).toMatchObject({ pausedBecause: "loginRequired" });
    expect(lane).not.toHaveProperty("pausedUntil");
  });
});

describe("A lane that stands still", () => {
  test.each([
    [1, 5 * MINUTE_MS],
    [2, 5 * MINUTE_MS],
    [10, 25 * MINUTE_MS],
  ])("At the speed %i a lane is stuck %i ms after it was due", async (speed, afterMs) => {
    const { add, read, clock } = setUp({ speed });
    await add({ dueMs: nowMs });
    clock.passBusiness(afterMs);
    expect(await read()).toMatchObject([{ isStuck: false }]);
    clock.passBusiness(1);
    clock.passReal(3_000);
    expect(await read()).toMatchObject([{ isStuck: true }]);
  });

  test("A lane that is no longer due is not stuck", async () => {
    const { add, read, requests, lanes } = setUp();
    const owner = newOwner();
    await add({ owner, release: { dueMs: undefined } });
    const [lane] = await read();
    expect(lane).toBeUndefined();
    const behind = {
      ...requests,
      findDue: async (of: { work: unknown; shard: number }) =>
        of.work === "start" && of.shard === 0 ? [{ lane: laneId(owner), dueMs: 1 }] : [],
    };
    const [found] = await setUp({ requestStore: behind, lanes }).read();
    expect(found).toMatchObject({ waiting: 1, isStuck: false });
    expect(found).not.toHaveProperty("dueAt");
  });
});

describe("The list of lanes", () => {
  test("The lane whose oldest request waits longest comes first, and a held one last", async () => {
    const { add, read } = setUp();
    const [held, second, first, third] = [newOwner(), newOwner(), newOwner(), newOwner()];
    await add({ owner: held, requests: [{ laneState: "holding" }], dueMs: nowMs - 4 });
    await add({ owner: second, requests: [{ joinedMs: nowMs - 2 }], dueMs: nowMs - 3 });
    await add({ owner: first, requests: [{ joinedMs: nowMs - 3 }], dueMs: nowMs - 2 });
    await add({ owner: third, requests: [{ joinedMs: nowMs - 1 }], dueMs: nowMs - 1 });
    const accounts = (await read()).map(({ accountId }) => accountId);
    expect(accounts).toEqual([first, second, third, held].map(({ accountId }) => accountId));
  });

  test("Only the lanes of the client are listed that is named", async () => {
    const { add, read } = setUp();
    const [one, other] = [newOwner(), newOwner()];
    await add({ owner: one });
    await add({ owner: other });
    expect(await read()).toHaveLength(2);
    expect(await read(one.clientId)).toMatchObject([{ clientId: one.clientId }]);
  });

  test("A client's lane is listed whose account is no longer registered", async () => {
    const { accounts, add, readAll } = setUp();
    const owner = newOwner();
    await add({ owner });
    accounts.length = 0;
    const { accountId } = owner;
    expect(await readAll(owner.clientId)).toEqual({
      lanes: [expect.objectContaining({ accountId })],
      isComplete: true,
    });
  });

  test("The lanes of all clients are read once in three seconds, whoever asks", async () => {
    const { add, clock, found, read } = setUp();
    const owners = [newOwner(), newOwner()];
    for (const owner of owners) await add({ owner });
    await read();
    for (const { clientId } of owners) await read(clientId);
    clock.passReal(2_999);
    await read();
    expect(found).toHaveLength(2);
    clock.passReal(1);
    await read();
    expect(found).toHaveLength(4);
  });
});

describe("Whether the list of lanes is complete", () => {
  /** Index entries of requests, all in one partition. */
  const requestsDue = (n: number, requests: object) => ({
    ...requests,
    findDue: async (of: { work: unknown; shard: number; limit: number; after?: DueEntry }) => {
      if (of.work !== "start" || of.shard !== 0) return [];
      const from = of.after?.dueMs ?? 0;
      const left = Math.min(of.limit, n - from);
      return Array.from({ length: left }, (_, at): DueEntry => {
        const dueMs = from + at + 1;
        return { lane: "lane", requestId: `rq_${dueMs}`, dueMs } as DueEntry;
      });
    },
  });

  test.each([
    [999, true],
    [1_000, false],
  ])("With %i requests that are due in one partition it is: %s", async (n, isComplete) => {
    const { requests } = setUp();
    const { readAll } = setUp({ requestStore: requestsDue(n, requests) as never });
    expect(await readAll()).toEqual({ lanes: [], isComplete });
  });

  test("A lane is found behind a page of requests", async () => {
    const { add, requests, readAll } = setUp();
    const owner = newOwner();
    for (let n = 0; n < 450; n++) {
      const dueMs = nowMs - MINUTE_MS;
      await requests.create(requestRecord(newOwner(), { status: "SCHEDULED", dueMs }));
    }
    await add({ owner });
    const { accountId } = owner;
    expect(await readAll()).toMatchObject({ lanes: [{ accountId }], isComplete: true });
  });

  test("With 100 lanes in one partition the registered accounts' lanes are read too", async () => {
    const { add, found, looked, readAll } = setUp();
    const [owner, idle] = [newOwner(), newOwner()];
    const other = { ...idle, clientId: owner.clientId };
    for (let n = 0; n < 500; n++) await add({ dueMs: nowMs - MINUTE_MS });
    await add({ owner });
    await add({ owner: other, joined: 0, requests: [], release: { dueMs: undefined } });
    const { accountId } = owner;
    const { lanes, isComplete } = await readAll(owner.clientId);
    expect({ lanes, isComplete }).toMatchObject({ lanes: [{ accountId }], isComplete: false });
    expect(found).toEqual(expect.arrayContaining([laneId(owner), laneId(other)]));
    expect(looked).not.toContain(laneId(other));
  });
});
