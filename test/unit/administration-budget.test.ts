import { describe, expect, test } from "vitest";
import { categories, type Hours } from "../../shared/contracts/pace.ts";
import { budgetView } from "../../shared/core/administration/budget-view.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage, type Usage } from "../../shared/core/pace/usage.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { Lane } from "../../shared/core/requests/state/record.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const HOUR_MS = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

const settingsWith = (of: Partial<PaceSettings> = {}): PaceSettings => ({
  ...{ minGapMs: 0, maxGapMs: 0, coolDowns: {}, seed: "lane" },
  limits: [{ category: "stMessages", per: "day", max: 2 }],
  ...of,
});

const laneWith = (of: Partial<Lane> = {}, usage: Usage = noUsage) =>
  ({
    ...{ nextSubmissionNotBeforeMs: 0, categoryPauses: {}, givenBack: [] },
    counters: { ...noCounters, usage },
    ...of,
  }) as unknown as Lane;

/** Messages that were submitted an hour ago. */
const messagesTaken = (count: number): Usage => ({
  ...noUsage,
  takes: { stMessages: writeTakes([{ atSeconds: (noonMs - HOUR_MS) / 1_000, count }]) },
});

/** What every category waits for, but for those that are given. */
const waits = (all: object, others: Partial<Record<(typeof categories)[number], object>> = {}) =>
  categories.map((category) => ({ category, ...all, ...others[category] }));

const now = { nextAt: NOON, waitsFor: "now" };

describe("The budget of an account", () => {
  test("An account without a lane has used nothing, and may submit everything now", () => {
    expect(budgetView(settingsWith(), undefined, noonMs)).toStrictEqual({
      limits: [{ category: "stMessages", per: "day", max: 2, used: 0, left: 2, availableAt: NOON }],
      categories: waits(now),
      ...{ hours: undefined, isOpen: true, opensAt: undefined },
      ...{ warmUpStartedAt: undefined, nextSubmissionNotBefore: undefined },
    });
  });

  test("A budget that is used up shows when it is available again, to its category only", () => {
    const nextAt = iso(noonMs + 23 * HOUR_MS);
    const view = budgetView(settingsWith(), laneWith({}, messagesTaken(2)), noonMs);
    expect(view.limits).toStrictEqual([
      { category: "stMessages", per: "day", max: 2, used: 2, left: 0, availableAt: nextAt },
    ]);
    expect(view.categories).toStrictEqual(
      waits(now, { stMessages: { nextAt, waitsFor: "budget" } }),
    );
  });

  test("A submission that was given back is not used", () => {
    const givenBack = [{ category: "stMessages" as const, atMs: noonMs - HOUR_MS }];
    const lane = laneWith({ givenBack }, messagesTaken(2));
    const { limits } = budgetView(settingsWith(), lane, noonMs);
    expect(limits).toMatchObject([{ used: 1, left: 1, availableAt: NOON }]);
  });

  test("A limit of nothing is never available", () => {
    const limits = [{ category: "any", per: "week", max: 0 } as const];
    const view = budgetView(settingsWith({ limits }), laneWith(), noonMs);
    expect(view.limits).toStrictEqual([
      { category: "any", per: "week", max: 0, used: 0, left: 0, availableAt: undefined },
    ]);
    expect(view.categories).toStrictEqual(waits({ nextAt: undefined, waitsFor: "budget" }));
  });
});

describe("The gap after a submission", () => {
  test("Until its end every category waits for the pace", () => {
    const lane = laneWith({ nextSubmissionNotBeforeMs: noonMs + 1 });
    const nextAt = iso(noonMs + 1);
    expect(budgetView(settingsWith(), lane, noonMs)).toMatchObject({
      categories: waits({ nextAt, waitsFor: "pace" }),
      nextSubmissionNotBefore: nextAt,
    });
  });

  test("At its end nothing waits for it", () => {
    const view = budgetView(
      settingsWith(),
      laneWith({ nextSubmissionNotBeforeMs: noonMs }),
      noonMs,
    );
    expect(view.categories).toStrictEqual(waits(now));
    expect(view.nextSubmissionNotBefore).toBeUndefined();
  });
});

describe("A pause of a category", () => {
  const pausedUntil = (untilMs: number) => ({
    categoryPauses: { stMessages: { reason: "LIMIT", untilMs } },
  });

  test("Until its end that category waits for its budget, and no other one", () => {
    const view = budgetView(settingsWith(), laneWith(pausedUntil(noonMs + 1)), noonMs);
    const paused = { nextAt: iso(noonMs + 1), waitsFor: "budget" };
    expect(view.categories).toStrictEqual(waits(now, { stMessages: paused }));
  });

  test("At its end nothing waits for it", () => {
    const view = budgetView(settingsWith(), laneWith(pausedUntil(noonMs)), noonMs);
    expect(view.categories).toStrictEqual(waits(now));
  });

  test("One that lasts longer than the gap is what the category waits for", () => {
    const gap = { nextSubmissionNotBeforeMs: noonMs + 5 };
    const lane = laneWith({ ...gap, ...pausedUntil(noonMs + 9) });
    expect(budgetView(settingsWith(), lane, noonMs).categories).toStrictEqual(
      waits(
        { nextAt: iso(noonMs + 5), waitsFor: "pace" },
        { stMessages: { nextAt: iso(noonMs + 9), waitsFor: "budget" } },
      ),
    );
  });

  test.each([
    ["before the gap", 5],
    ["together with the gap", 9],
  ])("A pause that ends %s is not what its category waits for last", (_, untilMs) => {
    const gap = { nextSubmissionNotBeforeMs: noonMs + 9 };
    const lane = laneWith({ ...gap, ...pausedUntil(noonMs + untilMs) });
    expect(budgetView(settingsWith(), lane, noonMs).categories).toStrictEqual(
      waits({ nextAt: iso(noonMs + 9), waitsFor: "pace" }),
    );
  });
});

describe("The hours of an account in its budget", () => {
  // The day is a Thursday.
  const hoursOn = (...days: Hours["days"]): Hours => ({
    ...{ timeZone: "UTC", days, from: "09:00", to: "17:00" },
  });

  test("While they are open, they are shown, and no opening", () => {
    const hours = hoursOn("thu");
    const view = budgetView(settingsWith({ hours }), undefined, noonMs);
    expect(view).toMatchObject({ hours, isOpen: true, categories: waits(now) });
    expect(view.opensAt).toBeUndefined();
  });

  test("While they are closed, everything waits for their opening, also what is paused or in the gap", () => {
    const lane = laneWith({
      nextSubmissionNotBeforeMs: noonMs + 5,
      categoryPauses: { stMessages: { reason: "LIMIT", untilMs: noonMs + 9 } },
    });
    const opensAt = "2026-06-26T09:00:00.000Z";
    expect(budgetView(settingsWith({ hours: hoursOn("fri") }), lane, noonMs)).toMatchObject({
      ...{ isOpen: false, opensAt },
      categories: waits({ nextAt: opensAt, waitsFor: "hours" }),
    });
  });

  test("Hours that never open have no opening", () => {
    const view = budgetView(settingsWith({ hours: hoursOn() }), undefined, noonMs);
    expect([view.isOpen, view.opensAt]).toStrictEqual([false, undefined]);
    expect(view.categories).toStrictEqual(waits({ nextAt: undefined, waitsFor: "hours" }));
  });
});

describe("The warm-up of an account in its budget", () => {
  const warming: Usage = { ...noUsage, warmUpStartedMs: noonMs - HOUR_MS };
  const limits = [{ category: "stMessages", per: "day", max: 10 } as const];
  const settings = settingsWith({ limits, warmUp: { days: 10, from: 0.2 } });

  test("Its beginning and the lower limits are shown", () => {
    expect(budgetView(settings, laneWith({}, warming), noonMs)).toMatchObject({
      limits: [{ max: 2, left: 2 }],
      warmUpStartedAt: "2026-06-25T11:00:00.000Z",
    });
  });

  test.each([
    ["at its beginning", noonMs - HOUR_MS, undefined],
    ["before it", noonMs - HOUR_MS - 1, "2026-06-25T11:00:00.000Z"],
  ])("After a restriction %s it is shown as %s", (_, restrictedMs, startedAt) => {
    const view = budgetView(settings, laneWith({ restrictedMs }, warming), noonMs);
    expect(view.warmUpStartedAt).toBe(startedAt);
  });
});
