import { describe, expect, test } from "vitest";
import type { Limit } from "../../shared/contracts/pace.ts";
import {
  type AccountPace,
  isEnabled,
  limitKey,
  mergePaceSettings,
  replaceLimits,
  withoutLimits,
} from "../../shared/core/pace/merge-pace-settings.ts";

const stage = { minGapMs: 30_000, maxGapMs: 90_000, defaultPreset: "careful" } as const;
const merged = (account: AccountPace | undefined, providerLimits: readonly Limit[] = []) =>
  mergePaceSettings({ account, providerLimits: { limits: providerLimits }, stage, seed: "lane-1" });

const perDay = (max: number): Limit => ({ category: "stMessages", per: "day", max });
const perWeek = (max: number): Limit => ({ category: "stMessages", per: "week", max });
const postsPerDay: Limit = { category: "stPosts", per: "day", max: 2 };

describe("The settings of an account", () => {
  const nothing = { minGapMs: 30_000, maxGapMs: 90_000, limits: [], coolDowns: {}, seed: "lane-1" };

  test("An account that says nothing has the stage's gap, and no more", () => {
    expect(merged({})).toStrictEqual(nothing);
    const of = { account: {}, providerLimits: undefined, stage, seed: "lane-1" };
    expect(mergePaceSettings(of)).toStrictEqual(nothing);
  });

  test("What an account says of its gap, hours and warm-up is in force", () => {
    const hours = { timeZone: "UTC", days: ["mon" as const], from: "09:00", to: "17:00" };
    const warmUp = { days: 10, from: 0.2 };
    const pace = { minSeconds: 60, maxSeconds: 240 };
    expect(merged({ preset: "off", hours, warmUp, pace })).toStrictEqual({
      ...nothing,
      minGapMs: 60_000,
      maxGapMs: 240_000,
      hours,
      warmUp,
    });
  });

  test("The limits and the cool-down of a preset are those of the account that has it", () => {
    const careful = merged({ preset: "careful" });
    expect(careful).toMatchObject({
      coolDowns: { stConnectionRequests: { minMs: 300_000, maxMs: 600_000 } },
    });
    expect(careful.limits).toContainEqual({ category: "stMessages", per: "day", max: 50 });
    expect(merged(undefined)).toStrictEqual(careful);
    expect(merged({ preset: "standard" }).limits).toContainEqual(perDay(100));
  });

  test("An own limit that says that it is enabled is in force", () => {
    const limit = { ...perDay(5), isEnabled: true };
    expect(merged({ limits: [limit] }).limits).toStrictEqual([limit]);
  });

  test.each<[number, object]>([
    [99, perDay(99)],
    [100, perDay(100)],
    [101, { ...perDay(100), isProviderLimit: true }],
  ])("Of an own limit of %i and the provider's 100, the lower one is in force", (max, expected) => {
    expect(merged({ limits: [perDay(max)] }, [perDay(100)]).limits).toStrictEqual([expected]);
  });

  test("A provider's limit replaces none of another category or window", () => {
    const limits = [perDay(5), postsPerDay];
    expect(merged({ limits }, [perWeek(3)]).limits).toStrictEqual([
      ...limits,
      { ...perWeek(3), isProviderLimit: true },
    ]);
  });
});

describe("Lists of limits", () => {
  test("A limit is known by its category and window", () => {
    expect(limitKey(perDay(5))).toBe("stMessages day");
    expect(limitKey(postsPerDay)).toBe("stPosts day");
  });

  test.each<[object, boolean]>([
    [{}, true],
    [{ isEnabled: true }, true],
    [{ isEnabled: false }, false],
  ])("A limit with %j is enabled: %s", (of, expected) => {
    expect(isEnabled({ ...perDay(5), ...of })).toBe(expected);
  });

  test("Limits are replaced in their place by those of the same category and window, and the rest follow", () => {
    const replaced = replaceLimits([perDay(1), postsPerDay], [perWeek(9), perDay(5)]);
    expect(replaced).toEqual([perDay(5), postsPerDay, perWeek(9)]);
    expect(replaceLimits([perDay(1)], [])).toEqual([perDay(1)]);
  });

  test("Limits are removed by their category and window", () => {
    const limits = [perDay(1), perWeek(2), postsPerDay];
    const keys = [{ category: "stMessages", per: "day" }] as const;
    expect(withoutLimits(limits, keys)).toEqual([perWeek(2), postsPerDay]);
    expect(withoutLimits(limits, [])).toEqual(limits);
  });
});
