import { describe, expect, test } from "vitest";
import type { Hours } from "../../shared/contracts/pace.ts";
import {
  choose,
  chooseNext,
  type WaitingRequest,
  waitOf,
} from "../../shared/core/pace/choose-next.ts";
import { whenEligible } from "../../shared/core/pace/eligibility.ts";
import { writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage, readLedger, type Usage } from "../../shared/core/pace/usage.ts";
import { DAY_MS, HOUR_MS } from "../../shared/core/pace/windows.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

const category = "stMessages";
const nowMs = Date.parse("2026-11-23T09:00:00Z");

describe("When a category may be submitted", () => {
  const hours: Hours = { timeZone: "UTC", days: ["mon", "tue"], from: "09:00", to: "17:00" };
  const tuesdayMs = nowMs + DAY_MS;
  const perHour = { category, per: "hour", max: 1 } as const;
  const perDay = { category, per: "day", max: 1 } as const;
  /** The usage after one message. */
  const takenAt = (atMs: number): Usage => ({
    ...noUsage,
    takes: { stMessages: writeTakes([{ atSeconds: atMs / 1_000, count: 1 }]) },
  });

  test.each<[Usage["nextMs"], number, string]>([
    [{}, nowMs, "now"],
    [{ stMessages: nowMs }, nowMs, "now"],
    [{ stMessages: nowMs + 1 }, nowMs + 1, "pace"],
    [{ any: nowMs + 1 }, nowMs + 1, "pace"],
    [{ stMessages: nowMs + 1, any: nowMs + 2 }, nowMs + 2, "pace"],
    [{ stMessages: nowMs + 2, any: nowMs + 1 }, nowMs + 2, "pace"],
    [{ stPosts: nowMs + 1 }, nowMs, "now"],
  ])("With the due times %j, a message may be submitted at %i: %s", (nextMs, atMs, waitsFor) => {
    const wait = whenEligible(settingsWith(), { ...noUsage, nextMs }, category, nowMs);
    expect(wait).toStrictEqual({ atMs, waitsFor });
  });

  test.each([[[perHour, perDay]], [[perDay, perHour]]])(
    "Of the limits %j, the one that is used up for longest is waited for",
    (limits) => {
      const wait = whenEligible(settingsWith({ limits }), takenAt(nowMs), category, nowMs + 1);
      expect(wait).toStrictEqual({ atMs: nowMs + DAY_MS, waitsFor: "budget", limit: perDay });
    },
  );

  test("A limit of another category is not waited for", () => {
    const settings = settingsWith({ limits: [perDay] });
    const wait = whenEligible(settings, takenAt(nowMs), "stPosts", nowMs + 1);
    expect(wait).toStrictEqual({ atMs: nowMs + 1, waitsFor: "now" });
  });

  test("A budget that is free again while the hours are closed waits for the hours", () => {
    const settings = settingsWith({ limits: [perHour], hours });
    const usage = takenAt(nowMs + 7.5 * HOUR_MS);
    expect(whenEligible(settings, usage, category, nowMs + 7.75 * HOUR_MS)).toStrictEqual({
      atMs: tuesdayMs,
      waitsFor: "hours",
    });
  });

  test("A budget that is not free when the hours open is waited for", () => {
    const settings = settingsWith({ limits: [perDay], hours });
    const usage = takenAt(nowMs + 7 * HOUR_MS);
    expect(whenEligible(settings, usage, category, nowMs + 11 * HOUR_MS)).toStrictEqual({
      atMs: tuesdayMs + 7 * HOUR_MS,
      waitsFor: "budget",
      limit: perDay,
    });
  });

  test("A due time within the hours that are closed waits for the hours", () => {
    const usage = { ...noUsage, nextMs: { stMessages: nowMs + 8 * HOUR_MS } };
    expect(whenEligible(settingsWith({ hours }), usage, category, nowMs)).toStrictEqual({
      atMs: tuesdayMs,
      waitsFor: "hours",
    });
  });
});

describe("The pause of a category", () => {
  const wait = (of: Partial<WaitingRequest>, dueMs = 0) =>
    waitOf(
      settingsWith(),
      readLedger({ ...noUsage, nextMs: { stMessages: dueMs } }),
      { category, ...of },
      nowMs,
    );

  test.each([
    [nowMs - 1, nowMs, "now"],
    [nowMs, nowMs, "now"],
    [nowMs + 1, nowMs + 1, "budget"],
  ])("A pause until %i lets a message be submitted at %i: %s", (notBeforeMs, atMs, waitsFor) => {
    expect(wait({ notBeforeMs })).toStrictEqual({ atMs, waitsFor });
  });

  test("Of the pause and the due time, the later one is waited for", () => {
    const paced = { atMs: nowMs + 100, waitsFor: "pace" };
    expect(wait({ notBeforeMs: nowMs + 50 }, nowMs + 100)).toStrictEqual(paced);
    const paused = { atMs: nowMs + 100, waitsFor: "budget" };
    expect(wait({ notBeforeMs: nowMs + 100 }, nowMs + 50)).toStrictEqual(paused);
  });

  test("A request without a pause waits for its due time", () => {
    expect(wait({}, nowMs + 1)).toStrictEqual({ atMs: nowMs + 1, waitsFor: "pace" });
    expect(wait({})).toStrictEqual({ atMs: nowMs, waitsFor: "now" });
  });

  test("A request without limits waits for neither of them", () => {
    const unlimited = { isUnlimited: true, notBeforeMs: nowMs + 50 };
    expect(wait(unlimited, nowMs + 100)).toStrictEqual({ atMs: nowMs, waitsFor: "now" });
  });
});

describe("The choice of the next request", () => {
  interface Head extends WaitingRequest {
    atMs: number;
  }
  const head = (position: number, atMs: number, isHigh = false): Head => ({
    id: `rq-${position}`,
    category,
    isHigh,
    position,
    atMs,
  });
  const chosen = (heads: readonly Head[], highInARow = 0) =>
    choose(heads, { highInARow, nowMs }, ({ atMs }) => ({ atMs, waitsFor: "pace" }));

  /** Whatever their order is, this one of the heads is taken. */
  function expectTaken(taken: Head, other: Head, highInARow?: number) {
    const expected = { kind: "take", head: taken };
    expect(chosen([taken, other], highInARow)).toStrictEqual(expected);
    expect(chosen([other, taken], highInARow)).toStrictEqual(expected);
  }

  test("Without requests, the lane is idle", () => {
    expect(chosen([])).toStrictEqual({ kind: "idle" });
  });

  test("Of requests that may be submitted, the one with the lower position is taken", () => {
    expectTaken(head(1, nowMs), head(2, nowMs));
  });

  test("A request that could have been submitted earlier has no precedence", () => {
    expectTaken(head(1, nowMs), head(2, nowMs - 1_000));
  });

  test("A request that may not be submitted yet is overtaken by one that may be", () => {
    expectTaken(head(2, nowMs), head(1, nowMs + 1));
    expectTaken(head(2, nowMs), head(1, nowMs + 1, true));
    expectTaken(head(2, nowMs), head(1, Number.POSITIVE_INFINITY));
  });

  test("A request of high priority is taken first, until four have been taken in a row", () => {
    const [normal, high] = [head(1, nowMs), head(2, nowMs, true)];
    for (const highInARow of [0, 3]) expectTaken(high, normal, highInARow);
    const [earlierHigh, laterNormal] = [head(1, nowMs, true), head(2, nowMs)];
    for (const highInARow of [4, 5]) expectTaken(laterNormal, earlierHigh, highInARow);
  });

  test("Where none may be submitted yet, the lane waits for the first one that may be", () => {
    const [first, later] = [head(2, nowMs + 1), head(1, nowMs + 2)];
    const wait = { atMs: nowMs + 1, waitsFor: "pace" };
    expect(chosen([first, later])).toStrictEqual({ kind: "wait", wait, head: first });
    expect(chosen([later, first])).toStrictEqual({ kind: "wait", wait, head: first });
  });

  test("Where none is ever submitted, the one with the lowest position is named", () => {
    const never = Number.POSITIVE_INFINITY;
    const [first, second] = [head(1, never), head(2, never)];
    const expected = { kind: "wait", wait: { atMs: never, waitsFor: "pace" }, head: first };
    expect(chosen([first, second])).toStrictEqual(expected);
    expect(chosen([second, first])).toStrictEqual(expected);
  });

  test("The next request is chosen by the usage of the lane", () => {
    const usage = { ...noUsage, nextMs: { stMessages: nowMs + 5 } };
    const message = head(1, 0);
    const post: Head = { ...head(2, 0), category: "stPosts" };
    const next = (heads: readonly Head[]) =>
      chooseNext(settingsWith(), usage, { heads, highInARow: 0, nowMs });
    expect(next([message, post])).toStrictEqual({ kind: "take", head: post });
    expect(next([message])).toStrictEqual({
      kind: "wait",
      wait: { atMs: nowMs + 5, waitsFor: "pace" },
      head: message,
    });
  });
});
