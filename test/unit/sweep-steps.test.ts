import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { MessageFailure } from "../../shared/core/message-failure.ts";
import type { JoinedWhenDue } from "../../shared/core/requests/lanes/join-when-due.ts";
import type { TimeoutVerdict } from "../../shared/core/requests/results/cancel-before-timeout.ts";
import type {
  DuePoll,
  PollDueRequests,
} from "../../shared/core/requests/results/poll-due-requests.ts";
import type { Polled } from "../../shared/core/requests/results/poll-request.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { DueEntry, RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { PublishedOutboxes } from "../../shared/core/requests/state/publish-outboxes.ts";
import type {
  Dependency,
  OutboxEntry,
  RequestRecord,
} from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { emptyResult } from "../../shared/core/requests/sweep-result.ts";
import { makeSweepSteps, type SweepStepsDeps } from "../../shared/core/requests/sweep-steps.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const nowRealMs = nowMs + 7_000;
const HOUR_MS = 3_600_000;
const owner = newOwner();
const { clientId } = owner;
const UNREADABLE = "rq_unreadable";
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const busDown: MessageFailure = { kind: "failed", code: "PUBLISH_FAILED", detail: "down" };
const refusedEvent: MessageFailure = { kind: "failed", code: "PUBLISH_REFUSED", detail: "bad" };

interface Given {
  /** Ports that do not answer. */
  down?: string[];
  /** What publishing answers in turn; after that, each call publishes one event. */
  publishes?: PublishedOutboxes[];
  /** Whether the sweep of an entry can be postponed. */
  postponed?: { clientId: string };
  lane?: object;
  onFindLane?: (requests: RequestStore) => Promise<unknown>;
  joined?: JoinedWhenDue;
  settled?: RequestRecord;
  verdict?: TimeoutVerdict;
}

type Polling = Parameters<PollDueRequests>[2];

/** The steps of one run over requests in memory. Everything else notes its calls. */
function setUp({ down = [], publishes = [], ...given }: Given = {}) {
  const { requests } = makeMemoryRequests({ clock: makeTestClock(), retentionMs: 1e12 });
  const calls: unknown[][] = [];
  const failed: unknown[] = [];
  const total = emptyResult();
  let polling: Polling | undefined;
  const noting =
    (name: string, answer?: unknown) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      if (down.includes(name)) throw noTable;
      return answer;
    };
  const store = {
    ...requests,
    async find(requestId: string) {
      if (requestId === UNREADABLE) throw noTable;
      return requests.find(requestId);
    },
    postponeSweep: noting("postponeSweep", given.postponed),
  } as unknown as RequestStore;
  const deps = {
    requests: store,
    lanes: {
      async find(lane: string) {
        await noting("findLane")(lane);
        await given.onFindLane?.(requests);
        return given.lane;
      },
    },
    writer: makeRequestWriter({ requests: store, texts: makeRequestParts(owner).texts }),
    submitQueue: { send: noting("send") },
    laneScheduler: {
      dueAfterWakeUp: (atMs: number) => atMs + 5,
      wakeFreedLane: noting("wakeFreedLane"),
      wakeUp: noting("wakeUp"),
    },
    async publishOutboxes(changed: readonly RequestRecord[]) {
      calls.push(["publish", ...changed.map(({ requestId }) => requestId)]);
      return publishes.shift() ?? { published: 1, failures: [] };
    },
    joinWhenDue: noting("joinWhenDue", given.joined),
    settleDependent: noting("settleDependent", given.settled),
    async pollDueRequests(provider: string, due: readonly DuePoll[], of: Polling) {
      calls.push(["pollDueRequests", provider, due]);
      polling = of;
    },
    cancelBeforeTimeout: noting("cancelBeforeTimeout", given.verdict ?? { verdict: "end" }),
    providerClients,
    context: () => ({ nowMs, nowRealMs, rules }),
  } as unknown as SweepStepsDeps;
  const steps = makeSweepSteps(deps, total, (error) => failed.push(error));

  /** Stores a request. */
  async function add(of: Partial<RequestRecord>): Promise<RequestRecord> {
    const request = requestRecord(owner, of);
    await requests.create(request);
    return request;
  }
  const stored = async ({ requestId }: RequestRecord) =>
    (await requests.find(requestId)) as RequestRecord;
  /** What the run does with the polls. */
  async function poll(due: readonly DuePoll[] = [], hasTime = () => true): Promise<Polling> {
    await steps.poll("we-link", due, hasTime);
    if (!polling) throw new Error("nothing was polled");
    return polling;
  }
  return { ...{ steps, calls, failed, total, requests, add, stored, poll } };
}

const dueOf = ({ lane, requestId, dueMs = nowMs }: RequestRecord): DueEntry => ({
  lane,
  requestId,
  dueMs,
});
const staleOf = ({ requestId }: RequestRecord) => ({ requestId, sweepAtRealMs: nowRealMs });
const outboxOf = (of: Partial<OutboxEntry> = {}): OutboxEntry[] => [
  {
    ...{ id: "e:1", type: "workflow.started", version: 2, envelope: { inline: "{}" } },
    ...{ sinceRealMs: nowRealMs - rules.outboxGraceMs, ...of },
  },
];
/** The writer of these has more time. */
const young = { sinceRealMs: nowRealMs - rules.outboxGraceMs + 1 };
const inTime = { sweepAtRealMs: nowRealMs + 1 };

describe("A submission that its worker has not completed", () => {
  test.each([
    ["at that time", nowRealMs],
    ["at no time that is stored", undefined],
  ])("It is UNKNOWN when its worker counts as dead %s", async (_, sendingUntilRealMs) => {
    const { steps, calls, total, add, stored } = setUp();
    const request = await add({ status: "SUBMITTING", owner: "worker", sendingUntilRealMs });
    await steps.recoverStale([staleOf(request)]);
    const unknown = await stored(request);
    expect(unknown).toMatchObject({
      ...{ status: "UNKNOWN", owner: undefined, version: 2 },
      ...{ holdUntilMs: nowMs + rules.unknownHoldMs, deadlineMs: nowMs + rules.unknownTimeoutMs },
    });
    expect(total).toEqual({
      ...{ ...emptyResult(), unknown: 1, published: 1 },
      notices: [{ kind: "unknown", request: unknown }],
    });
    expect(calls).toEqual([["publish", request.requestId]]);
  });

  test("It stays as it is while its worker may send it", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const sendingUntilRealMs = nowRealMs + 1;
    const of = { status: "SUBMITTING", owner: "worker", sendingUntilRealMs, ...inTime } as const;
    const request = await add(of);
    await steps.recoverStale([staleOf(request)]);
    expect(await stored(request)).toEqual(request);
    expect(calls).toEqual([]);
    expect(total).toEqual(emptyResult());
  });

  test("The write that makes it UNKNOWN takes over its outbox", async () => {
    const { steps, add, stored } = setUp();
    const request = await add({ status: "SUBMITTING", owner: "worker", outbox: outboxOf() });
    await steps.recoverStale([staleOf(request)]);
    const { status, outbox } = await stored(request);
    expect([status, outbox[0]?.claimedInVersion]).toEqual(["UNKNOWN", 2]);
  });

  test.each([
    ["whose events are not published", { outbox: outboxOf() }],
    ["whose entry of the index is behind", {}],
  ])("A request that was UNKNOWN before, %s, is not reported again", async (_, of) => {
    const { steps, total, add, stored } = setUp();
    const request = await add({ status: "UNKNOWN", deadlineMs: nowMs + HOUR_MS, ...of });
    await steps.recoverStale([staleOf(request)]);
    expect(await stored(request)).toMatchObject({ status: "UNKNOWN", version: 2 });
    expect(total).toEqual({ ...emptyResult(), published: 1 });
  });

  test("An input whose message was lost gets another one, and is not UNKNOWN", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const of = { status: "SUBMITTING", sealedInput: "sealed", outbox: outboxOf() } as const;
    const request = await add(of);
    const { requestId } = request;
    await steps.recoverStale([staleOf(request)]);
    const { status, sweepAtRealMs, outbox } = await stored(request);
    expect([status, sweepAtRealMs]).toEqual(["SUBMITTING", nowRealMs + rules.outboxGraceMs]);
    expect(outbox[0]?.claimedInVersion).toBe(2);
    expect(calls).toEqual([
      ["send", { v: 1, kind: "continue", requestId }, { clientId }],
      ["publish", requestId],
    ]);
    expect(total).toEqual({ ...emptyResult(), published: 1 });
  });

  test("An input that a worker sends gets no other message", async () => {
    const { steps, calls, add } = setUp();
    const sendingUntilRealMs = nowRealMs + 1;
    const request = await add({ status: "SUBMITTING", owner: "worker", sendingUntilRealMs });
    await steps.recoverStale([staleOf(request)]);
    expect(calls).toEqual([["publish", request.requestId]]);
  });

  test("A message that cannot be sent is a failure of its item, and the others are processed", async () => {
    const { steps, calls, failed, add } = setUp({ down: ["send"] });
    const lost = await add({ status: "SUBMITTING", sealedInput: "sealed" });
    const other = await add({ status: "SUBMITTING", owner: "worker" });
    await steps.recoverStale([staleOf(lost), staleOf(other)]);
    expect(failed).toEqual([noTable]);
    expect(calls.filter(([name]) => name === "publish")).toEqual([["publish", other.requestId]]);
  });
});

describe("Events that their writer has not published", () => {
  test("An outbox whose writer has had its time is taken over, and published with the others", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const of = { status: "RUNNING", outbox: outboxOf() } as const;
    const [one, other] = [await add(of), await add(of)];
    await steps.recoverStale([staleOf(one), staleOf(other)]);
    expect((await stored(one)).outbox).toMatchObject([
      { claimedInVersion: 2, sinceRealMs: nowRealMs },
    ]);
    expect(calls).toEqual([["publish", one.requestId, other.requestId]]);
    expect(total).toEqual({ ...emptyResult(), published: 1 });
  });

  test("An outbox whose writer has more time is looked at again when that is over", async () => {
    const { steps, add, stored } = setUp();
    const of = { status: "RUNNING", outbox: outboxOf(young) } as const;
    const request = await add({ ...of, sweepAtRealMs: nowRealMs });
    await steps.recoverStale([staleOf(request)]);
    expect(await stored(request)).toMatchObject({
      ...{ outbox: of.outbox, sweepAtRealMs: nowRealMs + 1, version: 2 },
    });
  });

  test("A request that is to be looked at later is not written", async () => {
    const { steps, calls, add, stored } = setUp();
    const request = await add({ status: "RUNNING", outbox: outboxOf(young), ...inTime });
    await steps.recoverStale([staleOf(request)]);
    expect(await stored(request)).toEqual(request);
    expect(calls).toEqual([]);
  });

  test("A request that is not stored any more, or cannot be read, is left out", async () => {
    const { steps, calls, failed } = setUp();
    await steps.recoverStale([{ requestId: "rq_gone", sweepAtRealMs: nowRealMs }]);
    expect(failed).toEqual([]);
    await steps.recoverStale([{ requestId: UNREADABLE, sweepAtRealMs: nowRealMs }]);
    expect(failed).toEqual([noTable]);
    expect(calls).toEqual([]);
  });

  test.each([
    ["has taken over its outbox", { outbox: outboxOf() }, true],
    ["has nothing to do for it", { outbox: outboxOf(young), ...inTime }, false],
  ])("The lane of a request that has ended is freed when the run %s", async (_, of, publishes) => {
    const { steps, calls, add, stored } = setUp();
    const request = await add({ status: "FAILED", finishedMs: nowMs - 1, ...of });
    await steps.recoverStale([staleOf(request)]);
    expect(calls).toEqual([
      ["wakeFreedLane", await stored(request)],
      ...(publishes ? [["publish", request.requestId]] : []),
    ]);
  });

  test("A waiting request of whose acceptance no message was processed is reported, and its lane woken", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const outbox = [...outboxOf({ version: 1 }), ...outboxOf({ id: "e:2" })];
    const request = await add({ status: "QUEUED", laneState: "waiting", outbox });
    await steps.recoverStale([staleOf(request)]);
    const recovered = await stored(request);
    expect(total.lostAccepts).toEqual([recovered]);
    expect(calls).toEqual([
      ["wakeUp", recovered],
      ["publish", request.requestId],
    ]);
  });

  test("The lane of a waiting request is woken although its acceptance has more time, which is not reported", async () => {
    const { steps, calls, total, add } = setUp();
    const outbox = outboxOf({ version: 1, ...young });
    const request = await add({ status: "QUEUED", outbox, ...inTime });
    await steps.recoverStale([staleOf(request)]);
    expect(total).toEqual(emptyResult());
    expect(calls).toEqual([["wakeUp", request]]);
  });

  test.each([
    ["has left its lane", "RUNNING", 1, 1],
    ["was accepted by a message", "QUEUED", 2, 0],
  ] as const)("The lane of a request that %s is not woken", async (_, status, version, lost) => {
    const { steps, calls, total, add } = setUp();
    const request = await add({ status, outbox: outboxOf({ version }) });
    await steps.recoverStale([staleOf(request)]);
    expect(calls).toEqual([["publish", request.requestId]]);
    expect(total.lostAccepts).toHaveLength(lost);
  });
});

describe("The publishing of a run", () => {
  /** Takes over one outbox after the other, with these answers of the bus. */
  async function publishing(publishes: PublishedOutboxes[], count = publishes.length) {
    const { steps, calls, total, add } = setUp({ publishes: [...publishes] });
    for (let n = 0; n < count; n++) {
      const request = await add({ status: "RUNNING", outbox: outboxOf() });
      await steps.recoverStale([staleOf(request)]);
    }
    return { total, canPublish: steps.canPublish(), published: calls.length };
  }
  const down = { published: 0, failures: [refusedEvent, busDown] };

  test("What is published is counted, and why events stay is kept", async () => {
    const { total } = await publishing([
      { published: 2, failures: [busDown] },
      { published: 3, failures: [refusedEvent] },
    ]);
    const unpublished = [busDown, refusedEvent];
    expect(total).toEqual({ ...emptyResult(), published: 5, unpublished });
  });

  test("After four calls in a row without a published event the bus counts as down", async () => {
    expect(await publishing([down, down, down])).toMatchObject({ canPublish: true });
    const { canPublish, published } = await publishing([down, down, down, down], 6);
    expect([canPublish, published]).toEqual([false, 4]);
  });

  test.each([
    ["publishes an event", { published: 1, failures: [busDown] }],
    ["has events that the bus can never accept", { published: 0, failures: [refusedEvent] }],
    ["has nothing to publish", { published: 0, failures: [] }],
  ])("A call that %s shows that the bus is not down", async (_, other) => {
    const answers = [down, down, down, other, down, down, down];
    expect(await publishing(answers)).toMatchObject({ canPublish: true, published: 7 });
  });
});

describe("A lane that is due", () => {
  const entry = { lane: "lane", dueMs: nowMs - 1 };

  test("Its sweep is postponed by a minute before its message is sent, and it is counted", async () => {
    const { steps, calls, total } = setUp({ postponed: { clientId } });
    await steps.processDue([entry]);
    expect(calls).toEqual([
      ["postponeSweep", entry, nowMs + 60_005],
      ["send", { v: 1, kind: "wakeUp", lane: "lane", dueMs: nowMs - 1 }, { clientId }],
    ]);
    expect(total).toEqual({ ...emptyResult(), wokenLanes: 1 });
  });

  test("It gets no message when another run has postponed it", async () => {
    const { steps, calls, total } = setUp();
    await steps.processDue([entry]);
    expect(calls).toEqual([["postponeSweep", entry, nowMs + 60_005]]);
    expect(total).toEqual(emptyResult());
  });

  test("It is not counted when its message cannot be sent", async () => {
    const { steps, failed, total } = setUp({ postponed: { clientId }, down: ["send"] });
    await steps.processDue([entry]);
    expect(failed).toEqual([noTable]);
    expect(total).toEqual(emptyResult());
  });
});

describe("A request that is due", () => {
  test.each([
    ["is due later", { status: "SCHEDULED", dueMs: nowMs + 1 }],
    ["has ended", { status: "CANCELLED", dueMs: nowMs - 1 }],
  ] as const)("Nothing is done for one that %s", async (_, of) => {
    const { steps, calls, add } = setUp();
    const request = await add(of);
    await steps.processDue([dueOf(request), { ...dueOf(request), requestId: "rq_gone" }]);
    expect(calls).toEqual([]);
  });

  test.each([nowMs, undefined])("A scheduled one that is due at %s joins a lane", async (due) => {
    const joined = { wakesLane: true, isUnfinished: false };
    const { steps, calls, total, add } = setUp({ joined });
    const request = await add({ status: "SCHEDULED", scheduledMs: nowMs - 1, dueMs: due });
    await steps.processDue([dueOf(request)]);
    expect(calls).toEqual([
      ["joinWhenDue", request],
      ["send", { v: 1, kind: "wakeUp", lane: request.lane }, { clientId }],
    ]);
    expect(total).toEqual({ ...emptyResult(), joined: 1 });
  });

  test.each([
    ["whose lane need not be woken is counted", { wakesLane: false, isUnfinished: false }, 1],
    ["that has joined already is not counted", undefined, 0],
  ])("A scheduled one %s, without a message", async (_, joined, count) => {
    const { steps, calls, total, add } = setUp(joined ? { joined } : {});
    const request = await add({ status: "SCHEDULED", scheduledMs: nowMs, dueMs: nowMs });
    await steps.processDue([dueOf(request)]);
    expect(calls).toEqual([["joinWhenDue", request]]);
    expect(total).toEqual({ ...emptyResult(), joined: count });
  });

  test("One that fails does not keep the others from being processed", async () => {
    const { steps, calls, failed, add } = setUp();
    const request = await add({ status: "SCHEDULED", scheduledMs: nowMs, dueMs: nowMs });
    await steps.processDue([{ ...dueOf(request), requestId: UNREADABLE }, dueOf(request)]);
    expect(failed).toEqual([noTable]);
    expect(calls).toEqual([["joinWhenDue", request]]);
  });

  test("An entry of an earlier version is moved to the entries of its kind, whatever its time limit", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const request = await add({
      ...{ status: "RUNNING", providerRequestId: "theirs", dueMs: nowMs, deadlineMs: nowMs - 1 },
    });
    await steps.processDue([dueOf(request)]);
    const { status, dueMs, version } = await stored(request);
    expect([status, dueMs, version]).toEqual(["RUNNING", nowMs - 1, 2]);
    expect(calls).toEqual([]);
    expect(total).toEqual(emptyResult());
  });
});

describe("A request that waits for another one, when it is due", () => {
  const dependsOn: Dependency = {
    ...{ requestId: "rq_first", on: "succeeded", untilMs: nowMs + 24 * HOUR_MS, afterMs: 0 },
    ...{ eventSinceMs: 0, unlessSinceMs: 0, ancestors: ["rq_first"], keys: [] },
  };
  const of = { status: "SCHEDULED", dueMs: nowMs, dependsOn } as const;

  test("Its events are published when it is released or ended", async () => {
    const settled = requestRecord(owner);
    const { steps, calls, add } = setUp({ settled });
    const request = await add(of);
    await steps.processDue([dueOf(request)]);
    expect(calls).toEqual([
      ["settleDependent", request.requestId],
      ["publish", settled.requestId],
    ]);
  });

  test.each([
    ["in an hour", {}, nowMs + HOUR_MS],
    ["at the end of `within`", { dependsOn: { ...dependsOn, untilMs: nowMs + 9 } }, nowMs + 9],
    ["at its `notAfter`", { notAfterMs: nowMs + 8 }, nowMs + 8],
  ])("It is looked at again %s when it waits on", async (_, more, againMs) => {
    const { steps, calls, add } = setUp({ postponed: { clientId } });
    const request = await add({ ...of, ...more });
    await steps.processDue([dueOf(request)]);
    expect(calls).toEqual([
      ["settleDependent", request.requestId],
      ["postponeSweep", dueOf(request), againMs],
    ]);
  });
});

describe("A request whose time may be up", () => {
  const blocked = (totalMs: number) => ({
    counters: {
      ...noCounters,
      blocked: { other: { totalMs, sinceMs: nowMs, untilMs: nowMs } },
    },
  });
  const waited = (ms: number) =>
    ({ status: "QUEUED", laneState: "waiting", dueMs: nowMs, joinedMs: nowMs - ms }) as const;

  test("A waiting request ends after the queue timeout, and its lane goes on as it is", async () => {
    const { steps, calls, total, add, stored } = setUp({ lane: blocked(0) });
    const request = await add(waited(rules.queueTimeoutMs + 1));
    await steps.processDue([dueOf(request)]);
    const ended = await stored(request);
    expect(ended).toMatchObject({
      status: "FAILED",
      error: { code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" },
      outbox: [{ id: `workflow.completed:${request.requestId}` }],
    });
    const notices = [{ kind: "timedOut", request: ended }];
    expect(total).toEqual({ ...emptyResult(), timedOut: 1, published: 1, notices });
    expect(calls).toEqual([
      ["findLane", request.lane],
      ["publish", request.requestId],
    ]);
  });

  test.each([
    ["its lane was blocked until then", {}, nowMs + 59_999],
    ["its `notAfter` is before", { notAfterMs: nowMs + 10 }, nowMs + 10],
  ])("A waiting request is looked at again when %s", async (_, more, againMs) => {
    const { steps, calls, total, add, stored } = setUp({ lane: blocked(60_000) });
    const request = await add({ ...waited(rules.queueTimeoutMs + 1), ...more });
    await steps.processDue([dueOf(request)]);
    expect((await stored(request)).status).toBe("QUEUED");
    expect(calls).toEqual([
      ["findLane", request.lane],
      ["postponeSweep", dueOf(request), againMs],
    ]);
    expect(total).toEqual(emptyResult());
  });

  test("A waiting request ends at its `notAfter` although its lane was blocked", async () => {
    const { steps, add, stored } = setUp({ lane: blocked(60_000) });
    const request = await add({ ...waited(1), notAfterMs: nowMs });
    await steps.processDue([dueOf(request)]);
    expect((await stored(request)).error?.code).toBe("EXPIRED_NOT_AFTER");
  });

  test("A waiting request whose lane is not stored is judged without it, and not postponed", async () => {
    const { steps, calls, add, stored } = setUp();
    const request = await add(waited(rules.queueTimeoutMs));
    await steps.processDue([dueOf(request)]);
    expect((await stored(request)).status).toBe("QUEUED");
    expect(calls).toEqual([["findLane", request.lane]]);
  });

  test("A request that a worker takes in between does not end", async () => {
    let taken: RequestRecord | undefined;
    const { steps, calls, total, add, stored } = setUp({
      onFindLane: async (requests) => {
        if (taken) await requests.replace({ ...taken, status: "SUBMITTING" });
      },
    });
    const request = await add(waited(rules.queueTimeoutMs + 1));
    taken = request;
    await steps.processDue([dueOf(request)]);
    expect((await stored(request)).status).toBe("SUBMITTING");
    expect(calls).toEqual([["findLane", request.lane]]);
    expect(total).toEqual(emptyResult());
  });

  test("A person's input that was not sent in time ends its request, and frees the lane", async () => {
    const { steps, calls, total, add, stored } = setUp({ lane: blocked(0) });
    const request = await add({
      ...{ status: "SUBMITTING", laneState: "holding", sealedInput: "sealed" },
      ...{ submittedMs: nowMs - 2, dueMs: nowMs, actionDeadlineMs: nowMs },
    });
    await steps.processDue([dueOf(request)]);
    const ended = await stored(request);
    expect(ended).toMatchObject({ status: "FAILED", error: { code: "ACTION_TIMEOUT" } });
    expect(total.timedOut).toBe(1);
    expect(calls).toEqual([
      ["wakeFreedLane", ended],
      ["publish", request.requestId],
    ]);
  });

  test("A prompt that nobody answers ends its request, and is no failure of the pipeline", async () => {
    const { steps, calls, total, add, stored } = setUp();
    const request = await add({ status: "ACTION_REQUIRED", dueMs: nowMs, deadlineMs: nowMs });
    await steps.processDue([dueOf(request)]);
    const ended = await stored(request);
    expect(ended).toMatchObject({ status: "FAILED", error: { code: "ACTION_TIMEOUT" } });
    expect(total).toEqual({ ...emptyResult(), published: 1 });
    expect(calls).toEqual([
      ["wakeFreedLane", ended],
      ["publish", request.requestId],
    ]);
  });

  test("A request of unknown outcome whose time is not up stays as it is", async () => {
    const { steps, calls, add, stored } = setUp({ lane: blocked(0) });
    const request = await add({ status: "UNKNOWN", dueMs: nowMs, deadlineMs: nowMs + 1 });
    await steps.processDue([dueOf(request)]);
    expect(await stored(request)).toEqual(request);
    expect(calls).toEqual([]);
  });
});

describe("The polls that are due", () => {
  const running = { status: "RUNNING", providerRequestId: "theirs", dueMs: nowMs } as const;

  test("Requests are collected with their entries, and those whose time is up are marked", async () => {
    const { steps, calls, failed, add } = setUp();
    const before = await add({ ...running, deadlineMs: nowMs + 1 });
    const atLimit = await add({ ...running, deadlineMs: nowMs });
    const later = await add({ ...running, dueMs: nowMs + 1 });
    const ended = await add({ status: "SUCCEEDED", dueMs: nowMs });
    const due: DuePoll[] = [];
    const all = [before, later, ended, atLimit].map(dueOf);
    const ofLane = { lane: before.lane, dueMs: nowMs };
    const unreadable = { ...ofLane, requestId: UNREADABLE };
    await steps.collectPolls(due)([ofLane, unreadable, ...all]);
    expect(due).toEqual([
      { entry: dueOf(before), request: before, isAtLimit: false },
      { entry: dueOf(atLimit), request: atLimit, isAtLimit: true },
    ]);
    expect(failed).toEqual([noTable]);
    expect(calls).toEqual([]);
  });

  test("One provider is asked about these while there is time, and what fails is kept", async () => {
    const { calls, total, add, poll } = setUp();
    const request = await add(running);
    const due = [{ entry: dueOf(request), request, isAtLimit: false }];
    const hasTime = () => false;
    const polling = await poll(due, hasTime);
    expect(calls).toEqual([["pollDueRequests", "we-link", due]]);
    expect(polling.hasTime).toBe(hasTime);
    polling.onFailure(busDown);
    expect(total).toEqual({ ...emptyResult(), failed: [busDown] });
  });
});

describe("What a poll shows", () => {
  const submitted = { providerRequestId: "theirs", submittedMs: nowMs - 9 };
  const running = { status: "RUNNING", ...submitted } as const;
  const atLimit = { ...running, dueMs: nowMs, deadlineMs: nowMs };
  const polledAs = (request: RequestRecord, of: Partial<Polled> = {}): Polled => ({
    ...{ request, availability: { kind: "answered" }, unpublished: [] },
    ...{ hasPausedConnection: false, hasPausedAccount: false, hasStoredUnclearReport: false },
    ...of,
  });
  /** Without the call by which the test gets hold of the run. */
  const sinceThen = (calls: readonly unknown[][]) => calls.slice(1);

  test.each([
    [{ availability: { kind: "notAsked" } }, {}, []],
    [{ availability: { kind: "unanswered" } }, { polled: 1 }, []],
    [{ unpublished: [busDown] }, { polled: 1, unpublished: [busDown] }, []],
    [{ hasPausedAccount: true }, { polled: 1, pausedAccounts: 1 }, ["accountPaused"]],
    [{ hasPausedConnection: true }, { polled: 1, pausedConnections: 1 }, ["connectionPaused"]],
    [{ hasStoredUnclearReport: true }, { polled: 1, unclearReports: 1 }, ["unclearReport"]],
  ] as [Partial<Polled>, object, string[]][])(
    "A poll with %j is counted as %j, with the notices %j",
    async (of, counted, kinds) => {
      const { calls, total, poll } = setUp();
      const request = requestRecord(owner, { ...running, deadlineMs: nowMs + 1 });
      await (await poll()).onPolled(polledAs(request, of), nowMs);
      const notices = kinds.map((kind) => ({ kind, request }));
      expect(total).toEqual({ ...emptyResult(), ...counted, notices });
      expect(sinceThen(calls)).toEqual([]);
    },
  );

  const cause = "The provider accepted the request and sent no result in time";
  test.each([
    ["end", `${cause}: check there before you create a new request`],
    ["cancelled", `${cause}: it was cancelled there`],
  ] as const)(
    "A request whose time is up, and whose provider was asked with the verdict %s, ends with that advice",
    async (verdict, message) => {
      const { calls, total, add, stored, poll } = setUp({ verdict: { verdict } });
      const request = await add(atLimit);
      await (await poll()).onPolled(polledAs(request), nowMs + 4);
      const ended = await stored(request);
      expect(ended).toMatchObject({ status: "FAILED", error: { code: "RESULT_TIMEOUT", message } });
      expect(sinceThen(calls)).toEqual([
        ["cancelBeforeTimeout", request, { kind: "answered", againMs: nowMs + 4 }],
        ["wakeFreedLane", ended],
        ["publish", request.requestId],
      ]);
      expect(total).toEqual({
        ...{ ...emptyResult(), polled: 1, timedOut: 1, published: 1 },
        notices: [{ kind: "timedOut", request: ended }],
      });
    },
  );

  test("A request that goes on does not end, and the poll of its provider's refusal is counted", async () => {
    const request = requestRecord(owner, atLimit);
    const verdict = { verdict: "continue", polled: polledAs(request) } as const;
    const { calls, total, requests, stored, poll } = setUp({ verdict });
    await requests.create(request);
    await (await poll()).onPolled(polledAs(request), nowMs);
    expect(await stored(request)).toEqual(request);
    expect(sinceThen(calls).map(([name]) => name)).toEqual(["cancelBeforeTimeout"]);
    expect(total).toEqual({ ...emptyResult(), polled: 2 });
  });

  test("A request whose provider is not asked ends as one that was skipped", async () => {
    const { calls, total, add, stored, poll } = setUp();
    const request = await add(atLimit);
    await (await poll()).onLimit(request, nowMs + 3);
    expect((await stored(request)).status).toBe("FAILED");
    expect(sinceThen(calls)[0]).toEqual([
      "cancelBeforeTimeout",
      request,
      { kind: "skipped", againMs: nowMs + 3 },
    ]);
    expect(total).toMatchObject({ polled: 0, timedOut: 1 });
  });

  test.each([
    ["has ended", { status: "SUCCEEDED" }],
    ["has more time", { deadlineMs: nowMs + 1 }],
  ] as const)("The provider is not asked to cancel a request that %s", async (_, of) => {
    const { calls, poll } = setUp();
    const request = requestRecord(owner, { ...atLimit, ...of });
    await (await poll()).onLimit(request, nowMs);
    expect(sinceThen(calls)).toEqual([]);
  });

  test.each([
    ["end", "RUNNING"],
    ["cancelled", "FAILED"],
  ] as const)(
    "With the verdict %s, a request that got more time in between is %s",
    async (verdict, status) => {
      const { requests, add, stored, poll } = setUp({ verdict: { verdict } });
      const request = await add(atLimit);
      await requests.replace({ ...request, deadlineMs: nowMs + HOUR_MS });
      await (await poll()).onPolled(polledAs(request), nowMs);
      expect((await stored(request)).status).toBe(status);
    },
  );

  test("A request that waits for a person by now does not end because it was cancelled", async () => {
    const { requests, add, stored, poll } = setUp({ verdict: { verdict: "cancelled" } });
    const request = await add(atLimit);
    const deadlineMs = nowMs + HOUR_MS;
    await requests.replace({ ...request, status: "ACTION_REQUIRED", deadlineMs });
    await (await poll()).onPolled(polledAs(request), nowMs);
    expect((await stored(request)).status).toBe("ACTION_REQUIRED");
  });
});
