import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { MAX_SQS_DELAY_MS } from "../../shared/contracts/limits.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import type { JoinedWhenDue } from "../../shared/core/requests/lanes/join-when-due.ts";
import type { Lane, RequestRecord } from "../../shared/core/requests/state/record.ts";
import {
  type HandleSubmitMessagesDeps,
  makeHandleSubmitMessages,
} from "../../shared/core/requests/submission/handle-submit-messages.ts";
import { NOON_MS } from "../support/noon.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const down = new Failure("DEPENDENCY_DOWN", "no answer");
const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no answer" };
const done = { kind: "done" };
const idle = { kind: "done", submissions: [], changed: [] };
const nothing = { published: 0, failures: [], deferred: [] };
/** When the sweep is due for a lane that is woken now. */
const SOON_MS = NOON_MS + 60_000;

interface World {
  /** The requests that are found with their lanes. */
  requests?: readonly RequestRecord[];
  lanes?: Readonly<Record<string, Partial<Lane>>>;
  /** Requests that are found only when they are read one by one. */
  unlisted?: readonly RequestRecord[];
  /** What a run of the lane, or the sending of the request's input, brings. */
  runs?: Readonly<Record<string, object>>;
  /** What a settled dependent request became. */
  settled?: Readonly<Record<string, RequestRecord>>;
  joined?: JoinedWhenDue;
  /** What each publication brings, in order. */
  published?: readonly object[];
  failing?: readonly string[];
  /** By how much time passes whenever it is asked. */
  tickMs?: number;
}

/** The worker of the submit queue, with what it calls, in order. */
function setUp(of: World = {}) {
  const { requests = [], lanes = {}, unlisted = [], tickMs = 0 } = of;
  const calls: [string, ...unknown[]][] = [];
  const published = [...(of.published ?? [])];
  let nowMs = NOON_MS - tickMs;
  function note(name: string, ...args: unknown[]): void {
    calls.push([name, ...args]);
    if (of.failing?.includes(name)) throw down;
  }
  const noting =
    (name: string, answer: (first: string) => unknown = () => undefined) =>
    async (...args: unknown[]) => {
      note(name, ...args);
      return answer(String(args[0]));
    };
  const deps = {
    requests: {
      async findWithLanes(ids: readonly string[]) {
        note("findWithLanes", ids);
        const found = requests.filter(({ requestId }) => ids.includes(requestId));
        return new Map(
          found.map((one) => [one.requestId, { request: one, lane: lanes[one.lane] }]),
        );
      },
      find: noting("find", (id) => unlisted.find(({ requestId }) => requestId === id)),
    },
    submitQueue: { send: noting("send") },
    laneScheduler: {
      ensureWakeUp: noting("ensureWakeUp"),
      dueAfterWakeUp: (wakeUpAtMs: number) => wakeUpAtMs + 60_000,
    },
    joinWhenDue: noting("joinWhenDue", () => of.joined),
    settleDependent: noting("settleDependent", (id) => of.settled?.[id]),
    fireRecurring: noting("fireRecurring"),
    async workLane(lane: string, remainingMs: () => number, deferred: ReadonlyMap<string, object>) {
      note("workLane", lane, remainingMs(), [...deferred.keys()]);
      return of.runs?.[lane] ?? idle;
    },
    sendInput: noting("sendInput", (id) => of.runs?.[id] ?? idle),
    publishOutboxes: noting("publishOutboxes", () => published.shift() ?? nothing),
    context() {
      nowMs += tickMs;
      return { nowMs, nowRealMs: nowMs };
    },
  } as unknown as HandleSubmitMessagesDeps;
  const handle = (...messages: (SubmitMessage | string)[]) =>
    makeHandleSubmitMessages(deps)(
      messages.map((one) => (typeof one === "string" ? one : JSON.stringify(one))),
      () => 30_000,
    );
  const callsOf = (name: string) => calls.filter(([one]) => one === name);
  const worked = () => callsOf("workLane").map(([, lane]) => lane);
  return { calls, callsOf, worked, handle };
}

const accepted = ({ requestId }: RequestRecord, wakesLane = false): SubmitMessage => ({
  ...{ v: 1, kind: "accepted", requestId, wakesLane },
});
const due = ({ requestId }: RequestRecord): SubmitMessage => ({ v: 1, kind: "due", requestId });
const wakeUp = (lane: string): SubmitMessage => ({ v: 1, kind: "wakeUp", lane });
const dependency = (requestId: string): SubmitMessage => ({ v: 1, kind: "dependency", requestId });
const input = (requestId: string): SubmitMessage => ({ v: 1, kind: "continue", requestId });
const recur: SubmitMessage = {
  ...{ v: 1, kind: "recur", clientId: "cl_1", recurringId: "rc_1" },
  firesAt: new Date(NOON_MS).toISOString(),
};

const other = { category: "other", isHigh: false } as const;
/** A lane whose next wake-up is later than soon, by a worker that knew of other requests. */
const plannedLate = { dueMs: SOON_MS + 1, plannedSubQueues: [], nextSubmissionNotBeforeMs: 0 };

describe("The messages of a batch", () => {
  test("What several messages name is done once: an input, a dependent request, a lane", async () => {
    const { calls, handle } = setUp();
    const messages = [input("rq_1"), dependency("rq_2"), wakeUp("l1")];
    const result = await handle(...messages, ...messages);
    expect(result).toStrictEqual({
      ...{ messages: Array(6).fill(done), submissions: [], accepted: [] },
      exhaustedBudgets: 0,
      ...{ longestWait: undefined, outbox: { published: 0, failures: [] } },
    });
    expect(calls).toStrictEqual([
      ["findWithLanes", []],
      ["publishOutboxes", [], "accepted", { deferRemovalFor: new Set() }],
      ["sendInput", "rq_1"],
      ["settleDependent", "rq_2"],
      ["workLane", "l1", 30_000, []],
      ["publishOutboxes", []],
    ]);
  });

  test("A firing is passed on as it is, each time", async () => {
    const { calls, callsOf, handle } = setUp();
    expect((await handle(recur, recur)).messages).toStrictEqual([done, done]);
    expect(callsOf("fireRecurring")).toStrictEqual(Array(2).fill(["fireRecurring", recur]));
    expect(calls).toHaveLength(5);
  });

  test.each(["{", '{"v":2,"kind":"wakeUp","lane":"l1"}', '{"v":1,"kind":"sing"}'])(
    "The message %s is malformed, and the others of its batch are processed",
    async (body) => {
      const { worked, handle } = setUp();
      expect((await handle(body, wakeUp("l1"))).messages).toStrictEqual([
        {
          ...{ kind: "failed", code: "MESSAGE_MALFORMED" },
          detail: "not a message of the submit queue",
        },
        done,
      ]);
      expect(worked()).toStrictEqual(["l1"]);
    },
  );

  test("The requests that messages of acceptances and schedules name are read in one go, each once", async () => {
    const [one, two, three] = [requestRecord(), requestRecord(), requestRecord()];
    const requestIds = [two.requestId, one.requestId];
    const { callsOf, handle } = setUp({ requests: [one, two, three], failing: ["find"] });
    const batch = { v: 1, kind: "acceptedBatch", requestIds, wakesLane: false } as const;
    const { accepted: told } = await handle(
      ...[wakeUp("l1"), accepted(one), batch, due(three), input("rq_1"), dependency("rq_2")],
    );
    expect(callsOf("findWithLanes")).toStrictEqual([
      ["findWithLanes", [one.requestId, two.requestId, three.requestId]],
    ]);
    expect(callsOf("find")).toStrictEqual([]);
    expect(told).toStrictEqual([
      { index: 2, request: one },
      { index: 2, request: two },
    ]);
  });

  test("The batch fails as a whole when the requests that it names cannot be read", async () => {
    const { handle } = setUp({ failing: ["findWithLanes"] });
    await expect(handle(wakeUp("l1"))).rejects.toBe(down);
  });

  test.each<[string, SubmitMessage]>([
    ["workLane", wakeUp("l1")],
    ["settleDependent", dependency("rq_1")],
    ["sendInput", input("rq_1")],
    ["fireRecurring", recur],
    ["find", accepted(requestRecord())],
    ["find", due(requestRecord())],
  ])("When %s fails, only the message of %j stays in the queue", async (name, message) => {
    const { handle, callsOf } = setUp({ failing: [name] });
    const works = name === "workLane" ? input("rq_2") : wakeUp("l2");
    const { messages } = await handle(message, works);
    expect(messages).toStrictEqual([failed, done]);
    expect(callsOf("publishOutboxes")).toHaveLength(2);
  });
});

describe("What a batch brings", () => {
  const [first, second] = [requestRecord(), requestRecord()];
  const submission = { kind: "attempted", request: first };
  const changed = { ...first, status: "RUNNING" } as const;
  const ended = { ...second, status: "FAILED" } as const;

  test("The submissions, the changes, the longest wait and the used-up limits of all runs are told together", async () => {
    const { callsOf, handle } = setUp({
      runs: {
        l1: {
          ...{ ...idle, submissions: [submission], changed: [changed] },
          ...{ isBudgetUsedUp: true, headWait: { ms: 5, request: first } },
        },
        l2: { ...idle, isBudgetUsedUp: false, headWait: { ms: 9, request: second } },
        [first.requestId]: { ...idle, submissions: [{ kind: "conflict" }], changed: [first] },
      },
      settled: { [second.requestId]: ended },
    });
    const result = await handle(
      ...[wakeUp("l1"), wakeUp("l2"), wakeUp("l3"), input(first.requestId)],
      ...[dependency(second.requestId), dependency("rq_other")],
    );
    expect(result).toMatchObject({
      ...{ submissions: [submission, { kind: "conflict" }], exhaustedBudgets: 1 },
      longestWait: { ms: 9, request: second },
    });
    expect(result.messages).toStrictEqual(Array(6).fill(done));
    expect(callsOf("publishOutboxes")[1]).toStrictEqual([
      "publishOutboxes",
      [changed, first, ended],
    ]);
  });

  test("A published event leaves its outbox with the claim of its request, and otherwise at the end of the batch", async () => {
    const removed: string[] = [];
    const failure = (detail: string) => ({ kind: "failed", code: "DEPENDENCY_DOWN", detail });
    const deferred = [first, second].map(({ requestId }) => ({
      requestId,
      async remove() {
        removed.push(requestId);
        return { published: 10, failures: [failure("removed")] };
      },
    }));
    const free = { ...plannedLate, owner: undefined };
    const { callsOf, handle } = setUp({
      requests: [first, second],
      lanes: { [first.lane]: free, [second.lane]: free },
      runs: {
        [first.lane]: { ...idle, submissions: [submission] },
        [second.lane]: { ...idle, submissions: [{ kind: "conflict" }] },
      },
      published: [
        { published: 2, failures: [failure("created")], deferred },
        { published: 300, failures: [failure("changed")], deferred: [] },
      ],
    });
    const { outbox } = await handle(accepted(first, true), accepted(second, true));
    expect(removed).toStrictEqual([second.requestId]);
    expect(outbox).toStrictEqual({
      published: 312,
      failures: [failure("created"), failure("removed"), failure("changed")],
    });
    const ids = [first.requestId, second.requestId];
    expect(callsOf("publishOutboxes")[0]).toStrictEqual([
      "publishOutboxes",
      [first, second],
      "accepted",
      { deferRemovalFor: new Set(ids) },
    ]);
    expect(callsOf("workLane")).toStrictEqual([
      ["workLane", first.lane, 30_000, ids],
      ["workLane", second.lane, 30_000, ids],
    ]);
  });
});

describe("The message of an acceptance", () => {
  const waiting = requestRecord(newOwner(), { category: "other" });
  const { lane, clientId } = waiting;

  test.each<[string, Partial<Lane> | undefined, boolean]>([
    ["is not known", undefined, true],
    ["has no sweep", { plannedSubQueues: [other] }, true],
    ["is woken soon", { ...plannedLate, dueMs: SOON_MS }, false],
    ["is woken later, for others", plannedLate, true],
    ["is woken for it too", { ...plannedLate, plannedSubQueues: [other] }, false],
  ])("A request whose lane %s is worked where that is needed", async (_, of, isWorked) => {
    const { worked, callsOf, handle } = setUp({
      ...{ requests: [waiting], lanes: of ? { [lane]: of } : {} },
    });
    expect((await handle(accepted(waiting))).messages).toStrictEqual([done]);
    expect(worked()).toStrictEqual(isWorked ? [lane] : []);
    expect(callsOf("ensureWakeUp")).toStrictEqual([]);
  });

  test("A request that must wake its lane does so whatever is planned", async () => {
    const lanes = { [lane]: { ...plannedLate, dueMs: SOON_MS, owner: "w1" } };
    const { worked, handle } = setUp({ requests: [waiting], lanes });
    await handle(accepted(waiting, true));
    expect(worked()).toStrictEqual([lane]);
  });

  test("A lane that another worker has is woken for the request, and not worked", async () => {
    const lanes = { [lane]: { ...plannedLate, owner: "w1" } };
    const { worked, callsOf, handle } = setUp({ requests: [waiting], lanes });
    await handle(accepted(waiting));
    expect(worked()).toStrictEqual([]);
    expect(callsOf("ensureWakeUp")).toStrictEqual([["ensureWakeUp", waiting]]);
  });

  test("A lane that turns out to be another worker's is woken", async () => {
    const runs = { [lane]: { ...idle, kind: "busy" } };
    const { callsOf, handle } = setUp({ requests: [waiting], runs });
    await handle(accepted(waiting, true));
    expect(callsOf("ensureWakeUp")).toStrictEqual([["ensureWakeUp", { lane, clientId }]]);
  });

  test("A request that is found only alone has its lane worked", async () => {
    const { worked, callsOf, handle } = setUp({ unlisted: [waiting] });
    expect((await handle(accepted(waiting))).messages).toStrictEqual([done]);
    expect(callsOf("find")).toStrictEqual([["find", waiting.requestId]]);
    expect(worked()).toStrictEqual([lane]);
  });

  test("A request that does not wait, or is gone, wakes nothing", async () => {
    const running = { ...waiting, status: "RUNNING" } as const;
    const { worked, handle } = setUp({ requests: [running] });
    const { messages } = await handle(accepted(running, true), accepted(requestRecord(), true));
    expect(messages).toStrictEqual([done, done]);
    expect(worked()).toStrictEqual([]);
  });

  test("Of a batch, the lanes of waiting requests are worked, and the first failure keeps the message", async () => {
    const own = requestRecord();
    const scheduled = { ...requestRecord(), status: "SCHEDULED" } as const;
    const gone = requestRecord();
    const requests = [waiting, own, scheduled];
    const requestIds = [...requests, gone].map(({ requestId }) => requestId);
    const batch = { v: 1, kind: "acceptedBatch", requestIds, wakesLane: false } as const;
    const { worked, callsOf, handle } = setUp({ requests });
    expect((await handle(batch)).messages).toStrictEqual([done]);
    expect(worked()).toStrictEqual([lane, own.lane]);
    expect(callsOf("find")).toStrictEqual([["find", gone.requestId]]);
    const broken = setUp({ requests, failing: ["workLane"] });
    expect((await broken.handle(batch)).messages).toStrictEqual([failed]);
    expect(broken.worked()).toStrictEqual([lane, own.lane]);
  });
});

describe("The message of a schedule", () => {
  const owner = newOwner();
  const scheduled = (afterMs: number, of: Partial<RequestRecord> = {}) =>
    requestRecord(owner, { status: "SCHEDULED", scheduledMs: NOON_MS + afterMs, ...of });
  const { clientId } = owner;
  const joinedOf = ({ callsOf }: ReturnType<typeof setUp>) =>
    callsOf("joinWhenDue").map(([, request]) => request);

  test.each<[number, number[]]>([
    [1, [1]],
    [MAX_SQS_DELAY_MS, [MAX_SQS_DELAY_MS]],
    [MAX_SQS_DELAY_MS + 1, []],
  ])("A message that comes %i ms early is sent again with the delays %j", async (...of) => {
    const [earlyMs, delays] = of;
    const request = scheduled(earlyMs);
    const world = setUp({ requests: [request] });
    expect((await world.handle(due(request))).messages).toStrictEqual([done]);
    expect(world.callsOf("send")).toStrictEqual(
      delays.map((delayMs) => ["send", due(request), { delayMs, clientId }]),
    );
    expect(joinedOf(world)).toStrictEqual([]);
    expect(world.worked()).toStrictEqual([]);
  });

  test.each([true, false])(
    "A due request joins, and its lane is worked if the join says so: %s",
    async (wakesLane) => {
      const request = scheduled(0);
      const joined = { wakesLane, isUnfinished: false };
      const world = setUp({ requests: [request], joined });
      expect((await world.handle(due(request))).messages).toStrictEqual([done]);
      expect(joinedOf(world)).toStrictEqual([request]);
      expect(world.worked()).toStrictEqual(wakesLane ? [request.lane] : []);
      expect(world.callsOf("send")).toStrictEqual([]);
    },
  );

  test("The due requests of a lane join by one call, for the last of them", async () => {
    const [first, second] = [scheduled(-1, { createdMs: 9 }), scheduled(0, { createdMs: 1 })];
    const [last, later] = [scheduled(0, { createdMs: 2 }), scheduled(1)];
    const another = { ...scheduled(0), lane: "l2" };
    const requests = [first, second, last, later, another];
    const world = setUp({ requests, joined: { wakesLane: true, isUnfinished: true } });
    const { messages } = await world.handle(...[second, last, first, later, another].map(due));
    expect(messages).toStrictEqual(Array(5).fill(done));
    expect(joinedOf(world)).toStrictEqual([last, another]);
    expect(world.worked()).toStrictEqual([first.lane, "l2"]);
    // More requests come before those that joined last.
    expect(world.callsOf("send")).toHaveLength(3);
    expect(world.callsOf("send")).toEqual(
      expect.arrayContaining([
        ["send", due(last), { clientId }],
        ["send", due(later), { delayMs: 1, clientId }],
        ["send", due(another), { clientId }],
      ]),
    );
  });

  test("A request that has joined by another call wakes nothing", async () => {
    const request = scheduled(0);
    const world = setUp({ requests: [request] });
    expect((await world.handle(due(request))).messages).toStrictEqual([done]);
    expect(joinedOf(world)).toStrictEqual([request]);
    expect(world.worked()).toStrictEqual([]);
  });

  test("A request that becomes due while its batch is processed joins behind those that were due", async () => {
    // The time is asked for the events, for the order of the joins, and for each message.
    const [before, request] = [scheduled(-1), scheduled(2)];
    const joined = { wakesLane: true, isUnfinished: false };
    const world = setUp({ requests: [before, request], joined, tickMs: 1 });
    expect((await world.handle(due(before), due(request))).messages).toStrictEqual([done, done]);
    expect(joinedOf(world)).toStrictEqual([before, request]);
    expect(world.worked()).toStrictEqual([request.lane]);
  });

  test("A due request that is found only alone joins", async () => {
    const request = scheduled(0);
    const world = setUp({ unlisted: [request], joined: { wakesLane: true, isUnfinished: true } });
    await world.handle(due(request));
    expect(joinedOf(world)).toStrictEqual([request]);
    expect(world.worked()).toStrictEqual([request.lane]);
    expect(world.callsOf("send")).toStrictEqual([["send", due(request), { clientId }]]);
  });

  test.each<[string, Partial<Lane> | undefined, boolean]>([
    ["is woken later, for others", plannedLate, true],
    ["is woken soon", { ...plannedLate, dueMs: SOON_MS }, false],
    ["is not known", undefined, false],
  ])("A request that has joined, and whose lane %s, has it worked if needed", async (_, ...of) => {
    const request = scheduled(0, { status: "QUEUED" });
    const [lane, isWorked] = of;
    const world = setUp({ requests: [request], lanes: lane ? { [request.lane]: lane } : {} });
    expect((await world.handle(due(request))).messages).toStrictEqual([done]);
    expect(world.worked()).toStrictEqual(isWorked ? [request.lane] : []);
    expect(joinedOf(world)).toStrictEqual([]);
  });

  test("A request that is cancelled, or gone, neither joins nor lets others join", async () => {
    const cancelled = scheduled(0, { status: "CANCELLED" });
    const early = scheduled(5, { status: "CANCELLED" });
    const world = setUp({ requests: [cancelled, early] });
    const { messages } = await world.handle(due(cancelled), due(early), due(scheduled(0)));
    expect(messages).toStrictEqual([done, done, done]);
    expect(joinedOf(world)).toStrictEqual([]);
    expect(world.callsOf("send")).toStrictEqual([]);
    expect(world.worked()).toStrictEqual([]);
  });
});
