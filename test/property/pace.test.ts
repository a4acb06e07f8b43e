import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Category,
  type Hours,
  type LimitCategory,
  limitWindows,
  type Preset,
} from "../../shared/contracts/pace.ts";
import { MAX_HIGH_IN_A_ROW } from "../../shared/core/pace/choose-next.ts";
import { forecast } from "../../shared/core/pace/forecast.ts";
import { mergePaceSettings } from "../../shared/core/pace/merge-pace-settings.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { readLedgerFor } from "../../shared/core/pace/spread.ts";
import { DAY_MS } from "../../shared/core/pace/windows.ts";
import {
  hoursAboveTwiceTheShare,
  longestRowOfHigh,
  outOfOrder,
  outsideHours,
  perOpenDay,
  queueOf,
  tooCloseTogether,
  windowsAboveCap,
} from "../support/pace/pace-checks.ts";
import { type SimulatedTake, seededRandom, simulateLane } from "../support/pace/simulate-lane.ts";
import { runs } from "../support/runs/runs.ts";

/** An account keeps hours, limits, gap and order, and uses its budget, whatever its provider's latency is. */

const zones = [
  "America/New_York",
  "Europe/Berlin",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
] as const;
const work: readonly Category[] = [
  "stConnectionRequests",
  "stMessages",
  "stPersonProfileViews",
  "stReactions",
];

const stage = { minGapMs: 30_000, maxGapMs: 90_000, defaultPreset: "careful" } as const;
const providerLimits = { limits: [{ category: "any", per: "hour", max: 100 }] } as const;

function officeIn(timeZone: string): Hours {
  return { timeZone, days: ["mon", "tue", "wed", "thu", "fri"], from: "09:00", to: "18:00" };
}

/** The clocks change in New York and Berlin within the 21 business days from here. */
const startMs = Date.parse("2026-10-12T00:00:00Z");
const untilMs = Date.parse("2026-11-10T23:00:00Z");

describe.each(
  Array.from({ length: process.env.THOROUGH === "1" ? 50 : 5 }, (_, n) => ({
    n,
    zone: zones[n % zones.length] ?? "UTC",
  })),
)("Account $n in $zone, with more work than 21 business days take", ({ n, zone }) => {
  const settings = mergePaceSettings({
    account: { preset: "careful", hours: officeIn(zone) },
    providerLimits,
    stage,
    seed: `lane-${n}`,
  });
  const random = seededRandom(n);
  const queue = queueOf(10_000, (at) => ({
    category: work[at % work.length] ?? "other",
    isHigh: random() < 0.1,
  }));
  const latencyMs = () => random() * 120_000;
  const { takes } = simulateLane({ settings, queue, startMs, untilMs, latencyMs });

  test("Nothing is submitted outside of the hours, above a limit, within the gap or out of order", () => {
    expect(takes.length).toBeGreaterThan(3_000);
    expect(outsideHours(settings, takes)).toEqual([]);
    expect(windowsAboveCap(settings, takes)).toEqual([]);
    expect(tooCloseTogether(settings, takes)).toEqual([]);
    expect(outOfOrder(takes)).toEqual([]);
  });

  test.each(
    settings.limits.filter(
      ({ per, category }) => per === "day" && work.includes(category as Category),
    ),
  )("$max $category a day are used up to 95 %, and spread", ({ category, max }) => {
    // The first day begins before midnight in the zone, or its hours have begun.
    const days = perOpenDay(settings, takes, { category, fromMs: startMs + DAY_MS, untilMs });
    expect(days.length).toBeGreaterThanOrEqual(20);
    const used = days.reduce((sum, { times }) => sum + times.length, 0);
    expect(used / (days.length * max)).toBeGreaterThanOrEqual(0.95);
    expect(Math.min(...days.map(({ times }) => times.length))).toBeGreaterThanOrEqual(0.9 * max);
    expect(hoursAboveTwiceTheShare(max, days)).toEqual([]);
  });
});

test("An account whose limits a week are not a multiple of its days uses the week", () => {
  const settings = settingsOf({
    limits: [
      { category: "stMessages", per: "day", max: 20 },
      { category: "stMessages", per: "week", max: 33 },
    ],
    hours: officeIn("Europe/Berlin"),
  });
  const takes = messagesOf(settings, 28);
  expect(windowsAboveCap(settings, takes)).toEqual([]);
  expect(takes.length).toBeGreaterThanOrEqual(0.95 * 4 * 33);
});

test("Three submissions a week are spread over the week", () => {
  const settings = settingsOf({
    limits: [{ category: "stMessages", per: "week", max: 3 }],
    hours: officeIn("Europe/Berlin"),
  });
  const takes = messagesOf(settings, 28);
  expect(windowsAboveCap(settings, takes)).toEqual([]);
  expect(takes.length).toBeGreaterThanOrEqual(11);
  const [first, second] = takes;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(DAY_MS);
});

test("Without hours, the budget of a day is used and spread over 24 hours", () => {
  const settings = settingsOf({ limits: [{ category: "stMessages", per: "day", max: 48 }] });
  const takes = messagesOf(settings, 21);
  expect(windowsAboveCap(settings, takes)).toEqual([]);
  expect(takes.length).toBeGreaterThanOrEqual(0.95 * 21 * 48);
  const times = takes.map(({ atMs }) => atMs);
  expect(hoursAboveTwiceTheShare(48, [{ openMs: DAY_MS, times }])).toEqual([]);
});

test("During the warm-up, no window is above the straight line, and the line is used", () => {
  const warmUp = { days: 14, from: 0.2 };
  const settings = mergePaceSettings({
    account: { preset: "careful", hours: officeIn("Europe/Berlin"), warmUp },
    providerLimits,
    stage,
    seed: "warm-up",
  });
  const takes = messagesOf(settings, 28);
  const beganMs = takes[0]?.atMs ?? 0;
  const line = ({ max, isProviderLimit }: PaceSettings["limits"][number], atMs: number) => {
    const part = Math.min(1, warmUp.from + (0.8 * (atMs - beganMs)) / (warmUp.days * DAY_MS));
    return isProviderLimit ? max : max * part;
  };
  expect(windowsAboveCap(settings, takes, line)).toEqual([]);
  const days = perOpenDay(settings, takes, {
    category: "stMessages",
    fromMs: startMs,
    untilMs: startMs + 28 * DAY_MS,
  });
  expect(days.slice(0, 5).map(({ times }) => times.length)).toEqual([10, 12, 15, 18, 21]);
  expect(days.slice(-5).every(({ times }) => times.length >= 47)).toBe(true);
});

test("A category that is full delays another one by no more than the gap", () => {
  const settings = settingsOf({
    limits: [{ category: "stConnectionRequests", per: "day", max: 1 }],
  });
  const queue = queueOf(100, (at) => ({
    category: at < 50 ? "stConnectionRequests" : "stMessages",
  }));
  const { takes } = simulateLane({ settings, queue, startMs, latencyMs: () => 1_000 });
  const messages = takes.filter(({ category }) => category === "stMessages");
  expect(messages).toHaveLength(50);
  expect(messages.filter(({ atMs, gapEndMs }) => atMs > gapEndMs)).toEqual([]);
});

test("At most four requests of high priority are submitted before one of normal priority", () => {
  const settings = settingsOf({});
  const queue = queueOf(60, (at) => ({ category: "stMessages", isHigh: at >= 12 }));
  const { takes } = simulateLane({ settings, queue, startMs, latencyMs: () => 1_000 });
  expect(longestRowOfHigh(takes)).toBe(MAX_HIGH_IN_A_ROW);
  expect(takes.slice(0, 6).map(({ isHigh }) => isHigh)).toEqual([
    true,
    true,
    true,
    true,
    false,
    true,
  ]);
});

const limitArbitrary = fc.record({
  category: fc.constantFrom<LimitCategory>("stMessages", "stConnectionRequests", "any"),
  per: fc.constantFrom(...limitWindows),
  max: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })),
});

const hoursArbitrary: fc.Arbitrary<Hours> = fc
  .record({
    timeZone: fc.constantFrom(...zones, "Asia/Kathmandu", "Pacific/Auckland"),
    days: fc.subarray(["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const, { minLength: 1 }),
    times: fc.constantFrom(["00:00", "24:00"], ["01:30", "02:15"], ["09:00", "17:00"]),
  })
  .map(({ times: [from = "", to = ""], ...hours }) => ({ ...hours, from, to }));

const anyAccount = {
  limits: fc.uniqueArray(limitArbitrary, {
    maxLength: 5,
    selector: ({ category, per }) => `${category} ${per}`,
  }),
  hours: fc.option(hoursArbitrary, { nil: undefined }),
  warmUp: fc.option(
    fc.record({ days: fc.integer({ min: 1, max: 20 }), from: fc.constantFrom(0, 0.2, 1) }),
    { nil: undefined },
  ),
  preset: fc.constantFrom<Preset>("off", "careful"),
  seed: fc.integer(),
};

test("Whatever the settings are, no submission is outside of the hours, above a limit or within the gap", () => {
  fc.assert(
    fc.property(fc.record(anyAccount), ({ seed, ...account }) => {
      const random = seededRandom(seed);
      const settings = mergePaceSettings({ account, providerLimits, stage, seed: `${seed}` });
      const queue = queueOf(150, () => ({
        category: random() < 0.5 ? "stMessages" : "stConnectionRequests",
        isHigh: random() < 0.3,
      }));
      const latencyMs = () => (random() < 0.05 ? 3_600_000 : random() * 30_000);
      const { takes } = simulateLane({ settings, queue, startMs, latencyMs });
      expect(takes).toHaveLength(queue.length);
      expect(outsideHours(settings, takes)).toEqual([]);
      expect(windowsAboveCap(settings, takes)).toEqual([]);
      expect(tooCloseTogether(settings, takes)).toEqual([]);
      expect(outOfOrder(takes)).toEqual([]);
    }),
    runs(300),
  );
});

test("While the settings do not change, a submission stays due when it was drawn, but for the ten seconds to which takes are recorded", () => {
  fc.assert(
    fc.property(fc.record(anyAccount), ({ seed, ...account }) => {
      const random = seededRandom(seed);
      const settings = mergePaceSettings({ account, providerLimits, stage, seed: `${seed}` });
      const queue = queueOf(100, () => ({
        category: random() < 0.5 ? "stMessages" : "stConnectionRequests",
      }));
      const earlierMs: number[] = [];
      simulateLane({
        ...{ settings, queue, startMs, latencyMs: () => random() * 30_000 },
        onTake({ usage }) {
          const { nextMs } = readLedgerFor({ ...settings }, usage);
          for (const [key, dueMs] of Object.entries(usage.nextMs)) {
            earlierMs.push(dueMs - (nextMs[key as LimitCategory] ?? 0));
          }
        },
      });
      expect(earlierMs.filter((ms) => ms < 0 || ms > 10_000)).toEqual([]);
    }),
    runs(300),
  );
});

describe("The forecast", () => {
  const errorsOf = (maxLatencyMs: number, count: number) =>
    Array.from({ length: count }, (_, n) => forecastErrors(n, maxLatencyMs)).flat();

  test("The forecast is what happens when answers take no time", () => {
    const errors = errorsOf(0, 10);
    expect(errors.length).toBeGreaterThan(1_000);
    expect(errors.filter(({ errorMs }) => errorMs !== 0)).toEqual([]);
  });

  test("With answers within 20 seconds, 95 % of times are not too early, and at most 10 % or 5 minutes late", () => {
    const errors = errorsOf(20_000, 20);
    const good = errors.filter(
      ({ errorMs, waitMs }) => errorMs >= 0 && errorMs <= Math.max(300_000, 0.1 * waitMs),
    );
    expect(errors.length).toBeGreaterThan(2_000);
    expect(good.length / errors.length).toBeGreaterThanOrEqual(0.95);
  });
});

/** How far the forecasts in the work of one account are off, once it has submitted ten requests. */
function forecastErrors(n: number, maxLatencyMs: number): { errorMs: number; waitMs: number }[] {
  const random = seededRandom(1_000 + n);
  const preset = (["off", "careful", "standard"] as const)[n % 3] ?? "off";
  const zone = zones[n % zones.length] ?? "UTC";
  const hours = random() < 0.7 ? { hours: officeIn(zone) } : {};
  const account = { preset, ...hours };
  const settings = mergePaceSettings({ account, providerLimits, stage, seed: `lane-${n}` });
  const categories = work.slice(0, 1 + (n % work.length));
  const queue = queueOf(60 * categories.length, (at) => ({
    category: categories[at % categories.length] ?? "other",
    isHigh: random() < 0.1,
  }));
  const forecasts: { nowMs: number; times: Map<string, number> }[] = [];
  let taken = 0;
  const { takes } = simulateLane({
    settings,
    queue,
    startMs: startMs + DAY_MS / 3,
    latencyMs: () => random() * maxLatencyMs,
    onTake: ({ waiting, ...lane }) => {
      taken += 1;
      if (taken % 20 !== 11) return;
      const times = forecast({ settings, ...lane, queue: waiting(), maxTakes: 1_000 });
      forecasts.push({ nowMs: lane.nowMs, times });
    },
  });
  const takenAt = new Map(takes.map(({ id, atMs }) => [id, atMs]));
  return forecasts.flatMap(({ nowMs, times }) =>
    [...times].map(([id, expectedMs]) => {
      const atMs = takenAt.get(id) ?? 0;
      return { errorMs: expectedMs - atMs, waitMs: atMs - nowMs };
    }),
  );
}

function settingsOf(account: Partial<Pick<PaceSettings, "limits" | "hours">>): PaceSettings {
  return mergePaceSettings({ account, providerLimits: undefined, stage, seed: "lane" });
}

function messagesOf(settings: PaceSettings, days: number): SimulatedTake[] {
  const random = seededRandom(days);
  return simulateLane({
    settings,
    queue: queueOf(3_000, () => ({ category: "stMessages" })),
    startMs,
    untilMs: startMs + days * DAY_MS,
    latencyMs: () => random() * 120_000,
  }).takes;
}
