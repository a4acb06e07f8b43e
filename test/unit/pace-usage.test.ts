import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterTake } from "../../shared/core/pace/after-take.ts";
import { limitBudgets } from "../../shared/core/pace/budget.ts";
import { whenEligible } from "../../shared/core/pace/eligibility.ts";
import { mergePaceSettings } from "../../shared/core/pace/merge-pace-settings.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { addTake, readTakes, writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage, restartWarmUp, type Usage, withoutTake } from "../../shared/core/pace/usage.ts";
import { DAY_MS, HOUR_MS } from "../../shared/core/pace/windows.ts";

const startMs = Date.parse("2026-11-23T09:00:00Z");
const category = "stMessages";

function settingsWith(account: Parameters<typeof mergePaceSettings>[0]["account"]): PaceSettings {
  const stage = { minGapMs: 1_000, maxGapMs: 2_000, defaultPreset: "off" } as const;
  return mergePaceSettings({ account, providerLimits: undefined, stage, seed: "lane" });
}

function taken(settings: PaceSettings, times: readonly number[], before: Usage = noUsage): Usage {
  return times.reduce(
    (usage, atMs) => afterTake(settings, usage, { category, atMs, eligibleSinceMs: atMs }),
    before,
  );
}

describe("The text of submissions", () => {
  const all = { horizonMs: 30 * DAY_MS, windowsMs: [7 * DAY_MS], maxEntries: 150 };

  test("A text is read as it was written", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 20_000_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, (seconds) => {
        let atMs = startMs;
        const takes = seconds.reduce(
          (sum, gap) => {
            atMs += gap * 100;
            return addTake(sum, atMs, all);
          },
          readTakes("", 0),
        );
        expect(readTakes(writeTakes(takes), 0)).toEqual(takes);
      }),
      { numRuns: 50 },
    );
  });

  test("A submission takes about four bytes", () => {
    const usage = taken(
      settingsWith({ limits: [{ category, per: "day", max: 100 }] }),
      Array.from({ length: 100 }, (_, n) => startMs + n * 6 * 60_000),
    );
    expect(usage.takes.stMessages?.length).toBeLessThan(320);
  });

  test("Of many submissions, 150 entries are kept, and each counts at least as long as it must", () => {
    const limit = { category, per: "day", max: 1_000 } as const;
    const settings = settingsWith({ limits: [limit] });
    const times = Array.from({ length: 1_000 }, (_, n) => startMs + n * 75_000);
    const usage = taken(settings, times);
    expect(usage.takes.stMessages?.split(".").length).toBe(150);
    for (let nowMs = startMs + 21 * HOUR_MS; nowMs < startMs + 50 * HOUR_MS; nowMs += HOUR_MS) {
      const exact = times.filter((atMs) => atMs > nowMs - DAY_MS && atMs <= nowMs).length;
      const used = limitBudgets(settings, usage, nowMs).find(({ per }) => per === "day")?.used ?? 0;
      expect(used).toBeGreaterThanOrEqual(exact);
      expect(used).toBeLessThanOrEqual(exact + 20);
    }
  });

  test.each(["?", "2yw8o0..", "2yw8o0.-3", "2yw8o0:", "{}", "2yw8o0 3d", "zzzzzzzzz"])(
    "The unreadable text %s counts as a full budget from the last submission, and no longer",
    (text) => {
      const settings = settingsWith({ limits: [{ category, per: "day", max: 1_000 }] });
      const usage = { ...noUsage, takes: { stMessages: text }, lastTakeMs: startMs };
      const wait = whenEligible(settings, usage, category, startMs + HOUR_MS);
      expect(wait).toMatchObject({ atMs: startMs + DAY_MS, waitsFor: "budget" });
      expect(whenEligible(settings, usage, category, wait.atMs).waitsFor).toBe("now");
    },
  );

  test("A submission that is taken while the clock is behind counts at the later time", () => {
    const settings = settingsWith({ limits: [{ category, per: "hour", max: 1 }] });
    const usage = taken(settings, [startMs, startMs - 60_000]);
    expect(whenEligible(settings, usage, category, startMs).atMs).toBe(startMs + HOUR_MS);
  });

  test("Submissions are counted before there is a limit", () => {
    const usage = taken(settingsWith({}), [startMs, startMs + 60_000]);
    const settings = settingsWith({ limits: [{ category, per: "day", max: 2 }] });
    expect(whenEligible(settings, usage, category, startMs + HOUR_MS).atMs).toBe(startMs + DAY_MS);
  });
});

describe("A budget", () => {
  const limits = [{ category, per: "day", max: 2 }] as const;

  test("A budget shows what is used, what is left and when the next submission is allowed", () => {
    const settings = settingsWith({ limits });
    const usage = taken(settings, [startMs]);
    expect(limitBudgets(settings, usage, startMs + HOUR_MS)).toEqual([
      { category, per: "day", max: 2, used: 1, left: 1, availableAtMs: startMs + HOUR_MS },
    ]);
    expect(
      limitBudgets(settings, taken(settings, [startMs + HOUR_MS], usage), startMs + HOUR_MS),
    ).toEqual([
      { category, per: "day", max: 2, used: 2, left: 0, availableAtMs: startMs + DAY_MS },
    ]);
  });

  test("A submission that did not happen gives its slot back, in its category and in `any`", () => {
    const settings = settingsWith({ limits: [...limits, { category: "any", per: "day", max: 2 }] });
    const usage = taken(settings, [startMs, startMs + HOUR_MS]);
    const without = withoutTake(usage, { category, atMs: startMs });
    expect(limitBudgets(settings, without, startMs + HOUR_MS).map(({ used }) => used)).toEqual([
      1, 1,
    ]);
  });

  test("A slot that is given back twice is free once", () => {
    const settings = settingsWith({ limits });
    const once = withoutTake(taken(settings, [startMs]), { category, atMs: startMs });
    expect(withoutTake(once, { category, atMs: startMs })).toEqual(once);
  });

  test("A limit of 0 allows nothing, ever", () => {
    const settings = settingsWith({ limits: [{ category, per: "day", max: 0 }] });
    const wait = whenEligible(settings, noUsage, category, startMs);
    expect(wait).toMatchObject({ atMs: Number.POSITIVE_INFINITY, waitsFor: "budget" });
  });

  test("A limit of any category counts all of them", () => {
    const settings = settingsWith({ limits: [{ category: "any", per: "hour", max: 1 }] });
    const usage = taken(settings, [startMs]);
    expect(whenEligible(settings, usage, "stPosts", startMs + 1)).toMatchObject({
      atMs: startMs + HOUR_MS,
      waitsFor: "budget",
      limit: { category: "any", per: "hour", max: 1 },
    });
  });
});

describe("What a request waits for", () => {
  const hours = { timeZone: "UTC", days: ["mon", "tue"], from: "09:00", to: "17:00" } as const;

  test("An account without limits waits for nothing", () => {
    const wait = whenEligible(settingsWith({}), noUsage, category, startMs);
    expect(wait).toEqual({ atMs: startMs, waitsFor: "now" });
  });

  test("The wait is for the hours while they are closed", () => {
    const settings = settingsWith({ hours: { ...hours, days: [...hours.days] } });
    expect(whenEligible(settings, noUsage, category, startMs + 8 * HOUR_MS)).toEqual({
      atMs: startMs + DAY_MS,
      waitsFor: "hours",
    });
  });

  test("The wait is for the pace between two submissions of a day", () => {
    const settings = settingsWith({ limits: [{ category, per: "day", max: 24 }] });
    const usage = taken(settings, [startMs]);
    const wait = whenEligible(settings, usage, category, startMs + 1);
    expect(wait.waitsFor).toBe("pace");
    expect(wait.atMs - startMs).toBeGreaterThanOrEqual(0.6 * HOUR_MS);
    expect(wait.atMs - startMs).toBeLessThanOrEqual(1.2 * HOUR_MS);
  });

  test("An invitation is followed by a cool-down of 5 to 10 minutes in its own category", () => {
    const limits = [{ category: "stConnectionRequests", per: "day", max: 100_000 }] as const;
    const settings = settingsWith({ preset: "careful", limits });
    const request = {
      category: "stConnectionRequests",
      atMs: startMs,
      eligibleSinceMs: startMs,
    } as const;
    const usage = afterTake(settings, noUsage, request);
    expect(usage.nextMs.stConnectionRequests).toBeGreaterThanOrEqual(startMs + 5 * 60_000);
    expect(whenEligible(settings, usage, category, startMs + 1).waitsFor).toBe("now");
  });
});

describe("A warm-up", () => {
  const settings = settingsWith({
    limits: [{ category, per: "day", max: 50 }],
    warmUp: { days: 10, from: 0.2 },
  });
  const maxAfter = (usage: Usage, days: number) =>
    limitBudgets(settings, usage, startMs + days * DAY_MS)[0]?.max;

  test("A warm-up begins with the first submission and grows every day to the full limit", () => {
    expect(maxAfter(noUsage, 5)).toBe(10);
    const usage = taken(settings, [startMs]);
    expect([0, 0.99, 1, 5, 10, 11].map((days) => maxAfter(usage, days))).toEqual([
      10, 10, 14, 30, 50, 50,
    ]);
  });

  test("A warm-up that restarts begins again with the next submission", () => {
    const restarted = restartWarmUp(taken(settings, [startMs]));
    expect(maxAfter(restarted, 20)).toBe(10);
    const again = taken(settings, [startMs + 20 * DAY_MS], restarted);
    expect(maxAfter(again, 21)).toBe(14);
  });

  test("A warm-up from 0 allows one submission a day, and a provider's own limits are not lowered", () => {
    const stage = { minGapMs: 0, maxGapMs: 0, defaultPreset: "off" } as const;
    const merged = mergePaceSettings({
      account: { limits: [{ category, per: "day", max: 50 }], warmUp: { days: 10, from: 0 } },
      providerLimits: { limits: [{ category: "any", per: "hour", max: 100 }] },
      stage,
      seed: "lane",
    });
    expect(limitBudgets(merged, noUsage, startMs).map(({ max }) => max)).toEqual([1, 100]);
  });
});

describe("Merged settings", () => {
  const stage = { minGapMs: 30_000, maxGapMs: 90_000, defaultPreset: "careful" } as const;
  const providerLimits = { limits: [{ category: "any", per: "hour", max: 100 }] } as const;
  const merged = (account: Parameters<typeof mergePaceSettings>[0]["account"]) =>
    mergePaceSettings({ account, providerLimits, stage, seed: "lane" });

  test("An account that is not registered has the stage's preset", () => {
    expect(merged(undefined).limits).toContainEqual({
      category: "stConnectionRequests",
      per: "week",
      max: 100,
    });
  });

  test("An account that was registered before there were presets has the provider's limits only", () => {
    expect(merged({}).limits).toEqual([{ ...providerLimits.limits[0], isProviderLimit: true }]);
  });

  test("An own limit replaces the preset's of the same category and window", () => {
    const own = { category: "stConnectionRequests", per: "day", max: 5 } as const;
    const limits = merged({ preset: "careful", limits: [own] }).limits.filter(
      (limit) => limit.category === own.category,
    );
    expect(limits).toEqual([own, { category: own.category, per: "week", max: 100 }]);
  });

  test("An own limit that is not enabled removes the preset's, and never the provider's", () => {
    const removed = [
      { category: "stMessages", per: "day", max: 5, isEnabled: false },
      { category: "any", per: "hour", max: 5, isEnabled: false },
    ] as const;
    const { limits } = merged({ preset: "careful", limits: removed });
    expect(limits.filter((limit) => limit.category === "stMessages")).toEqual([]);
    expect(limits).toContainEqual({ ...providerLimits.limits[0], isProviderLimit: true });
  });

  test.each([
    [50, { category: "any", per: "hour", max: 50 }],
    [500, { category: "any", per: "hour", max: 100, isProviderLimit: true }],
  ])("Of an own limit of %i and the provider's 100, the lower one is in force", (max, expected) => {
    expect(merged({ limits: [{ category: "any", per: "hour", max }] }).limits).toEqual([expected]);
  });

  test("An account's own gap replaces the stage's", () => {
    expect(merged({ pace: { minSeconds: 60, maxSeconds: 240 } })).toMatchObject({
      minGapMs: 60_000,
      maxGapMs: 240_000,
    });
  });
});
