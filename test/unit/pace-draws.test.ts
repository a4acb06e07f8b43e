import { describe, expect, test } from "vitest";
import { drawGapMs, gapMs } from "../../shared/core/pace/account-gap.ts";
import { draw } from "../../shared/core/pace/draw.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

describe("A draw", () => {
  // Examples of SHA-256 that NIST publishes; the first 32 bits count.
  test.each([
    ["", 0xe3b0c442],
    ["abc", 0xba7816bf],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 0x248d6a61],
  ])("The draw of %j is the beginning of its SHA-256 as a part of 1", (seed, bits) => {
    expect(draw(seed)).toBe(bits / 4_294_967_296);
  });

  test("The parts of a seed are lines of their own", () => {
    expect(draw("lane", "gap", 3)).toBe(draw("lane\ngap\n3"));
    expect(draw("a", "bc")).not.toBe(draw("ab", "c"));
  });
});

describe("The gap of an account", () => {
  const range = { minGapMs: 30_000, maxGapMs: 90_000 };

  test.each([
    [0, 30_000],
    [0.25, 45_000],
    [0.5, 60_000],
    [1, 90_000],
  ])("The number %d draws a gap of %i ms", (random, expected) => {
    expect(drawGapMs(range, random)).toBe(expected);
  });

  test("Each submission of the account has its own draw, whatever its category is", () => {
    const gap = (takeCounts: Parameters<typeof gapMs>[1]["takeCounts"]) =>
      gapMs(settingsWith(range), { takeCounts });
    const expected = (count: number) => Math.round(30_000 + draw("lane", "gap", count) * 60_000);
    expect(gap({ stMessages: 7 })).toBe(expected(0));
    expect(gap({ stMessages: 7, any: 3 })).toBe(expected(3));
    expect(gap({ any: 4 })).toBe(expected(4));
  });
});
