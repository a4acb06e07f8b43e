import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import {
  compareJoinOrder,
  isDueToJoin,
  makeJoinWhenDue,
} from "../../shared/core/requests/lanes/join-when-due.ts";
import { isPlannedFor } from "../../shared/core/requests/lanes/joined.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { JoinedLane, LaneStore } from "../../shared/core/requests/state/lane-ports.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { Lane, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { NOON_MS } from "../support/noon.ts";
import { notingIn } from "../support/noting.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const owner = newOwner();
const { texts } = makeRequestParts({ ...owner, provider: "we-link" });
const SECOND_MS = 1_000;

type Wrap = <Port extends object>(port: Port) => Port;

/** The scheduled requests of one lane, at a time when all of them are due. */
async function setUp(times: readonly { scheduledMs: number; createdMs: number }[]) {
  const clock = makeTestClock(0);
  const memory = makeMemoryRequests({ clock, retentionMs: 1e9 });
  const records = times.map((of) => requestRecord(owner, { status: "SCHEDULED", ...of }));
  for (const record of records) await memory.requests.create(record);
  clock.passBusiness(3_600 * SECOND_MS);
  const sent: SubmitMessage[] = [];

  /** The use case of one process. Each of its calls of a store may be wrapped. */
  function worker(wrap: Wrap = (port) => port) {
    const requests: RequestStore = wrap(memory.requests);
    const lanes: LaneStore = wrap(memory.lanes);
    const laneScheduler = makeLaneScheduler({
      lanes,
      submitQueue: makeSubmitQueue(async (message) => void sent.push(message)),
      nowMs: clock.businessMs,
      graceMs: 60 * SECOND_MS,
      onNonFatalError: (error) => expect.fail(String(error)),
    });
    return makeJoinWhenDue({
      requests,
      lanes,
      writer: makeRequestWriter({ requests, texts }),
      laneScheduler,
      context: () => ({ nowMs: clock.businessMs(), nowRealMs: 0, rules: requestRules }),
    });
  }
  const queued = async () => {
    const { waiting } = await memory.requests.readQueue(records[0]?.lane ?? "", 1_000);
    return waiting.map(({ requestId }) => requestId);
  };
  return { records, worker, queued, sent };
}

/** By scheduled time, then by acceptance. */
function inOrder(records: readonly ReturnType<typeof requestRecord>[]): string[] {
  return records
    .toSorted(
      (one, other) =>
        (one.scheduledMs ?? 0) - (other.scheduledMs ?? 0) || one.createdMs - other.createdMs,
    )
    .map(({ requestId }) => requestId);
}

// agronholm/apscheduler#325
test("Requests of one lane that are due at one moment join by scheduled time and acceptance, whichever schedule fires first", async () => {
  const time = fc.record({
    // Of one second: EventBridge Scheduler fires all of them at its end.
    scheduledMs: fc.constantFrom(900, 800, 700, 600, 500, 400).map((ms) => 60_000 + ms),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(time, { minLength: 2, maxLength: 8 }),
      fc.scheduler(),
      async (times, scheduler) => {
        const { records, worker, queued } = await setUp(
          times.map(({ scheduledMs }, n) => ({ scheduledMs, createdMs: n / 4 })),
        );
        const wrap: Wrap = (port) =>
          Object.fromEntries(
            Object.entries(port).map(([name, call]) => [name, scheduler.scheduleFunction(call)]),
          ) as typeof port;
        // Every schedule fires at once, in a process of its own.
        const firings = records.map((record) => worker(wrap)(record));
        await scheduler.waitFor(Promise.all(firings));
        expect(await queued()).toEqual(inOrder(records));
      },
    ),
    { numRuns: 200 },
  );
});

test("Of six requests that are due at the same instant, the one whose schedule fires joins behind those that were accepted before it", async () => {
  const { records, worker, queued } = await setUp(
    Array.from({ length: 6 }, (_, n) => ({ scheduledMs: 60_000, createdMs: n })),
  );
  const joinWhenDue = worker();
  for (const n of [4, 1, 5, 0, 3, 2]) {
    await joinWhenDue(records[n] as never);
    const joined = await queued();
    expect(joined).toContain(records[n]?.requestId);
    expect(joined).toEqual(inOrder(records).slice(0, joined.length));
  }
});

test("A request that is not due, has joined or was cancelled joins with no other", async () => {
  const { records, worker, queued } = await setUp([
    { scheduledMs: 3_599_000, createdMs: 1 },
    { scheduledMs: 3_600_001, createdMs: 0 },
  ]);
  const [due, later] = records;
  const joinWhenDue = worker();
  expect(await joinWhenDue(later as never)).toBeUndefined();
  expect(await queued()).toEqual([]);
  expect(await joinWhenDue(due as never)).toEqual({ wakesLane: true, isUnfinished: false });
  expect(await joinWhenDue(due as never)).toBeUndefined();
  expect(await queued()).toEqual([due?.requestId]);
});

test("A call joins a limited number of requests, in order, and says that it must be repeated", async () => {
  const { records, worker, queued } = await setUp(
    Array.from({ length: 120 }, (_, n) => ({ scheduledMs: 60_000, createdMs: n })),
  );
  const joinWhenDue = worker();
  const last = records.at(-1) as never;
  expect(await joinWhenDue(last)).toEqual({ wakesLane: true, isUnfinished: true });
  expect(await queued()).toEqual(inOrder(records).slice(0, 50));
  expect(await joinWhenDue(last)).toMatchObject({ isUnfinished: true });
  expect(await joinWhenDue(last)).toMatchObject({ isUnfinished: false });
  expect(await queued()).toEqual(inOrder(records));
});

describe("The order of scheduled requests", () => {
  test.each<[string, Partial<RequestRecord>, boolean]>([
    ["whose time has come", { scheduledMs: NOON_MS }, true],
    ["whose time comes later", { scheduledMs: NOON_MS + 1 }, false],
    ["that has no time yet", {}, false],
    ["that has joined", { scheduledMs: NOON_MS, status: "QUEUED" }, false],
  ])("Whether a request %s is due to join is known", (_, of, isDue) => {
    const request = requestRecord(owner, { status: "SCHEDULED", ...of });
    expect(isDueToJoin(request, NOON_MS)).toBe(isDue);
  });

  test.each<[string, Partial<RequestRecord>, Partial<RequestRecord>]>([
    ["its time", { scheduledMs: 1, createdMs: 9 }, { scheduledMs: 2, createdMs: 1 }],
    ["its acceptance", { createdMs: 1, requestId: "b" }, { createdMs: 2, requestId: "a" }],
    ["its id", { requestId: "a" }, { requestId: "b" }],
    ["the time that it lacks", { scheduledMs: undefined }, { scheduledMs: 1 }],
  ])("A request comes before another one by %s", (_, before, after) => {
    const recordWith = (more: Partial<RequestRecord>) =>
      requestRecord(owner, { scheduledMs: 5, createdMs: 5, ...more });
    const [one, other] = [recordWith(before), recordWith(after)];
    expect(compareJoinOrder(one, other)).toBeLessThan(0);
    expect(compareJoinOrder(other, one)).toBeGreaterThan(0);
    expect(compareJoinOrder(one, { ...one })).toBe(0);
  });
});

/** A call whose store and lane answer as they are told, with what it asks of them. */
function setUpCalls(of: {
  /** Those that must join before it, as they are stored. */
  earlier?: readonly RequestRecord[];
  /** The ids of stored requests that are gone when they are read or written. */
  unread?: readonly string[];
  unwritten?: readonly string[];
  /** What the requests have become when they are written. */
  written?: readonly RequestRecord[];
  joined?: (requestId: string) => Partial<JoinedLane> | "full";
  /** The sweep of the lane cannot be planned. */
  isSweepDown?: boolean;
}) {
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const changed: (RequestRecord | undefined)[] = [];
  const request = requestRecord(owner, { status: "SCHEDULED", scheduledMs: NOON_MS });
  const stored = [...(of.earlier ?? []), request];
  const findIn = (all: readonly RequestRecord[], id: string) =>
    all.find(({ requestId }) => requestId === id);
  const ids = (of.earlier ?? []).map(({ requestId }) => requestId);
  const join = makeJoinWhenDue({
    requests: {
      findScheduledBefore: noting("findScheduledBefore", ids),
      find: async (id: string) => (of.unread?.includes(id) ? undefined : findIn(stored, id)),
    },
    lanes: {
      async join(...args: [string, RequestRecord, object]) {
        await noting("join")(...args);
        const joined = of.joined?.(args[1].requestId) ?? {};
        return joined === "full" ? joined : { position: 7, hadNoSweep: false, ...joined };
      },
      async scheduleSweep(...args: unknown[]) {
        await noting("scheduleSweep")(...args);
        if (of.isSweepDown) throw new Error("throttled");
      },
    },
    writer: {
      async change(id: string, decide: (now: RequestRecord) => RequestRecord | undefined) {
        const now = findIn(of.written ?? [], id) ?? findIn(stored, id);
        if (!now || of.unwritten?.includes(id)) return undefined;
        const decided = decide(now);
        changed.push(decided);
        return { request: decided ?? now, isChanged: decided !== undefined };
      },
    },
    laneScheduler: {
      dueAfterWakeUp: (wakeUpAtMs: number) => wakeUpAtMs + 5,
      ensureWakeUp: noting("ensureWakeUp"),
    },
    context: () => ({ nowMs: NOON_MS, nowRealMs: 0, rules: requestRules }),
  } as unknown as Parameters<typeof makeJoinWhenDue>[0]);
  const joinCall = (one: RequestRecord) => {
    const { category = "other", isHigh = false } = one;
    const subQueues = [{ category, isHigh }];
    return ["join", one.lane, one, { nowMs: NOON_MS, dueMs: NOON_MS + 5, subQueues }];
  };
  return { calls, changed, request, joinCall, run: () => join(request) };
}

const scheduled = (of: Partial<RequestRecord> = {}) =>
  requestRecord(owner, { status: "SCHEDULED", scheduledMs: NOON_MS - 1, ...of });

describe("A call for one scheduled request", () => {
  const before = {
    ...{ dueMs: NOON_MS + 6, plannedSubQueues: [], counters: noCounters },
  } as unknown as Lane;

  test("The request gets a place in its lane and waits there, and a wake-up is made sure of", async () => {
    const { calls, changed, request, joinCall, run } = setUpCalls({});
    expect(await run()).toStrictEqual({ wakesLane: false, isUnfinished: false });
    expect(calls).toStrictEqual([
      ["findScheduledBefore", request, 50],
      joinCall(request),
      ["ensureWakeUp", request],
    ]);
    expect(changed).toMatchObject([
      {
        ...{ requestId: request.requestId, status: "QUEUED", laneState: "waiting" },
        ...{ lanePosition: 7, joinedMs: NOON_MS, dueMs: NOON_MS + requestRules.queueTimeoutMs },
      },
    ]);
  });

  test.each<[string, Partial<JoinedLane>, boolean]>([
    ["has no sweep", { hadNoSweep: true }, true],
    ["is woken soon", { before: { ...before, dueMs: NOON_MS + 5 } }, false],
    ["another worker has", { before: { ...before, owner: "w1" } }, false],
  ])("The caller works a lane that %s, or a wake-up is made sure of", async (_, joined, wakes) => {
    const { calls, request, joinCall, run } = setUpCalls({ joined: () => joined });
    expect(await run()).toStrictEqual({ wakesLane: wakes, isUnfinished: false });
    const asked = [["findScheduledBefore", request, 50], joinCall(request)];
    expect(calls).toStrictEqual(wakes ? asked : [...asked, ["ensureWakeUp", request]]);
  });

  test("The caller works a lane that is woken later, for others, and the sweep does if the caller dies", async () => {
    const { calls, request, joinCall, run } = setUpCalls({ joined: () => ({ before }) });
    expect(await run()).toStrictEqual({ wakesLane: true, isUnfinished: false });
    expect(calls).toStrictEqual([
      ...[["findScheduledBefore", request, 50], joinCall(request)],
      ["scheduleSweep", request.lane, NOON_MS + 5],
    ]);
  });

  test("A request does not join a lane that is woken later, for others, while its sweep cannot be planned", async () => {
    const { changed, run } = setUpCalls({ joined: () => ({ before }), isSweepDown: true });
    await expect(run()).rejects.toThrow("throttled");
    expect(changed).toEqual([]);
  });

  test("Those that must join before it join first, and one of them can wake the lane", async () => {
    const [first, second] = [scheduled({ isHigh: true }), scheduled({ category: "stMessages" })];
    const { calls, changed, request, joinCall, run } = setUpCalls({
      earlier: [first, second],
      joined: (id) => ({ hadNoSweep: id === second.requestId }),
    });
    expect(await run()).toStrictEqual({ wakesLane: true, isUnfinished: false });
    expect(calls.slice(1)).toStrictEqual([first, second, request].map(joinCall));
    expect(changed.map((one) => one?.requestId)).toEqual([
      ...[first.requestId, second.requestId, request.requestId],
    ]);
  });

  test("One that is gone, cancelled or not due is passed over", async () => {
    const [gone, cancelled] = [scheduled(), scheduled({ status: "CANCELLED" })];
    const later = scheduled({ scheduledMs: NOON_MS + 1 });
    const { calls, request, joinCall, run } = setUpCalls({
      ...{ earlier: [gone, cancelled, later], unread: [gone.requestId] },
    });
    expect(await run()).toStrictEqual({ wakesLane: false, isUnfinished: false });
    expect(calls.slice(1, -1)).toStrictEqual([joinCall(request)]);
  });

  test("A request for which there is no place is not changed", async () => {
    const { calls, changed, run } = setUpCalls({ joined: () => "full" });
    expect(await run()).toBeUndefined();
    expect(changed).toEqual([]);
    expect(calls).toHaveLength(2);
  });

  test("A request that another call has joined, or that is gone by then, is not joined again", async () => {
    const one = scheduled();
    const joined = (id: string) => (id === one.requestId ? {} : ("full" as const));
    const written = [{ ...one, status: "QUEUED" as const }];
    const late = setUpCalls({ earlier: [one], written, joined });
    expect(await late.run()).toBeUndefined();
    expect(late.changed).toEqual([undefined]);
    const gone = setUpCalls({ earlier: [one], unwritten: [one.requestId], joined });
    expect(await gone.run()).toBeUndefined();
    expect(gone.changed).toEqual([]);
    expect([...late.calls, ...gone.calls]).toHaveLength(6);
  });

  test.each([49, 50])(
    "A call joins up to 50 requests, of %i that come before its own",
    async (count) => {
      const earlier = Array.from({ length: count }, () => scheduled());
      const { calls, changed, request, run } = setUpCalls({ earlier });
      expect(await run()).toStrictEqual({ wakesLane: false, isUnfinished: count === 50 });
      expect(changed).toHaveLength(50);
      expect(calls.at(-1)).toStrictEqual(["ensureWakeUp", request]);
    },
  );

  test("A call whose earlier requests another call has joined must be repeated, and wakes nothing", async () => {
    const earlier = Array.from({ length: 50 }, () => scheduled());
    const { calls, run } = setUpCalls({ earlier, joined: () => "full" });
    expect(await run()).toStrictEqual({ wakesLane: false, isUnfinished: true });
    expect(calls).toHaveLength(51);
  });
});

describe("Whether a lane is planned for a request", () => {
  const planned = [{ category: "other", isHigh: false }];
  const laneDueAt = (dueMs?: number) => ({ dueMs, plannedSubQueues: planned }) as unknown as Lane;

  test.each<[string, number | undefined, boolean]>([
    ["is due soon", NOON_MS, true],
    ["is due later, for such a request", NOON_MS + 1, true],
    ["is not due, whatever its last worker knew of", undefined, false],
  ])("A lane that %s is planned for a request, or not", (_, dueMs, isPlanned) => {
    expect(isPlannedFor({}, laneDueAt(dueMs), NOON_MS)).toBe(isPlanned);
  });

  test("A lane that is due later, for others, is not planned for the request", () => {
    expect(isPlannedFor({ isHigh: true }, laneDueAt(NOON_MS + 1), NOON_MS)).toBe(false);
  });
});
