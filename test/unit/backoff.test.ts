import { describe, expect, test } from "vitest";
import {
  delayAfterFailures,
  delayAfterTotalWait,
  exponential,
  withJitter,
  withRetryAfter,
} from "../../shared/core/backoff.ts";

describe("withJitter", () => {
  test.each([
    [0, 800],
    [0.5, 1_000],
    [1, 1_200],
  ])("a random number of %d with 20 % jitter turns 1,000 ms into %d ms", (random, delayMs) => {
    expect(withJitter(1_000, 0.2, random)).toBe(delayMs);
  });
});

describe("delayAfterFailures", () => {
  const delayAfter = (failures: number, random: number) =>
    delayAfterFailures([5_000, 300_000], failures, { jitter: 0.2, random });

  test.each([
    [1, 5_000],
    [2, 300_000],
    [3, undefined],
  ])("the delay of the schedule after %d failures is %s ms", (failures, delayMs) => {
    expect(delayAfter(failures, 0.5)).toBe(delayMs);
  });

  test("each delay of the schedule is varied by the jitter", () => {
    expect([delayAfter(1, 0), delayAfter(2, 1)]).toEqual([4_000, 360_000]);
  });
});

describe("withRetryAfter", () => {
  test.each([
    ["a shorter Retry-After has no effect", 1_000, 5_000],
    ["a longer Retry-After counts", 8_000, 8_000],
    ["a Retry-After above the maximum counts as the maximum", 60_000, 10_000],
  ])("%s", (_, retryAfterMs, delayMs) => {
    expect(withRetryAfter(5_000, retryAfterMs, 10_000)).toBe(delayMs);
  });

  test("a maximum below our own delay does not shorten it", () => {
    expect(withRetryAfter(5_000, 60_000, 1_000)).toBe(5_000);
  });
});

describe("exponential", () => {
  test("exponential doubles the delay with each retry up to the maximum", () => {
    const delays = [0, 1, 2, 3, 4].map((retries) =>
      exponential({ firstMs: 1_000, maxMs: 10_000 }, retries),
    );
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000]);
  });

  test("the maximum also limits the first delay", () => {
    expect(exponential({ firstMs: 1_000, maxMs: 300 }, 0)).toBe(300);
  });
});

describe("delayAfterTotalWait", () => {
  const delays = [60_000, 120_000, 240_000, 480_000] as const;

  test("the sum of the delays so far selects the delays of the list one after the other", () => {
    const selected = [0, 60_000, 180_000, 420_000].map((waitedMs) =>
      delayAfterTotalWait(delays, waitedMs),
    );
    expect(selected).toEqual(delays);
  });

  test("the first delay follows when the list is used up", () => {
    expect(delayAfterTotalWait(delays, 900_000)).toBe(60_000);
  });
});
