import { describe, expect, test } from "vitest";
import { type Hours, weekdays } from "../../shared/contracts/pace.ts";
import type { WaitingRequest } from "../../shared/core/pace/choose-next.ts";
import { type ForecastInput, forecast } from "../../shared/core/pace/forecast.ts";
import { noUsage } from "../../shared/core/pace/usage.ts";
import { HOUR_MS } from "../../shared/core/pace/windows.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

const startMs = Date.parse("2026-11-23T09:00:00Z");
const closesMs = startMs + 8 * HOUR_MS;
const hours: Hours = { timeZone: "UTC", days: [...weekdays], from: "09:00", to: "17:00" };

const waiting = (
  id: string,
  position: number,
  of: Partial<WaitingRequest> = {},
): WaitingRequest => ({
  id,
  position,
  category: "stMessages",
  isHigh: false,
  ...of,
});
const [a, b, c] = [waiting("a", 1), waiting("b", 2), waiting("c", 3)];

/** The submissions in their order, each with its time after `nowMs`. */
function forecastOf(queue: readonly WaitingRequest[], of: Partial<ForecastInput> = {}) {
  const input: ForecastInput = {
    settings: settingsWith(),
    usage: noUsage,
    nextSubmissionNotBeforeMs: 0,
    queue,
    highInARow: 0,
    nowMs: startMs,
    maxTakes: 100,
    ...of,
  };
  return [...forecast(input)].map(([id, atMs]) => [id, atMs - input.nowMs]);
}

const afterwards = (ms: number) => ({ nextSubmissionNotBeforeMs: startMs + ms });
const lateness = (latenessMs: number) => ({ usage: { ...noUsage, latenessMs } });

describe("The order and the gaps", () => {
  test("Requests of one category are submitted by their position, a gap apart, from now on", () => {
    const expected = [
      ["a", 0],
      ["b", 10_000],
      ["c", 20_000],
    ];
    expect(forecastOf([c, a, b])).toEqual(expected);
    expect(forecastOf([b, c, a], afterwards(0))).toEqual(expected);
  });

  test("The first submission is not before the end of the account's gap", () => {
    expect(forecastOf([a], afterwards(5_000))).toEqual([["a", 5_000]]);
  });

  test("The forecast ends after as many submissions as it is asked for, or with the queue", () => {
    const ids = (maxTakes: number) => forecastOf([a, b, c], { maxTakes }).map(([id]) => id);
    expect([0, 1, 2, 3, 4].map((max) => ids(max).length)).toEqual([0, 1, 2, 3, 3]);
    expect(ids(2)).toEqual(["a", "b"]);
    expect(forecastOf([])).toEqual([]);
  });

  test("After four requests of high priority, one of normal priority is next", () => {
    const high = { isHigh: true };
    const highs = [waiting("h1", 3, high), waiting("h2", 4, high), waiting("h3", 5, high)];
    const ids = forecastOf([a, b, ...highs], { highInARow: 3 }).map(([id]) => id);
    expect(ids).toEqual(["h1", "a", "h2", "h3", "b"]);
  });

  test("A category that waits for its due time is overtaken by another one", () => {
    const usage = { ...noUsage, nextMs: { stMessages: startMs + 60_000 } };
    const post = waiting("post", 2, { category: "stPosts" });
    expect(forecastOf([a, post], { usage })).toEqual([
      ["post", 0],
      ["a", 60_000],
    ]);
  });

  test("A submission of the forecast counts against the limits of those behind it", () => {
    const limits = [{ category: "stMessages", per: "hour", max: 1 }] as const;
    expect(forecastOf([a, b], { settings: settingsWith({ limits }) })).toEqual([
      ["a", 0],
      ["b", HOUR_MS],
    ]);
  });

  test("A request that is never submitted has no time, and delays no other", () => {
    const limits = [{ category: "stPosts", per: "day", max: 0 }] as const;
    const post = waiting("post", 1, { category: "stPosts" });
    const settings = settingsWith({ limits });
    expect(forecastOf([post, b], { settings })).toEqual([["b", 0]]);
  });
});

describe("The lateness of a lane", () => {
  test("Each submission is late by the lateness, and its time has a margin that grows", () => {
    expect(forecastOf([a, b, c], lateness(1_000))).toEqual([
      ["a", 6_000],
      ["b", 11_000 + 6_300],
      ["c", 22_000 + 6_600],
    ]);
  });

  test.each([
    [0, 150_000],
    [2_000_000, 150_000],
    [10_000_000, 500_000],
    [20_000_000, 600_000],
  ])(
    "After a wait of %i ms, the margin of a lane that is 100 seconds late is %i ms",
    (waitMs, marginMs) => {
      const of = { ...lateness(100_000), ...afterwards(waitMs) };
      expect(forecastOf([a], of)).toEqual([["a", waitMs + marginMs]]);
    },
  );

  test.each([
    [6_001, 6_000],
    [6_000, 0],
  ])("%i ms before the hours end, the margin of 6 seconds is %i ms", (beforeMs, marginMs) => {
    const settings = settingsWith({ hours });
    const of = { ...lateness(1_000), settings, nowMs: closesMs - beforeMs };
    expect(forecastOf([a], of)).toEqual([["a", marginMs]]);
  });
});

describe("A lane that is woken late", () => {
  const lateWakeUp = { afterMs: 60_000, byMs: 5_000 };

  test.each([
    [60_000, 60_000],
    [60_001, 65_001],
  ])("A lane that is idle for %i ms submits after %i ms", (idleMs, expected) => {
    const of = { ...afterwards(idleMs), lateWakeUp };
    expect(forecastOf([a], of)).toEqual([["a", expected]]);
  });

  test("Without a late wake-up, an idle lane submits in time", () => {
    expect(forecastOf([a], afterwards(8 * HOUR_MS))).toEqual([["a", 8 * HOUR_MS]]);
  });

  test("The time that counts as idle begins with each submission", () => {
    const of = { ...afterwards(60_001), lateWakeUp };
    expect(forecastOf([a, b], of)).toEqual([
      ["a", 65_001],
      ["b", 75_001],
    ]);
  });

  test.each([
    [5_001, 1],
    [5_000, 5_000],
  ])("%i ms before the hours end, an idle lane submits %i ms before it", (dueMs, expected) => {
    const of = {
      settings: settingsWith({ hours }),
      nextSubmissionNotBeforeMs: closesMs - dueMs,
      lateWakeUp,
    };
    expect(forecastOf([a], of)).toEqual([["a", 8 * HOUR_MS - expected]]);
  });
});
