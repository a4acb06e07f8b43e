import { expect, test } from "vitest";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { longest, makeProcessLaneHead } from "../../shared/core/requests/lanes/lane-head.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { LaneHead } from "../../shared/core/requests/state/lane-ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import type { RequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const NOW_MS = Date.UTC(2026, 5, 25, 12);
const NOW_REAL_MS = NOW_MS + 7_000;
const MINUTE_MS = 60_000;

const owner = newOwner();
const waiting = requestRecord(owner, { joinedMs: NOW_MS - 1_000, lanePosition: 1 });
const withoutLimits: PaceSettings = {
  ...{ minGapMs: 0, maxGapMs: 0, limits: [], coolDowns: {}, seed: "lane" },
};

const lane = {
  ...owner,
  ...{ lane: waiting.lane, lastPosition: 1, waitingCount: 1, nextSubmissionNotBeforeMs: 0 },
  ...{ categoryPauses: {}, counters: noCounters, givenBack: [] },
  ...{ subQueues: [], plannedSubQueues: [], isMigratedToSubQueues: true },
};

/** @param conflicts whether another write comes before each of this worker's */
function setUp(heads: Partial<LaneHead>[], { conflicts = false } = {}) {
  const written: RequestRecord[] = [];
  const abandoned: RequestRecord[] = [];
  let reads = 0;
  const processHead = makeProcessLaneHead({
    requests: {
      readLaneHead: async () => ({
        ...{ holders: [], hasMoreHolders: false, firsts: [waiting], hasMoreWaiting: false },
        ...heads[reads++],
      }),
    } as never,
    writer: {
      replace: async (request: RequestRecord) => {
        written.push(request);
        return conflicts ? undefined : request;
      },
    } as unknown as RequestWriter,
    context: () => ({ nowMs: NOW_MS, nowRealMs: NOW_REAL_MS, rules: requestRules }),
    onAbandoned: (request) => void abandoned.push(request),
  });
  const run = () => processHead({ lane, counters: noCounters, settings: withoutLimits });
  return { run, written, abandoned, readCount: () => reads };
}

const holder = (of: Partial<RequestRecord>) => requestRecord(owner, { attempts: 1, ...of });

test("A request that is being submitted holds its lane, which is looked at a minute later", async () => {
  const isSubmitting = holder({ status: "SUBMITTING", sendingUntilRealMs: NOW_REAL_MS + 1 });
  const { run, written } = setUp([{ holders: [isSubmitting] }]);
  expect((await run()).decision).toEqual({ kind: "wait", untilMs: NOW_MS + MINUTE_MS });
  expect(written).toEqual([]);
});

test("A submission without an end of its sending holds its lane", async () => {
  const { run, written } = setUp([{ holders: [holder({ status: "SUBMITTING" })] }]);
  expect((await run()).decision).toEqual({ kind: "wait", untilMs: NOW_MS + MINUTE_MS });
  expect(written).toEqual([]);
});

test("The outcome of a submission whose worker died is unknown, is told, and holds the lane", async () => {
  const isDead = holder({ status: "SUBMITTING", sendingUntilRealMs: NOW_REAL_MS });
  const { run, written, abandoned } = setUp([{ holders: [isDead] }]);
  const { decision, changed } = await run();
  const holdUntilMs = NOW_MS + requestRules.unknownHoldMs;
  expect(decision).toEqual({ kind: "wait", untilMs: holdUntilMs });
  expect(changed).toMatchObject([{ requestId: isDead.requestId, status: "UNKNOWN", holdUntilMs }]);
  expect(written).toEqual(changed);
  expect(abandoned).toEqual(changed);
});

test("A dead submission that another write changed is looked at again at once", async () => {
  const isDead = holder({ status: "SUBMITTING", sendingUntilRealMs: NOW_REAL_MS });
  const { run, abandoned } = setUp([{ holders: [isDead] }], { conflicts: true });
  expect(await run()).toMatchObject({ decision: { kind: "wait", untilMs: NOW_MS }, changed: [] });
  expect(abandoned).toEqual([]);
});

test("A running request holds its lane until its hold ends, and not at that time", async () => {
  const running = (holdUntilMs: number) => holder({ status: "RUNNING", holdUntilMs });
  const held = setUp([{ holders: [running(NOW_MS + 1)] }]);
  expect((await held.run()).decision).toEqual({ kind: "wait", untilMs: NOW_MS + 1 });
  expect(held.written).toEqual([]);
  const over = setUp([{ holders: [running(NOW_MS)] }]);
  expect((await over.run()).decision).toMatchObject({
    ...{ kind: "submit", request: waiting, othersWait: false },
    eligibleSinceMs: NOW_MS - 1_000,
  });
  expect(over.written).toMatchObject([{ status: "RUNNING", holdUntilMs: undefined }]);
});

test("A hold whose end was not stored, because another write came first, is looked at again at once", async () => {
  const { run } = setUp([{ holders: [holder({ status: "RUNNING", holdUntilMs: NOW_MS - 1 })] }], {
    conflicts: true,
  });
  expect((await run()).decision).toEqual({ kind: "wait", untilMs: NOW_MS });
});

test("Where more requests may hold the lane, the next ones are read after the holds that were ended", async () => {
  const over = holder({ status: "RUNNING", holdUntilMs: NOW_MS });
  const dead = holder({ status: "SUBMITTING", sendingUntilRealMs: NOW_REAL_MS });
  const { run, written, abandoned, readCount } = setUp([
    { holders: [over], hasMoreHolders: true },
    { holders: [dead] },
  ]);
  const { decision, changed } = await run();
  expect(decision.kind).toBe("wait");
  expect(changed.map(({ status }) => status)).toEqual(["UNKNOWN"]);
  expect(abandoned).toEqual(changed);
  expect(written).toHaveLength(2);
  expect(readCount()).toBe(2);
});

test.each([
  ["one sub-queue, and nothing behind it", { firsts: [waiting] }, false],
  ["one sub-queue with more behind it", { firsts: [waiting], hasMoreWaiting: true }, true],
  ["two sub-queues", { firsts: [waiting, { ...waiting, isHigh: true as const }] }, true],
])("Whether others wait is known of %s", async (_, head, othersWait) => {
  expect((await setUp([head]).run()).decision).toMatchObject({ kind: "submit", othersWait });
});

test("The longest wait of the first requests is told, and none where nothing waits", async () => {
  const older = { ...waiting, joinedMs: NOW_MS - 5_000, isHigh: true as const };
  const { headWait } = await setUp([{ firsts: [waiting, older] }]).run();
  expect(headWait).toEqual({ ms: 5_000, request: older });
  const empty = await setUp([{ firsts: [] }]).run();
  expect(empty).toMatchObject({ decision: { kind: "idle" }, headWait: undefined });
  expect(longest([])).toBeUndefined();
});
