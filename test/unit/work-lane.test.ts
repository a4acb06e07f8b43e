import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AccountPace } from "../../shared/core/pace/merge-pace-settings.ts";
import { noUsage } from "../../shared/core/pace/usage.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { LaneHead, LaneStore } from "../../shared/core/requests/state/lane-ports.ts";
import type { DeferredRemoval } from "../../shared/core/requests/state/publish-outboxes.ts";
import type { Lane, RequestRecord } from "../../shared/core/requests/state/record.ts";
import type {
  Attempted,
  SubmitRequestResult,
} from "../../shared/core/requests/submission/submit-request.ts";
import {
  makeWorkLane,
  type WorkLaneDeps,
} from "../../shared/core/requests/submission/work-lane.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { ms } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const NOW_MS = ms(60);
const NOW_REAL_MS = ms(67);
/** How much later than a wake-up the sweep is due. */
const GRACE_MS = 5;
const GAP_MS = 30_000;
/** What a submission needs of the lease and of the function's time. */
const NEEDED_MS = rules.submitTimeoutMs + 10_000;
const WEEK_MS = 7 * 24 * 3_600_000;

const owner = newOwner();
const { connection } = makeRequestParts(owner);
const down = new Failure("DEPENDENCY_DOWN", "no answer");
const other = { category: "other", isHigh: false } as const;
const high = { category: "other", isHigh: true } as const;
const waiting = requestRecord(owner, {
  ...{ joinedMs: NOW_MS - 10_000, lanePosition: 1, laneState: "waiting" },
});
const next = requestRecord(owner, {
  ...{ joinedMs: NOW_MS - 5_000, lanePosition: 2, laneState: "waiting" },
});
const lease = { owner: "w1", untilMs: NOW_REAL_MS + rules.laneLeaseMs };
const lane: Lane = {
  ...{ ...owner, lane: waiting.lane, lastPosition: 0, waitingCount: 1, owner: "w1" },
  ...{ nextSubmissionNotBeforeMs: 0, categoryPauses: {}, counters: noCounters, givenBack: [] },
  ...{ subQueues: [], plannedSubQueues: [], isMigratedToSubQueues: true },
};

/** A submission that the provider has accepted: the request holds its lane. */
const attempted = (of: Partial<RequestRecord> = {}, more: Partial<Attempted> = {}): Attempted => ({
  kind: "attempted",
  request: {
    ...{ ...waiting, status: "RUNNING", laneState: "holding", holdUntilMs: NOW_MS + 50 },
    ...{ takenMs: NOW_MS, ...of },
  },
  ...{ mustPublish: true, outcome: { kind: "accepted" }, nextSubmissionNotBeforeMs: NOW_MS + 30 },
  ...{ hasPausedConnection: false, hasStoredUnclearReport: false },
  ...more,
});

interface World {
  /** `busy`: another worker has the lease. */
  acquired?: "busy" | (Partial<Lane> & { abandonedByPrevious?: true });
  /** What the head of the lane is, whenever it is read; at the end nothing waits. */
  heads?: readonly Partial<LaneHead>[];
  /** Default: a conflict. */
  submissions?: readonly SubmitRequestResult[];
  /** What comes of each release. Default: `released`. */
  releases?: readonly ("released" | "lost" | Lane)[];
  connection?: "gone" | "paused";
  account?: AccountPace;
  /** How long (real) the account is read. */
  readTakesMs?: number;
  remainingMs?: number;
  /** Requests that were taken and hold the lane no more. */
  worked?: readonly RequestRecord[];
  /** Another write comes before each of this worker's. */
  conflicts?: true;
  /** The request as another write has left it; absent: it is gone. */
  changed?: RequestRecord;
  failing?: string;
}

/** A run of a lane's worker, with what it calls, in order. */
function setUp(of: World = {}) {
  const calls: [string, ...unknown[]][] = [];
  const looks: unknown[] = [];
  let nowRealMs = NOW_REAL_MS;
  const heads = [...(of.heads ?? [{ firsts: [waiting] }])];
  const releases = [...(of.releases ?? [])];
  const submissions = [...(of.submissions ?? [])];
  const noting =
    (name: string, answer: () => unknown = () => undefined) =>
    async (...args: unknown[]) => {
      calls.push([name, ...args]);
      if (of.failing === name) throw down;
      return answer();
    };
  const { acquired = {} } = of;
  const stored = {
    ...{ ...connection, settings: { ...connection.settings, status: of.connection ?? "active" } },
  };
  const deps = {
    requests: {
      async readLaneHead(seen: unknown) {
        looks.push(seen);
        const empty = { holders: [], hasMoreHolders: false, firsts: [], hasMoreWaiting: false };
        return { ...empty, ...heads.shift() };
      },
      findTakenSince: noting("findTakenSince", () => of.worked ?? []),
      firstLogin: async () => undefined,
    },
    writer: {
      replace: noting("replace", () => (of.conflicts ? undefined : calls.at(-1)?.[1])),
      async change(id: string, decide: (now: RequestRecord) => RequestRecord | undefined) {
        calls.push(["change", id]);
        const decided = of.changed && decide(of.changed);
        return of.changed && { request: decided ?? of.changed, isChanged: decided !== undefined };
      },
    },
    lanes: {
      acquire: noting("acquire", () =>
        acquired === "busy" ? undefined : { ...lane, ...acquired },
      ),
      release: noting("release", () => releases.shift() ?? "released"),
    },
    laneScheduler: {
      dueAfterWakeUp: (wakeUpAtMs: number) => wakeUpAtMs + GRACE_MS,
      sendWakeUp: noting("sendWakeUp"),
      ensureSweep: noting("ensureSweep"),
    },
    accounts: {
      async find() {
        nowRealMs += of.readTakesMs ?? 0;
        return { pace: { minSeconds: 30, maxSeconds: 30 }, ...of.account };
      },
    },
    connections: {
      readUncached: noting("readConnection", () => (of.connection === "gone" ? undefined : stored)),
    },
    providerClients: { "we-link": { eventTypeOf: () => "UNKNOWN" } },
    submitRequest: noting("submit", () => submissions.shift() ?? { kind: "conflict" }),
    context: () => ({ nowMs: NOW_MS, nowRealMs, rules }),
    newOwner: () => "w1",
    onAbandoned: ({ requestId }: RequestRecord) => void calls.push(["abandoned", requestId]),
  } as unknown as WorkLaneDeps;
  const run = (deferred?: ReadonlyMap<string, DeferredRemoval>) =>
    makeWorkLane(deps)(lane.lane, () => of.remainingMs ?? 30_000, deferred);
  const names = () => calls.map(([name]) => name);
  const callsOf = (name: string) => calls.filter(([one]) => one === name);
  /** With what each release was called, after the lane. */
  const released = () => callsOf("release").map(([, , change]) => change);
  return { calls, names, callsOf, released, looks, deps, run };
}

/** What a worker writes that has changed nothing. */
const unchanged = {
  ...{ dequeuedCount: 0, nextSubmissionNotBeforeMs: undefined, pause: undefined },
  ...{ dueMs: undefined, isOnlyCheck: undefined, waitingSubQueues: undefined },
  isMigratedToSubQueues: undefined,
};
const blockedUntil = (untilMs: number) => ({ totalMs: 0, sinceMs: NOW_MS, untilMs });
const counters = { ...noCounters, blocked: { other: blockedUntil(NOW_MS) } };
const nothing = { submissions: [], changed: [], headWait: undefined, isBudgetUsedUp: undefined };

describe("A run of a lane's worker", () => {
  test("A lane that another worker has is left alone", async () => {
    const { calls, run } = setUp({ acquired: "busy" });
    expect(await run()).toStrictEqual({ kind: "busy", submissions: [], changed: [] });
    expect(calls).toStrictEqual([
      ["acquire", lane.lane, lease, NOW_MS + rules.laneLeaseMs + GRACE_MS],
    ]);
  });

  test("A lane in which nothing waits is released without a wake-up", async () => {
    const { calls, run, looks } = setUp({ heads: [] });
    expect(await run()).toStrictEqual({ kind: "done", ...nothing });
    expect(calls.slice(1)).toStrictEqual([
      [
        ...["release", lane],
        {
          ...{ ...unchanged, waitingSubQueues: [], isMigratedToSubQueues: true },
          counters: noCounters,
        },
      ],
    ]);
    expect(looks).toStrictEqual([lane]);
  });

  test("Where a request may be joining, the lane is looked at again when it must be stored", async () => {
    const joining = { lastPosition: NOW_MS - 1, subQueues: [other, high] };
    const { released, callsOf, run } = setUp({ heads: [], acquired: joining });
    await run();
    expect(released()).toStrictEqual([
      {
        ...{ ...unchanged, dueMs: NOW_MS + 59_999 + GRACE_MS, waitingSubQueues: [other, high] },
        counters: noCounters,
      },
    ]);
    const wakeUp = ["sendWakeUp", { ...lane, ...joining }, NOW_MS + 59_999];
    expect(callsOf("sendWakeUp")).toStrictEqual([wakeUp]);
  });

  test("The first request is submitted with the lane's counters and the gap that follows", async () => {
    const usage = { ...noUsage, takeCounts: { any: 1 }, lastTakeMs: NOW_MS - 60_000 };
    const before = { ...noCounters, usage };
    const submission = attempted();
    const { calls, released, run } = setUp({
      ...{ acquired: { counters: before }, submissions: [submission] },
    });
    expect(await run()).toStrictEqual({
      ...{ kind: "done", submissions: [submission], changed: [submission.request] },
      ...{ headWait: { ms: 10_000, request: waiting }, isBudgetUsedUp: undefined },
    });
    expect(calls.slice(1, 3)).toStrictEqual([
      ["readConnection", owner.connectionId],
      [
        "submit",
        {
          ...{ request: waiting, connection, lane: { counters: before }, gapMs: GAP_MS },
          sender: { owner: "w1", leaseUntilRealMs: lease.untilMs },
        },
      ],
    ]);
    expect(released()).toStrictEqual([
      {
        ...{ ...unchanged, dequeuedCount: 1, nextSubmissionNotBeforeMs: NOW_MS + 30 },
        ...{ waitingSubQueues: [], isMigratedToSubQueues: true },
        counters: {
          ...{ ...counters, lastTaken: { requestId: waiting.requestId, atMs: NOW_MS } },
          // It waited since it joined, and nothing else.
          usage: expect.objectContaining({ takeCounts: { other: 1, any: 2 }, latenessMs: 10_000 }),
        },
      },
    ]);
    expect(calls.map(([name]) => name)).not.toContain("sendWakeUp");
  });

  test("Where others wait, the lane is woken at the end of the hold", async () => {
    const { calls, run } = setUp({
      ...{ heads: [{ firsts: [waiting], hasMoreWaiting: true }], submissions: [attempted()] },
    });
    await run();
    const [release, wakeUp] = calls.slice(-2);
    expect(release?.[2]).toMatchObject({
      ...{ ...unchanged, dequeuedCount: 1, dueMs: NOW_MS + 50 + GRACE_MS },
      nextSubmissionNotBeforeMs: NOW_MS + 30,
    });
    expect(wakeUp).toStrictEqual(["sendWakeUp", lane, NOW_MS + 50]);
  });

  test("A request that waits again is woken for at the end of its pause, and stays counted as waiting", async () => {
    const pause = { reason: "RATE_LIMITED", untilMs: NOW_MS + 70 };
    const back = { status: "QUEUED", laneState: "waiting", takenMs: undefined } as const;
    const { released, callsOf, run } = setUp({ submissions: [attempted(back, { pause })] });
    await run();
    expect(released()).toStrictEqual([
      {
        ...{ ...unchanged, pause, nextSubmissionNotBeforeMs: NOW_MS + 30, counters },
        dueMs: NOW_MS + 70 + GRACE_MS,
      },
    ]);
    expect(callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", lane, NOW_MS + 70]]);
  });

  test("A request that another worker wrote last is not published by this one", async () => {
    const submission = attempted({}, { mustPublish: false });
    const { run } = setUp({ submissions: [submission] });
    expect(await run()).toMatchObject({ submissions: [submission], changed: [] });
  });

  test("The write that claims a request removes the events that are published", async () => {
    const outbox = [{ id: "e", type: "workflow.created", version: 1, sinceRealMs: 0 }] as never;
    const { callsOf, run } = setUp({ heads: [{ firsts: [{ ...waiting, outbox }] }] });
    const without = (request: RequestRecord) => ({ ...request, outbox: [] });
    const remove = async () => ({ published: 0, failures: [] });
    const { requestId } = waiting;
    await run(new Map([[requestId, { requestId, without, remove }]]));
    expect(callsOf("submit")).toMatchObject([["submit", { request: { requestId, outbox: [] } }]]);
  });

  test.each<[string, World, boolean]>([
    ["has just enough of the function's time", { remainingMs: NEEDED_MS + 1 }, true],
    ["has too little of the function's time", { remainingMs: NEEDED_MS }, false],
    ["has just enough of its lease", { readTakesMs: rules.laneLeaseMs - NEEDED_MS - 1 }, true],
    ["has too little of its lease", { readTakesMs: rules.laneLeaseMs - NEEDED_MS }, false],
  ])("A worker that %s leaves the lane to the next one, or submits", async (_, of, submits) => {
    const { names, released, callsOf, run } = setUp({ submissions: [attempted()], ...of });
    await run();
    expect(names().includes("submit")).toBe(submits);
    if (submits) return;
    expect(names()).not.toContain("readConnection");
    expect(released()).toStrictEqual([{ ...unchanged, dueMs: NOW_MS + GRACE_MS, counters }]);
    expect(callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", lane, NOW_MS]]);
  });
});

describe("A lane that must wait", () => {
  test("A lane is woken at the end of its gap", async () => {
    const acquired = { nextSubmissionNotBeforeMs: NOW_MS + 9 };
    const { released, callsOf, names, run } = setUp({ acquired });
    expect(await run()).toStrictEqual({
      ...{ kind: "done", ...nothing, headWait: { ms: 10_000, request: waiting } },
    });
    expect(released()).toStrictEqual([{ ...unchanged, dueMs: NOW_MS + 9 + GRACE_MS, counters }]);
    const woken = { ...lane, ...acquired };
    expect(callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", woken, NOW_MS + 9]]);
    expect(names()).not.toContain("readConnection");
  });

  test("While a pause without an end lasts, the lane is only checked, each hour", async () => {
    const { released, run } = setUp({ acquired: { pause: { reason: "WRONG_PASSWORD" } } });
    await run();
    expect(released()).toMatchObject([{ dueMs: NOW_MS + 3_600_000 + GRACE_MS, isOnlyCheck: true }]);
  });

  test("When a limit is used up, that is told, and a request of another sub-queue must wake the lane", async () => {
    const limits = [{ category: "other", per: "day", max: 0 }] as const;
    const { released, run } = setUp({ account: { limits } });
    expect(await run()).toMatchObject({ kind: "done", submissions: [], isBudgetUsedUp: true });
    expect(released()).toStrictEqual([
      {
        ...{ ...unchanged, dueMs: NOW_MS + WEEK_MS + GRACE_MS, isOnlyCheck: undefined },
        waitingSubQueues: [other],
        counters: { ...noCounters, blocked: { other: blockedUntil(NOW_MS + WEEK_MS) } },
      },
    ]);
  });

  test("A lane is looked at earlier when a request of another sub-queue may be joining", async () => {
    const limits = [{ category: "other", per: "day", max: 0 }] as const;
    const acquired = { lastPosition: NOW_MS, subQueues: [other, high] };
    const { released, run } = setUp({ account: { limits }, acquired });
    await run();
    expect(released()).toMatchObject([
      { dueMs: NOW_MS + 60_000 + GRACE_MS, waitingSubQueues: [other, high] },
    ]);
  });

  test("While its connection is paused, nothing is submitted, and the lane is checked every five minutes", async () => {
    const { released, names, run } = setUp({ connection: "paused" });
    expect(await run()).toMatchObject({ kind: "done", submissions: [], changed: [] });
    expect(released()).toStrictEqual([
      {
        ...{ ...unchanged, dueMs: NOW_MS + 300_000 + GRACE_MS, isOnlyCheck: true },
        counters: { ...noCounters, blocked: { other: blockedUntil(NOW_MS + 300_000) } },
      },
    ]);
    expect(names()).not.toContain("submit");
  });
});

describe("A lane that was changed while a worker had it", () => {
  const changed: Lane = { ...lane, dueMs: NOW_MS + 1, wakes: 1 };

  test("A lane that was changed is looked at again as it is now, and nothing more is submitted after a submission", async () => {
    const submission = attempted({}, { nextSubmissionNotBeforeMs: NOW_MS });
    const { calls, callsOf, looks, released, run } = setUp({
      ...{ heads: [{ firsts: [waiting] }, { firsts: [next] }], submissions: [submission] },
      releases: [changed],
    });
    expect(await run()).toMatchObject({
      ...{ submissions: [submission], changed: [submission.request] },
      headWait: { ms: 5_000, request: next },
    });
    expect(looks).toMatchObject([{ lane: lane.lane }, { wakes: 1 }]);
    expect(callsOf("submit")).toHaveLength(1);
    expect(callsOf("release").map(([, seen]) => seen)).toStrictEqual([lane, changed]);
    expect(released()[1]).toMatchObject({
      ...{ dequeuedCount: 1, nextSubmissionNotBeforeMs: NOW_MS, dueMs: NOW_MS + GRACE_MS },
      counters: { lastTaken: { requestId: waiting.requestId }, usage: { takeCounts: { any: 1 } } },
    });
    expect(calls.at(-1)).toStrictEqual(["sendWakeUp", changed, NOW_MS]);
  });

  test("The gap and the pause of the submission count, although they are not stored yet", async () => {
    const heads = [{ firsts: [waiting] }, { firsts: [next] }];
    const gap = setUp({ heads, submissions: [attempted()], releases: [changed] });
    await gap.run();
    expect(gap.callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", changed, NOW_MS + 30]]);
    const pause = { reason: "RATE_LIMITED", untilMs: NOW_MS + 70 };
    const paused = setUp({ heads, submissions: [attempted({}, { pause })], releases: [changed] });
    await paused.run();
    expect(paused.callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", changed, NOW_MS + 70]]);
  });

  test("The wait that was seen first is told where nothing waits any more", async () => {
    const { run } = setUp({ submissions: [attempted()], releases: [changed] });
    expect(await run()).toMatchObject({ headWait: { ms: 10_000, request: waiting } });
  });
});

describe("A worker that loses its lane", () => {
  test.each<[string, Attempted]>([
    ["that runs", attempted()],
    ["that waits again", attempted({ status: "QUEUED", laneState: "waiting", takenMs: undefined })],
  ])("A worker that loses its lane has it swept, after a request %s", async (_, submission) => {
    const { calls, callsOf, run } = setUp({ submissions: [submission], releases: ["lost"] });
    expect(await run()).toMatchObject({ kind: "done", submissions: [submission] });
    expect(calls.at(-1)).toStrictEqual(["ensureSweep", lane]);
    expect(callsOf("ensureSweep")).toHaveLength(1);
    expect(callsOf("sendWakeUp")).toStrictEqual([]);
  });

  test("A lane that is released is not swept in addition", async () => {
    const { names, run } = setUp({ submissions: [attempted()] });
    await run();
    expect(names()).not.toContain("ensureSweep");
  });

  test("A sweep that cannot be planned keeps the message in the queue", async () => {
    const { run } = setUp({ releases: ["lost"], failing: "ensureSweep" });
    await expect(run()).rejects.toBe(down);
  });

  /** A worker whose lane another one takes while it submits. Then `meanwhile` happens. */
  async function loseLane(
    meanwhile: (second: Lane | undefined, lanes: LaneStore) => Promise<unknown>,
  ): Promise<LaneStore> {
    const clock = makeTestClock(NOW_MS);
    const { requests, lanes } = makeMemoryRequests({ clock, retentionMs: 1e12 });
    const laneScheduler = makeLaneScheduler({
      ...{ lanes, submitQueue: makeSubmitQueue(), nowMs: clock.businessMs, graceMs: 60_000 },
      onNonFatalError: (error) => expect.fail(String(error)),
    });
    await requests.create(waiting);
    const place = { nowMs: NOW_MS - 300_000, dueMs: NOW_MS - 240_000, subQueues: [other] };
    await lanes.join(lane.lane, owner, place);
    const workLane = makeWorkLane({
      ...{ ...setUp().deps, requests, lanes, laneScheduler },
      context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules }),
      async submitRequest() {
        clock.passReal(rules.laneLeaseMs);
        const untilMs = clock.realMs() + rules.laneLeaseMs;
        const second = { owner: "w2", untilMs };
        await meanwhile(await lanes.acquire(lane.lane, second, NOW_MS + 600_000), lanes);
        return attempted({ status: "QUEUED", laneState: "waiting", takenMs: undefined });
      },
    });
    await workLane(lane.lane, () => 30_000);
    return lanes;
  }

  test("A lost lane is to be swept soon, and the worker that has the lane now sees that when it releases it", async () => {
    let second: Lane | undefined;
    const lanes = await loseLane(async (acquired) => {
      second = acquired;
    });
    const planned = { owner: "w2", dueMs: NOW_MS + 60_000, wakes: 1 };
    expect(await lanes.find(lane.lane)).toMatchObject(planned);
    expect(second?.dueMs).toBe(NOW_MS + rules.laneLeaseMs + 60_000);
    // It is not released, so that its worker looks at it once more.
    expect(second && (await lanes.release(second, {}))).toMatchObject(planned);
  });

  test("A lost lane is to be swept soon although the worker that had it since has planned it for tomorrow", async () => {
    const tomorrow = { dueMs: NOW_MS + 86_400_000, waitingSubQueues: [high] };
    const lanes = await loseLane((second, { release }) => {
      expect(second).toBeDefined();
      return release(second as Lane, tomorrow);
    });
    expect((await lanes.find(lane.lane))?.dueMs).toBe(NOW_MS + 60_000);
  });
});

describe("A request that cannot be submitted", () => {
  const deleted = { code: "CONNECTION_DELETED", message: expect.any(String) };
  const error = { code: "CANNOT_BE_SENT", message: "r" };
  const unsubmittable = { kind: "unsubmittable", request: waiting, error } as const;

  test("A request whose connection is deleted ends, and the lane is looked at again", async () => {
    const { names, callsOf, released, run } = setUp({ connection: "gone" });
    const { changed, submissions } = await run();
    expect(submissions).toStrictEqual([]);
    expect(changed).toMatchObject([
      { requestId: waiting.requestId, status: "FAILED", error: deleted },
    ]);
    expect(callsOf("replace")).toStrictEqual([["replace", changed[0]]]);
    expect(callsOf("readConnection")).toStrictEqual([["readConnection", owner.connectionId]]);
    expect(names()).not.toContain("submit");
    expect(released()).toMatchObject([{ dequeuedCount: 0, dueMs: undefined }]);
  });

  test("A request that can never be sent ends, and the next one is submitted in the same run", async () => {
    const submission = attempted({ requestId: next.requestId });
    const { callsOf, run } = setUp({
      heads: [{ firsts: [waiting] }, { firsts: [next] }],
      submissions: [unsubmittable, submission],
    });
    const { submissions, changed } = await run();
    expect(submissions).toStrictEqual([unsubmittable, submission]);
    expect(changed).toMatchObject([
      { requestId: waiting.requestId, status: "FAILED", error },
      { requestId: next.requestId, status: "RUNNING" },
    ]);
    const submitted = callsOf("submit").map(([, of]) => of);
    expect(submitted).toMatchObject([{ request: waiting }, { request: next }]);
  });

  test("A request that another worker has changed is looked at again", async () => {
    const { submissions, changed } = await setUp({ submissions: [{ kind: "conflict" }] }).run();
    expect(submissions).toStrictEqual([{ kind: "conflict" }]);
    expect(changed).toStrictEqual([]);
  });

  describe("The end of a stopped request that is stored after another write", () => {
    const sending = { status: "SUBMITTING", owner: "w1", takenMs: undefined } as const;
    const claimed: RequestRecord = { ...waiting, ...sending };
    const stopped = { ...unsubmittable, request: claimed };
    const changed: RequestRecord = {
      ...claimed,
      takenMs: NOW_MS,
      dependents: ["rq_2"],
      version: 5,
    };

    test("A stopped request ends with what another write has changed, and does not count as taken", async () => {
      const { callsOf, run } = setUp({ submissions: [stopped], conflicts: true, changed });
      expect((await run()).changed).toMatchObject([
        {
          ...{ status: "FAILED", error, takenMs: undefined },
          ...{ dependents: ["rq_2"], version: 5 },
        },
      ]);
      expect(callsOf("change")).toStrictEqual([["change", waiting.requestId]]);
    });

    test.each<[string, RequestRecord | undefined]>([
      ["another worker has now", { ...changed, owner: "w2" }],
      ["has gone on", { ...changed, status: "UNKNOWN" }],
      ["is gone", undefined],
    ])("A stopped request that %s stays as it is", async (_, now) => {
      const { run } = setUp({
        ...{ submissions: [stopped], conflicts: true },
        ...(now ? { changed: now } : {}),
      });
      expect(await run()).toMatchObject({ submissions: [stopped], changed: [] });
    });
  });

  test("After 25 looks, the lane is released to be worked again at once", async () => {
    const heads = Array(30).fill({ firsts: [waiting] });
    const { callsOf, released, run } = setUp({ heads });
    expect((await run()).submissions).toHaveLength(25);
    expect(callsOf("submit")).toHaveLength(25);
    const woken = { ...unchanged, dueMs: NOW_MS + GRACE_MS, counters: noCounters };
    expect(released()).toStrictEqual([woken]);
    expect(callsOf("sendWakeUp")).toStrictEqual([["sendWakeUp", lane, NOW_MS]]);
  });
});

describe("A lane that a worker left before it released it", () => {
  const takenMs = NOW_MS - 90_000;
  const lastTaken = { requestId: "rq_counted", atMs: takenMs };
  const taken = (afterMs: number | undefined, of: Partial<RequestRecord> = {}) =>
    requestRecord(owner, {
      ...{ status: "RUNNING", ...of },
      ...(afterMs === undefined ? {} : { takenMs: takenMs + afterMs }),
    });

  test("What was taken since the last counted request is counted, in its order, and the longest gap begins now", async () => {
    const last = taken(5);
    const { calls, callsOf, released, looks, run } = setUp({
      acquired: { abandonedByPrevious: true, counters: { ...noCounters, lastTaken } },
      heads: [{ holders: [last] }, { firsts: [waiting] }],
      worked: [
        ...[taken(2), taken(0), taken(-1), taken(undefined)],
        taken(0, { requestId: "rq_counted" }),
      ],
    });
    await run();
    expect(callsOf("findTakenSince")).toStrictEqual([["findTakenSince", lane.lane, takenMs]]);
    expect(looks).toHaveLength(2);
    expect(released()).toMatchObject([
      {
        ...{ dequeuedCount: 0, nextSubmissionNotBeforeMs: NOW_MS + GAP_MS },
        dueMs: NOW_MS + GAP_MS + GRACE_MS,
        counters: {
          lastTaken: { requestId: last.requestId, atMs: takenMs + 5 },
          usage: { takeCounts: { any: 3 }, lastTakeMs: takenMs + 5 },
        },
      },
    ]);
    expect(callsOf("release")[0]?.[1]).not.toHaveProperty("abandonedByPrevious");
    expect(calls.map(([name]) => name)).not.toContain("submit");
  });

  test("Where nothing was counted, all that was taken is, and a longer gap stays", async () => {
    const { callsOf, released, run } = setUp({
      acquired: { abandonedByPrevious: true, nextSubmissionNotBeforeMs: NOW_MS + GAP_MS + 1 },
      heads: [{}, { firsts: [waiting] }],
      worked: [taken(0)],
    });
    await run();
    expect(callsOf("findTakenSince")).toStrictEqual([["findTakenSince", lane.lane, 0]]);
    expect(released()).toMatchObject([
      {
        nextSubmissionNotBeforeMs: NOW_MS + GAP_MS + 1,
        counters: { usage: { takeCounts: { any: 1 } } },
      },
    ]);
  });

  test("A lane that was released is taken over as it is", async () => {
    const { names, run } = setUp({ submissions: [attempted()] });
    await run();
    expect(names()).not.toContain("findTakenSince");
  });

  test("What ends the hold of a dead submission is told as changed, and that it is unknown even if the run fails later", async () => {
    const dead = requestRecord(owner, {
      ...{ status: "SUBMITTING", owner: "w0", sendingUntilRealMs: NOW_REAL_MS, attempts: 1 },
    });
    const heads = [{ holders: [dead], firsts: [waiting] }];
    const { run } = setUp({ heads });
    expect((await run()).changed).toMatchObject([{ requestId: dead.requestId, status: "UNKNOWN" }]);
    // It is told at once: no result tells it when the lane cannot be released.
    const failing = setUp({ heads, failing: "release" });
    await expect(failing.run()).rejects.toBe(down);
    expect(failing.callsOf("abandoned")).toStrictEqual([["abandoned", dead.requestId]]);
  });
});
