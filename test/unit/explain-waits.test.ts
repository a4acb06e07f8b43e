import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AccountPace } from "../../shared/core/pace/merge-pace-settings.ts";
import { writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage, type Usage } from "../../shared/core/pace/usage.ts";
import { makeExplainWaits } from "../../shared/core/requests/lanes/explain-waits.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { LaneQueue } from "../../shared/core/requests/state/lane-ports.ts";
import {
  type Dependency,
  type Lane,
  PAUSED_BY_CLIENT,
  type RequestRecord,
} from "../../shared/core/requests/state/record.ts";
import { iso, ms } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

/** A minute after noon of a Thursday. */
const NOW_MS = ms(60);
const GAP_MS = 30_000;

const owner = newOwner();
const waiting = requestRecord(owner, { joinedMs: NOW_MS, lanePosition: 5 });
const { connection } = makeRequestParts(owner);

interface World {
  /** Absent: the account has no lane yet. */
  lane?: Partial<Lane>;
  usage?: Partial<Usage>;
  queue?: Partial<LaneQueue>;
  account?: AccountPace;
  isConnectionPaused?: true;
  isBroken?: true;
}

/** Explains requests, with the lanes that are read for that. */
function setUp(of: World = {}) {
  const read: string[] = [];
  const reading = { now: 0, most: 0 };
  const lane: Lane = {
    ...{ ...owner, lane: waiting.lane, lastPosition: 1, waitingCount: 1, givenBack: [] },
    ...{ nextSubmissionNotBeforeMs: 0, categoryPauses: {}, subQueues: [], plannedSubQueues: [] },
    ...{ isMigratedToSubQueues: true, counters: { ...noCounters, usage: noUsage } },
    ...of.lane,
  };
  const counters = { ...noCounters, usage: { ...noUsage, ...of.usage } };
  const status = of.isConnectionPaused ? "paused" : "active";
  const explain = makeExplainWaits({
    requests: { readQueue: async () => ({ holders: [], waiting: [], ...of.queue }) },
    lanes: {
      async find(id: string) {
        read.push(id);
        if (of.isBroken) throw new Failure("DEPENDENCY_DOWN", "no lanes");
        reading.now++;
        reading.most = Math.max(reading.most, reading.now);
        await new Promise((go) => setImmediate(go));
        reading.now--;
        return of.lane || of.usage ? { ...lane, counters } : undefined;
      },
    },
    accounts: { find: async () => ({ pace: { minSeconds: 30, maxSeconds: 30 }, ...of.account }) },
    connections: {
      read: async () => ({ ...connection, settings: { ...connection.settings, status } }),
    },
    providerClients: { "we-link": {} },
    context: () => ({ nowMs: NOW_MS, nowRealMs: NOW_MS, rules }),
  } as unknown as Parameters<typeof makeExplainWaits>[0]);
  const explainOne = async (request: RequestRecord = waiting) =>
    (await explain([request])).get(request.requestId);
  return { read, reading, explain, explainOne };
}

/** What a request waits for that is the next one, and is expected now. */
const gap = {
  ...{ waitsFor: "pace", reason: "The gap between two requests of the account." },
  ...{ position: 1, expectedMs: NOW_MS },
};

describe("A request that does not wait in its lane", () => {
  test.each<[RequestRecord["status"], string]>([
    ["SUBMITTING", "The request is being sent to the provider."],
    ["RUNNING", "The provider has not reported the result yet."],
    ["ACTION_REQUIRED", "The provider waits for a person's input."],
    ["UNKNOWN", "It is not known whether the provider has it."],
  ])("A request that is %s waits for the provider, and no lane is read", async (...of) => {
    const [status, reason] = of;
    const { explainOne, read } = setUp();
    const wait = await explainOne({ ...waiting, status });
    expect(wait).toStrictEqual({ waitsFor: "provider", reason });
    expect(read).toEqual([]);
  });

  test("A dependent request waits for the one that it depends on", async () => {
    const dependsOn = { requestId: "rq_before", on: "succeeded" } as Dependency;
    const { explainOne, read } = setUp();
    expect(await explainOne({ ...waiting, status: "SCHEDULED", dependsOn })).toStrictEqual({
      ...{ waitsFor: "dependency", reason: "It waits for rq_before." },
    });
    expect(read).toEqual([]);
  });

  test.each<RequestRecord["status"]>(["SUCCEEDED", "FAILED", "CANCELLED"])(
    "A request that is %s waits for nothing",
    async (status) => {
      const { explain, read } = setUp();
      expect((await explain([{ ...waiting, status }])).size).toBe(0);
      expect(read).toEqual([]);
    },
  );
});

describe("A request that waits in its lane", () => {
  const limited = { reason: "RATE_LIMITED", untilMs: ms(90) };
  const ofOther = { category: "other", isHigh: false } as const;
  const opening = "2026-06-26T09:00:00.000Z";

  test.each<[string, World, object]>([
    ["its turn where nothing is known of its lane", {}, gap],
    ["its turn after the gap", { lane: { nextSubmissionNotBeforeMs: NOW_MS } }, gap],
    [
      "the end of the gap",
      { lane: { nextSubmissionNotBeforeMs: ms(69) } },
      { ...gap, reason: `${gap.reason} It ends at ${iso(69)}.`, expectedMs: ms(69) },
    ],
    [
      "the request that is carried out",
      { queue: { holders: ["rq_1"] } },
      {
        ...{ ...gap, waitsFor: "lane" },
        reason: "Another request of the account is being carried out.",
      },
    ],
    [
      "the one before it",
      { queue: { waiting: [{ ...ofOther, requestId: "rq_1", position: 4 }] } },
      {
        ...{ waitsFor: "lane", reason: "1 of the account's requests are before it." },
        ...{ position: 2, expectedMs: NOW_MS + GAP_MS },
      },
    ],
    [
      "its connection",
      { isConnectionPaused: true, lane: { pause: limited } },
      {
        ...{ waitsFor: "connection_paused", reason: "The connection is paused." },
        ...{ position: 1, expectedMs: undefined },
      },
    ],
    [
      "the end of a pause",
      { lane: { pause: limited } },
      {
        ...{ waitsFor: "account_paused", position: 1, expectedMs: ms(90) },
        reason: `The account is paused until ${iso(90)}: RATE_LIMITED.`,
      },
    ],
    ["its turn after a pause", { lane: { pause: { ...limited, untilMs: NOW_MS } } }, gap],
    [
      "a person",
      { lane: { pause: { reason: PAUSED_BY_CLIENT } } },
      {
        ...{ waitsFor: "account_paused", position: 1, expectedMs: undefined },
        reason: "The account is paused until it is resumed: PAUSED_BY_CLIENT.",
      },
    ],
    [
      "the end of its category's pause",
      { lane: { categoryPauses: { other: limited } } },
      {
        ...{ waitsFor: "budget", reason: `other is paused until ${iso(90)}: RATE_LIMITED.` },
        ...{ position: 1, expectedMs: ms(90) },
      },
    ],
    [
      "the gap, which is longer than its category's pause",
      { lane: { categoryPauses: { other: limited }, nextSubmissionNotBeforeMs: ms(90) } },
      { ...gap, reason: `${gap.reason} It ends at ${iso(90)}.`, expectedMs: ms(90) },
    ],
    ["no pause of another category", { lane: { categoryPauses: { stMessages: limited } } }, gap],
    [
      "its due time",
      { usage: { nextMs: { other: ms(75) } } },
      {
        ...{ waitsFor: "pace", reason: `other is spread over the day: none until ${iso(75)}.` },
        ...{ position: 1, expectedMs: ms(75) },
      },
    ],
    [
      "a limit that is used up",
      {
        usage: { takes: { other: writeTakes([{ atSeconds: NOW_MS / 1_000, count: 1 }]) } },
        account: { limits: [{ category: "other", per: "hour", max: 1 }] },
      },
      {
        ...{ waitsFor: "budget", position: 1 },
        reason: `The limit of 1 other per hour is used up until ${iso(3_660)}.`,
        // The sweep, which runs each minute, wakes a lane that is idle for so long.
        expectedMs: ms(3_720),
      },
    ],
    [
      "a limit that allows none",
      { account: { limits: [{ category: "any", per: "day", max: 0 }] } },
      {
        ...{ waitsFor: "budget", reason: "The limit of 0 any per day is used up." },
        ...{ position: 1, expectedMs: undefined },
      },
    ],
    [
      "the hours",
      {
        account: { hours: { timeZone: "UTC", days: ["mon", "fri"], from: "09:00", to: "18:00" } },
      },
      {
        ...{ waitsFor: "hours", position: 1, expectedMs: Date.parse(opening) + 60_000 },
        reason: `The account's hours (mon, fri 09:00-18:00 UTC) are closed until ${opening}.`,
      },
    ],
  ])("A request says that it waits for %s", async (_, of, wait) => {
    expect(await setUp(of).explainOne()).toStrictEqual(wait);
  });

  test("A login waits for no limit and no due time", async () => {
    const { explainOne } = setUp({
      usage: { nextMs: { any: ms(75) } },
      account: { limits: [{ category: "other", per: "day", max: 0 }] },
    });
    const wait = await explainOne({ ...waiting, isLogin: true });
    expect(wait).toMatchObject({ waitsFor: "pace", reason: gap.reason });
  });
});

describe("A request that joins its lane later", () => {
  const scheduled = (atSeconds: number): RequestRecord => ({
    ...{ ...waiting, status: "SCHEDULED", scheduledMs: ms(atSeconds) },
  });

  test("A scheduled request is expected at its time, or when its lane takes it after that", async () => {
    const wait = { waitsFor: "schedule", reason: `It is scheduled for ${iso(70)}.` };
    expect(await setUp().explainOne(scheduled(70))).toStrictEqual({ ...wait, expectedMs: ms(70) });
    const busy = setUp({ lane: { nextSubmissionNotBeforeMs: ms(110) } });
    expect(await busy.explainOne(scheduled(70))).toStrictEqual({ ...wait, expectedMs: ms(110) });
  });

  test("A scheduled request has no expected time while its lane is paused without an end", async () => {
    const { explainOne } = setUp({ lane: { pause: { reason: PAUSED_BY_CLIENT } } });
    expect(await explainOne(scheduled(70))).toStrictEqual({
      ...{ waitsFor: "schedule", reason: `It is scheduled for ${iso(70)}.` },
    });
  });

  test("From its time on a scheduled request waits in its lane, behind those that wait there", async () => {
    expect(await setUp().explainOne(scheduled(60))).toStrictEqual(gap);
    const { scheduledMs: _, ...released } = scheduled(60);
    expect(await setUp().explainOne(released)).toMatchObject({ waitsFor: "pace", position: 1 });
  });
});

describe("Requests of several accounts", () => {
  const others = Array.from({ length: 25 }, () => requestRecord(newOwner()));

  test("Each lane is read once, and each request that waits is explained", async () => {
    const second = requestRecord(owner, { joinedMs: NOW_MS, lanePosition: 6 });
    const running = requestRecord(owner, { status: "RUNNING" });
    const ended = requestRecord(owner, { status: "FAILED" });
    const [other] = others;
    const { explain, read } = setUp();
    const waits = await explain([waiting, running, ...others.slice(0, 1), ended, second]);
    expect(read).toEqual([waiting.lane, other?.lane]);
    expect([...waits].map(([id, { waitsFor, position }]) => [id, waitsFor, position])).toEqual([
      [running.requestId, "provider", undefined],
      [waiting.requestId, "pace", 1],
      [second.requestId, "lane", 2],
      [other?.requestId, "pace", 1],
    ]);
  });

  test("At most 20 lanes are read at the same time", async () => {
    const { explain, reading, read } = setUp();
    expect((await explain(others)).size).toBe(25);
    expect([read.length, reading.most]).toEqual([25, 20]);
  });

  test("Nothing is read for no requests, and a lane that cannot be read fails the call", async () => {
    const { explain, read } = setUp({ isBroken: true });
    expect((await explain([])).size).toBe(0);
    expect(read).toEqual([]);
    await expect(explain([waiting])).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  });
});
