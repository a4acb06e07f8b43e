import { describe, expect, test } from "vitest";
import { limitBudgets } from "../../shared/core/pace/budget.ts";
import { freeFrom, limitsOf, maxAt, usedAt } from "../../shared/core/pace/limits.ts";
import type { PaceLimit } from "../../shared/core/pace/pace-settings.ts";
import { type Take, writeTakes } from "../../shared/core/pace/takes.ts";
import { type Ledger, noUsage, readLedger } from "../../shared/core/pace/usage.ts";
import { DAY_MS, HOUR_MS, windowMs } from "../../shared/core/pace/windows.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

const startMs = Date.parse("2026-11-23T09:00:00Z");
const limitOf = (per: PaceLimit["per"], max: number): PaceLimit => ({
  category: "stMessages",
  per,
  max,
});
/** Messages that were taken so long after the start. */
const takes = (...afterMs: number[]): Take[] =>
  afterMs.map((ms) => ({ atSeconds: (startMs + ms) / 1_000, count: 1 }));
const ledgerOf = (...afterMs: number[]): Ledger => ({
  ...readLedger(noUsage),
  takes: { stMessages: takes(...afterMs) },
});

test("The windows are an hour, a day, a week and 30 days long", () => {
  expect(windowMs).toEqual({
    hour: 3_600_000,
    day: 86_400_000,
    week: 604_800_000,
    month: 2_592_000_000,
  });
});

describe("The maximum of a limit", () => {
  const settings = settingsWith({ warmUp: { days: 2, from: 0.5 } });
  const warmingUp = { warmUpStartedMs: startMs };

  test.each([
    [-1, 1],
    [0, 1],
    [DAY_MS - 1, 1],
    [DAY_MS, 2],
    [2 * DAY_MS - 1, 2],
    [2 * DAY_MS, 3],
    [3 * DAY_MS, 3],
  ])("%i ms after a warm-up of two days has begun with a half, 3 are %i", (afterMs, expected) => {
    expect(maxAt(limitOf("day", 3), settings, warmingUp, startMs + afterMs)).toBe(expected);
  });

  test("A warm-up that has not begun has the part of its first day", () => {
    expect(maxAt(limitOf("day", 8), settings, {}, startMs + 30 * DAY_MS)).toBe(4);
  });

  test("A limit of 1 stays 1 in a warm-up, and a limit of 0 stays 0", () => {
    expect(maxAt(limitOf("day", 1), settings, warmingUp, startMs)).toBe(1);
    expect(maxAt(limitOf("day", 0), settings, warmingUp, startMs)).toBe(0);
  });

  test("A limit of the provider, and one without a warm-up, is not lowered", () => {
    const ofProvider: PaceLimit = { ...limitOf("day", 8), isProviderLimit: true };
    expect(maxAt(ofProvider, settings, warmingUp, startMs)).toBe(8);
    expect(maxAt(limitOf("day", 8), settingsWith(), warmingUp, startMs)).toBe(8);
  });
});

describe("When a limit allows the next submission", () => {
  const settings = settingsWith();
  const threeTaken = ledgerOf(0, HOUR_MS, 2 * HOUR_MS);

  test.each([
    [1, 2 * HOUR_MS + DAY_MS],
    [2, HOUR_MS + DAY_MS],
    [3, DAY_MS],
    [4, 3 * HOUR_MS],
    [0, Number.POSITIVE_INFINITY],
  ])("With a limit of %i and three taken, it is %s ms after the first", (max, expected) => {
    const freeMs = freeFrom(limitOf("day", max), settings, threeTaken, startMs + 3 * HOUR_MS);
    expect(freeMs).toBe(startMs + expected);
  });

  test("Submissions of another category are not counted", () => {
    const ofPosts: PaceLimit = { category: "stPosts", per: "day", max: 1 };
    expect(freeFrom(ofPosts, settings, threeTaken, startMs)).toBe(startMs);
    expect(usedAt(ofPosts, threeTaken, startMs)).toBe(0);
  });

  test.each([
    [HOUR_MS - 1, 1],
    [HOUR_MS, 0],
  ])("%i ms after a submission, an hour's limit counts %i", (afterMs, expected) => {
    expect(usedAt(limitOf("hour", 1), ledgerOf(0), startMs + afterMs)).toBe(expected);
  });
});

describe("When a limit that grows in a warm-up allows the next submission", () => {
  const settings = settingsWith({ warmUp: { days: 2, from: 0.5 } });
  const warmingUp = (...afterMs: number[]): Ledger => ({
    ...ledgerOf(...afterMs),
    warmUpStartedMs: startMs,
  });
  const free = (limit: PaceLimit, ledger: Ledger, afterMs: number) =>
    freeFrom(limit, settings, ledger, startMs + afterMs) - startMs;

  // Two on the first day, three on the second, then four.
  const perWeek = limitOf("week", 4);
  const firstDay = [0, HOUR_MS];
  const secondDay = [...firstDay, DAY_MS];

  test("It allows one more with each day of the warm-up, and then when one leaves the window", () => {
    expect(free(perWeek, warmingUp(...firstDay), 2 * HOUR_MS)).toBe(DAY_MS);
    expect(free(perWeek, warmingUp(...secondDay), DAY_MS + 1)).toBe(2 * DAY_MS);
    const full = warmingUp(...secondDay, 2 * DAY_MS);
    expect(free(perWeek, full, 2 * DAY_MS + 1)).toBe(7 * DAY_MS);
  });

  test("It does not grow before the warm-up has begun", () => {
    expect(free(perWeek, ledgerOf(...firstDay), 2 * HOUR_MS)).toBe(7 * DAY_MS);
  });

  test("A submission that leaves the window earlier is not waited past", () => {
    expect(free(limitOf("hour", 2), warmingUp(0), 1)).toBe(HOUR_MS);
  });

  test("A limit of the provider does not grow", () => {
    const ofProvider: PaceLimit = { ...limitOf("week", 2), isProviderLimit: true };
    expect(free(ofProvider, warmingUp(...firstDay), 2 * HOUR_MS)).toBe(7 * DAY_MS);
  });
});

test("The limits of a category are those that name it, and no others", () => {
  const [perDay, perWeek] = [limitOf("day", 1), limitOf("week", 2)];
  const limits: PaceLimit[] = [perDay, { category: "any", per: "day", max: 3 }, perWeek];
  expect(limitsOf(settingsWith({ limits }), "stMessages")).toEqual([perDay, perWeek]);
});

describe("A budget", () => {
  test("Where more is used than the limit allows, nothing is left", () => {
    const usage = { ...noUsage, takes: { stMessages: writeTakes(takes(0, HOUR_MS, 2 * HOUR_MS)) } };
    const settings = settingsWith({ limits: [limitOf("day", 2)] });
    expect(limitBudgets(settings, usage, startMs + 3 * HOUR_MS)).toStrictEqual([
      {
        category: "stMessages",
        per: "day",
        max: 2,
        used: 3,
        left: 0,
        availableAtMs: startMs + HOUR_MS + DAY_MS,
      },
    ]);
  });

  test("Each limit has its budget, in their order", () => {
    const limits = [limitOf("week", 5), limitOf("hour", 1)];
    const usage = { ...noUsage, takes: { stMessages: writeTakes(takes(0)) } };
    const nowMs = startMs + 1;
    const { category } = limitOf("week", 5);
    expect(limitBudgets(settingsWith({ limits }), usage, nowMs)).toStrictEqual([
      { category, per: "week", max: 5, used: 1, left: 4, availableAtMs: nowMs },
      { category, per: "hour", max: 1, used: 1, left: 0, availableAtMs: startMs + HOUR_MS },
    ]);
  });
});
