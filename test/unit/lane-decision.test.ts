import { describe, expect, test } from "vitest";
import type { Category } from "../../shared/contracts/pace.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { noUsage } from "../../shared/core/pace/usage.ts";
import { makeProcessLaneHead } from "../../shared/core/requests/lanes/lane-head.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { LaneHead } from "../../shared/core/requests/state/lane-ports.ts";
import {
  type Lane,
  type LaneCounters,
  PAUSED_BY_CLIENT,
  type RequestRecord,
} from "../../shared/core/requests/state/record.ts";
import { ms } from "../support/noon.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const NOW_MS = ms(60);
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

const owner = newOwner();
const waiting = requestRecord(owner, { joinedMs: NOW_MS - 1_000, lanePosition: 1 });
const message = requestRecord(owner, {
  ...{ joinedMs: NOW_MS - 500, lanePosition: 2, category: "stMessages" },
});
const login = requestRecord(owner, { joinedMs: NOW_MS - 200, lanePosition: 3, isLogin: true });
const noOther = { limits: [{ category: "other", per: "day", max: 0 }] } as const;

interface World {
  lane?: Partial<Lane>;
  counters?: Partial<LaneCounters>;
  settings?: Partial<PaceSettings>;
  head?: Partial<LaneHead>;
  /** The first login that waits. */
  login?: RequestRecord;
}

/** What the head of a lane allows, with what was asked and written for that. */
async function look(of: World = {}) {
  const logins: string[] = [];
  const written: RequestRecord[] = [];
  const processHead = makeProcessLaneHead({
    requests: {
      readLaneHead: async () => ({
        ...{ holders: [], hasMoreHolders: false, firsts: [waiting], hasMoreWaiting: false },
        ...of.head,
      }),
      async firstLogin(lane: string) {
        logins.push(lane);
        return of.login;
      },
    },
    writer: {
      async replace(request: RequestRecord) {
        written.push(request);
        return request;
      },
    },
    context: () => ({ nowMs: NOW_MS, nowRealMs: NOW_MS, rules }),
    onAbandoned: () => expect.unreachable("no worker died"),
  } as unknown as Parameters<typeof makeProcessLaneHead>[0]);
  const lane: Lane = {
    ...{ ...owner, lane: waiting.lane, lastPosition: 1, waitingCount: 1 },
    ...{ nextSubmissionNotBeforeMs: 0, categoryPauses: {}, counters: noCounters, givenBack: [] },
    ...{ subQueues: [], plannedSubQueues: [], isMigratedToSubQueues: true, ...of.lane },
  };
  const counters = { ...noCounters, ...of.counters };
  const result = await processHead({ lane, counters, settings: settingsWith(of.settings) });
  return { ...result, result, logins, written };
}

describe("The head of a lane", () => {
  test("Where nothing waits, nothing else is told", async () => {
    const { result } = await look({ head: { firsts: [] } });
    expect(result).toStrictEqual({
      ...{ changed: [], headWait: undefined, firsts: [], blocks: new Map() },
      decision: { kind: "idle" },
    });
  });

  test("The request that may be submitted is told with since when it could have been", async () => {
    const { result, logins } = await look();
    expect(result).toStrictEqual({
      ...{ changed: [], headWait: { ms: 1_000, request: waiting }, firsts: [waiting] },
      blocks: new Map([["other", NOW_MS]]),
      decision: {
        ...{ kind: "submit", request: waiting, othersWait: false },
        eligibleSinceMs: NOW_MS - 1_000,
      },
    });
    expect(logins).toEqual([]);
  });

  test("A request whose join has no time could have been submitted always, and has not waited", async () => {
    const { joinedMs: _, ...unknown } = waiting;
    const { decision, headWait } = await look({ head: { firsts: [unknown] } });
    expect(decision).toMatchObject({ kind: "submit", eligibleSinceMs: 0 });
    expect(headWait).toStrictEqual({ ms: 0, request: unknown });
  });

  test("The time in which its category was blocked does not count as the wait of a request", async () => {
    const blocked = { other: { totalMs: 400, sinceMs: 0, untilMs: 0 } };
    expect((await look({ counters: { blocked } })).headWait).toMatchObject({ ms: 600 });
  });

  test("A request without the end of its hold holds its lane no more, and is stored so", async () => {
    const holder = requestRecord(owner, { status: "RUNNING", laneState: "holding", deadlineMs: 9 });
    const { decision, changed, written } = await look({ head: { holders: [holder] } });
    expect(decision).toMatchObject({ kind: "submit", request: waiting });
    expect(written).toStrictEqual([
      {
        ...{ ...holder, holdUntilMs: undefined, laneState: undefined, dueMs: 9 },
        sweepAtRealMs: undefined,
      },
    ]);
    expect(changed).toEqual([]);
  });

  test("Of several holders, the first that still holds the lane decides", async () => {
    const held = (holdUntilMs: number) => requestRecord(owner, { status: "RUNNING", holdUntilMs });
    const holders = [held(NOW_MS), held(NOW_MS + 7), held(NOW_MS + 3)];
    const { result, written } = await look({ head: { holders } });
    expect(result).toMatchObject({ decision: { kind: "wait", untilMs: NOW_MS + 7 } });
    expect(result).toMatchObject({ firsts: [waiting], headWait: { ms: 1_000 } });
    expect(written).toHaveLength(1);
  });
});

describe("The gap of an account", () => {
  test("Nothing is submitted before the end of the gap, and at its end a request is", async () => {
    const before = await look({ lane: { nextSubmissionNotBeforeMs: NOW_MS + 1 } });
    expect(before.decision).toStrictEqual({ kind: "wait", untilMs: NOW_MS + 1 });
    const after = await look({ lane: { nextSubmissionNotBeforeMs: NOW_MS } });
    expect(after.decision).toMatchObject({ kind: "submit" });
  });

  test("A login that passes a pause keeps the gap too", async () => {
    const pause = { reason: "WRONG_PASSWORD" };
    const before = await look({
      ...{ lane: { pause, nextSubmissionNotBeforeMs: NOW_MS + 1 }, login },
    });
    expect(before.decision).toStrictEqual({ kind: "wait", untilMs: NOW_MS + 1 });
    const after = await look({ lane: { pause, nextSubmissionNotBeforeMs: NOW_MS }, login });
    expect(after.decision).toMatchObject({ kind: "submit", request: login });
  });
});

describe("The pause of an account", () => {
  const limited = (untilMs: number) => ({ reason: "RATE_LIMITED", untilMs });

  test("While a pause with an end lasts, nothing is submitted, not even a login", async () => {
    const { decision, logins } = await look({ lane: { pause: limited(NOW_MS + 1) }, login });
    expect(decision).toStrictEqual({ kind: "wait", untilMs: NOW_MS + 1, isOnlyCheck: false });
    expect(logins).toEqual([]);
  });

  test("At the end of a pause a request is submitted, which could have been since then", async () => {
    const { decision, logins } = await look({ lane: { pause: limited(NOW_MS) } });
    expect(decision).toMatchObject({ kind: "submit", eligibleSinceMs: NOW_MS });
    const earlier = await look({ lane: { pause: limited(NOW_MS - 1_001) } });
    expect(earlier.decision).toMatchObject({ kind: "submit", eligibleSinceMs: NOW_MS - 1_000 });
    expect(logins).toEqual([]);
  });

  test("A pause without an end is checked each hour, while no login waits", async () => {
    const { decision, logins } = await look({ lane: { pause: { reason: "WRONG_PASSWORD" } } });
    expect(decision).toStrictEqual({ kind: "wait", untilMs: NOW_MS + HOUR_MS, isOnlyCheck: true });
    expect(logins).toEqual([waiting.lane]);
  });

  test.each<[string, Partial<LaneHead>, boolean]>([
    ["alone", { firsts: [login] }, false],
    ["behind others", { firsts: [waiting], hasMoreWaiting: true }, true],
    ["beside others", { firsts: [message, login] }, true],
  ])("A pause without an end lets a login through that waits %s", async (_, head, othersWait) => {
    const pause = { reason: "WRONG_PASSWORD" };
    const { decision } = await look({ lane: { pause }, login, head });
    expect(decision).toStrictEqual({
      ...{ kind: "submit", request: login, othersWait, eligibleSinceMs: NOW_MS - 200 },
    });
  });

  test("A pause that the client wants lets no login through", async () => {
    const { decision, logins } = await look({
      ...{ lane: { pause: { reason: PAUSED_BY_CLIENT } }, login },
    });
    expect(decision).toStrictEqual({ kind: "wait", untilMs: NOW_MS + HOUR_MS, isOnlyCheck: true });
    expect(logins).toEqual([]);
  });
});

describe("The choice of the next request", () => {
  const ofOther = (untilMs: number) => ({
    categoryPauses: { other: { reason: "429", untilMs } },
  });

  test("A paused category is waited for, and overtaken by another one", async () => {
    const lane = ofOther(NOW_MS + 5);
    expect((await look({ lane })).decision).toStrictEqual({
      ...{ kind: "wait", untilMs: NOW_MS + 5, dependsOnSubQueues: true, isBudgetUsedUp: true },
    });
    const { decision } = await look({ lane, head: { firsts: [waiting, message] } });
    expect(decision).toMatchObject({ kind: "submit", request: message, othersWait: true });
  });

  test("A request whose category was paused could have been submitted since the end of that", async () => {
    const { decision } = await look({ lane: ofOther(NOW_MS) });
    expect(decision).toMatchObject({ kind: "submit", eligibleSinceMs: NOW_MS });
  });

  test.each<[string, World, number, boolean]>([
    ["a limit that allows none", { settings: noOther }, NOW_MS + WEEK_MS, true],
    [
      "a due time",
      { counters: { usage: { ...noUsage, nextMs: { other: NOW_MS + 3 } } } },
      NOW_MS + 3,
      false,
    ],
    [
      "the hours",
      { settings: { hours: { timeZone: "UTC", days: ["fri"], from: "09:00", to: "18:00" } } },
      Date.UTC(2026, 5, 26, 9),
      false,
    ],
  ])("A request waits for %s, for a week at most", async (_, of, untilMs, isBudgetUsedUp) => {
    expect((await look(of)).decision).toStrictEqual({
      ...{ kind: "wait", untilMs, dependsOnSubQueues: true, isBudgetUsedUp },
    });
  });

  test("A login waits for no limit, and another request of its category does", async () => {
    const { decision } = await look({ settings: noOther, head: { firsts: [waiting, login] } });
    expect(decision).toMatchObject({ kind: "submit", request: login });
  });

  test("A request with a lower position goes first, and one without any before all", async () => {
    const firsts = [message, waiting];
    expect((await look({ head: { firsts } })).decision).toMatchObject({ request: waiting });
    const { lanePosition: _, ...unplaced } = waiting;
    const behind = [{ ...message, lanePosition: 1 }, unplaced];
    const { decision } = await look({ head: { firsts: behind } });
    expect(decision).toMatchObject({ request: unplaced });
  });

  test.each([
    [3, true],
    [4, false],
  ])("After %i requests of high priority, the next one is of high priority: %s", async (...of) => {
    const [highInARow, isHighNext] = of;
    const high = { ...message, isHigh: true as const };
    const head = { firsts: [waiting, high] };
    const { decision } = await look({ head, counters: { highInARow } });
    expect(decision).toMatchObject({ request: isHighNext ? high : waiting });
  });
});

describe("The blocks of the categories that wait", () => {
  const head = { firsts: [waiting, message] };
  const pause = { reason: "RATE_LIMITED", untilMs: NOW_MS + 9 };

  test.each<[string, World, [number, number]]>([
    ["by nothing", {}, [0, 0]],
    ["by a pause", { lane: { pause } }, [9, 9]],
    ["by a pause that is over", { lane: { pause: { ...pause, untilMs: NOW_MS } } }, [0, 0]],
    ["by a pause without an end", { lane: { pause: { reason: "r" } } }, [HOUR_MS, HOUR_MS]],
    ["not by an outage", { lane: { pause: { ...pause, isOutage: true } } }, [0, 0]],
    ["by the pause of one", { lane: { categoryPauses: { stMessages: pause } } }, [0, 9]],
    [
      "by the longer of two pauses",
      { lane: { pause: { ...pause, untilMs: NOW_MS + 20 }, categoryPauses: { other: pause } } },
      [20, 20],
    ],
    ["by a limit, for a week at most", { settings: noOther }, [WEEK_MS, 0]],
    [
      "by a due time",
      { counters: { usage: { ...noUsage, nextMs: { stMessages: NOW_MS + 3 } } } },
      [0, 3],
    ],
  ])("The categories that wait are blocked %s", async (_, of, [otherMs, messagesMs]) => {
    const expected: [Category, number][] = [
      ["other", NOW_MS + otherMs],
      ["stMessages", NOW_MS + messagesMs],
    ];
    expect((await look({ ...of, head })).blocks).toStrictEqual(new Map(expected));
  });
});
