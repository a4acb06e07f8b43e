import { describe, expect, test } from "vitest";
import type { LimitWindow } from "../../shared/contracts/pace.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { type Take, writeTakes } from "../../shared/core/pace/takes.ts";
import {
  countTake,
  type Ledger,
  noUsage,
  readLedger,
  restartWarmUp,
  type Usage,
  withoutTake,
  writeLedger,
} from "../../shared/core/pace/usage.ts";
import { DAY_MS } from "../../shared/core/pace/windows.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

const category = "stMessages";
const startMs = Date.parse("2026-11-23T09:00:00Z");
const take = (atMs: number, count = 1): Take => ({ atSeconds: atMs / 1_000, count });

describe("Reading and writing usage", () => {
  const takes = [take(startMs, 2), take(startMs + 60_000)];
  const usage: Usage = {
    takes: { stMessages: writeTakes(takes) },
    nextMs: { any: 5 },
    takeCounts: { any: 3 },
    lastTakeMs: startMs,
    latenessMs: 7,
    latenessCount: 1,
  };

  test("A usage is read with its takes, and written as it was", () => {
    const ledger = readLedger(usage);
    expect(ledger).toStrictEqual({ ...usage, takes: { stMessages: takes } });
    expect(writeLedger({ ...ledger })).toStrictEqual(usage);
  });

  test("A usage is parsed once, and one that was written is not parsed", () => {
    expect(readLedger(usage)).toBe(readLedger(usage));
    const ledger = { ...readLedger(usage) };
    expect(readLedger(writeLedger(ledger))).toBe(ledger);
  });

  test("Unreadable takes count as a full budget at the last submission, or long ago if there is none", () => {
    const unreadable = { ...noUsage, takes: { stMessages: "?" } };
    const at = (lastTakeMs: number) => readLedger({ ...unreadable, lastTakeMs }).takes.stMessages;
    expect(at(startMs)).toEqual([take(startMs, 1_000_000)]);
    expect(readLedger(unreadable).takes.stMessages).toEqual([take(0, 1_000_000)]);
  });
});

describe("Counting a submission", () => {
  const counted = (ledger: Ledger, atMs: number, of: Partial<PaceSettings> = {}) =>
    countTake(ledger, settingsWith(of), { category, atMs });

  test("It is counted in its category and in `any`, and in no other", () => {
    const before: Ledger = {
      ...readLedger(noUsage),
      takes: { stPosts: [take(startMs)], any: [take(startMs)] },
      takeCounts: { stPosts: 1, any: 1 },
    };
    expect(counted(before, startMs + 60_000)).toStrictEqual({
      nextMs: {},
      takes: {
        stPosts: [take(startMs)],
        stMessages: [take(startMs + 60_000)],
        any: [take(startMs), take(startMs + 60_000)],
      },
      takeCounts: { stPosts: 1, stMessages: 1, any: 2 },
    });
    expect(before.takeCounts).toEqual({ stPosts: 1, any: 1 });
  });

  test("Takes are kept for 30 days", () => {
    const before = counted(counted(readLedger(noUsage), startMs), startMs + 10_000);
    const { takes } = counted(before, startMs + 30 * DAY_MS);
    expect(takes.stMessages).toEqual([take(startMs + 10_000), take(startMs + 30 * DAY_MS)]);
  });

  test.each<[number[], number]>([
    [[], 24],
    [[10], 34],
    [[3, 10], 34],
    [[126], 150],
    [[127], 150],
  ])("With limits of %j, submissions are kept in %i takes", (maxima, expected) => {
    const windows = ["day", "week"] as const;
    const limits = maxima.map((max, n) => ({ category, per: windows[n] ?? "month", max }) as const);
    let ledger = readLedger(noUsage);
    for (let n = 0; n < 160; n += 1) ledger = counted(ledger, startMs + n * 10_000, { limits });
    expect(ledger.takes.stMessages).toHaveLength(expected);
    expect(ledger.takes.any).toHaveLength(24);
  });

  test("Whatever the order of the limits is, the takes of the shorter window are merged last", () => {
    const nowMs = startMs;
    const ago = (seconds: number) => take(nowMs - seconds * 1_000);
    // The oldest two are an hour apart; the last but one is half an hour before the submission.
    const old = Array.from({ length: 21 }, (_, n) => ago(64_800 - n * 2_900));
    const takes = [ago(72_000), ago(68_400), ...old, ago(1_900), ago(100)];
    const before: Ledger = { ...readLedger(noUsage), takes: { stMessages: takes } };
    const orders: LimitWindow[][] = [
      ["day", "hour"],
      ["hour", "day"],
    ];
    for (const windows of orders) {
      const limits = windows.map((per) => ({ category, per, max: 1 }) as const);
      expect(counted(before, nowMs, { limits }).takes.stMessages).toEqual([
        { ...ago(68_400), count: 2 },
        ...takes.slice(2),
        ago(0),
      ]);
    }
  });
});

describe("Taking a submission back", () => {
  const laterMs = startMs + 60_000;
  const usageOf = (takes: readonly Take[]): Usage => ({
    takes: { stMessages: writeTakes(takes), any: writeTakes(takes) },
    nextMs: { stMessages: laterMs + 1, any: laterMs + 2, stPosts: laterMs + 3 },
    takeCounts: { stMessages: 2, any: 2 },
  });
  const taken = (takes: readonly Take[], atMs: number) =>
    withoutTake(usageOf(takes), { category, atMs });

  test("Without the only submission, the next one of its category is due at once", () => {
    expect(taken([take(startMs)], startMs)).toStrictEqual({
      ...usageOf([]),
      nextMs: { stPosts: laterMs + 3 },
    });
  });

  test("Without the last submission, the next one of its category is due at once", () => {
    expect(taken([take(startMs), take(laterMs)], laterMs)).toStrictEqual({
      ...usageOf([take(startMs)]),
      nextMs: { stPosts: laterMs + 3 },
    });
  });

  test("Without an earlier submission, what is due stays due", () => {
    const both = [take(startMs), take(laterMs)];
    expect(taken(both, startMs)).toStrictEqual(usageOf([take(laterMs)]));
  });

  test("Without one of two submissions in the same tick, what is due stays due", () => {
    expect(taken([take(startMs, 2)], startMs)).toStrictEqual(usageOf([take(startMs)]));
  });

  test("A submission that is not counted can be taken back", () => {
    expect(withoutTake(noUsage, { category, atMs: startMs })).toStrictEqual({
      ...noUsage,
      takes: { stMessages: "", any: "" },
    });
  });

  test("A warm-up that restarts changes nothing else", () => {
    const usage = usageOf([take(startMs)]);
    expect(restartWarmUp({ ...usage, warmUpStartedMs: startMs })).toStrictEqual(usage);
  });
});
