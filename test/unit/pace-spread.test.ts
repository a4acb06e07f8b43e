import { describe, expect, test } from "vitest";
import { type Hours, type Limit, weekdays } from "../../shared/contracts/pace.ts";
import { afterTake } from "../../shared/core/pace/after-take.ts";
import { draw } from "../../shared/core/pace/draw.ts";
import { whenEligible } from "../../shared/core/pace/eligibility.ts";
import type { PaceSettings } from "../../shared/core/pace/pace-settings.ts";
import { nextDueMs, readLedgerFor } from "../../shared/core/pace/spread.ts";
import { type Ledger, noUsage, readLedger, type Usage } from "../../shared/core/pace/usage.ts";
import { DAY_MS } from "../../shared/core/pace/windows.ts";
import { settingsWith } from "../support/pace/pace-settings.ts";

const category = "stMessages";
const limitOf = (per: Limit["per"], max: number): Limit => ({ category, per, max });
/** @param text a time in November 2026, of which the 23rd is a Monday */
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

/** Open for eight hours a day. */
const hours: Hours = { timeZone: "UTC", days: [...weekdays], from: "09:00", to: "17:00" };
const workdays: Hours = { ...hours, days: ["mon", "tue", "wed", "thu", "fri"] };

/** A ledger in which this many messages were taken at this time. */
const takenAt = (atMs: number, count: number): Ledger => ({
  ...readLedger(noUsage),
  takes: { stMessages: [{ atSeconds: atMs / 1_000, count }] },
  takeCounts: { stMessages: count },
});

/** The draw after this many messages. */
const drawn = (count: number) => draw("lane", category, count);

/** The factor of a gap after this many messages: from 0.8 to 1.2. */
const varied = (count: number) => 0.8 + 0.4 * drawn(count);

const dueMs = (of: Partial<PaceSettings>, ledger: Ledger, atMs: number) =>
  nextDueMs(settingsWith(of), ledger, category, atMs);

describe("Without hours", () => {
  const nowMs = at("23T09:00:00");
  const ofTenADay = Math.ceil(nowMs + 8_640_000 * (0.9 * varied(1)));

  test.each<[Limit[]]>([
    [[limitOf("day", 10)]],
    [[limitOf("week", 70)]],
    [[limitOf("month", 300)]],
    [[limitOf("day", 20), limitOf("week", 70)]],
    [[limitOf("week", 70), limitOf("day", 20)]],
    [[limitOf("day", 10), limitOf("hour", 1), limitOf("week", 0)]],
  ])("The limits %j are spread as ten a day, with a tenth of the day to spare", (limits) => {
    expect(dueMs({ limits }, takenAt(nowMs, 1), nowMs)).toBe(ofTenADay);
  });

  test("The spread follows the maximum of the warm-up", () => {
    const of = { limits: [limitOf("day", 20)], warmUp: { days: 10, from: 0.5 } };
    expect(dueMs(of, takenAt(nowMs, 1), nowMs)).toBe(ofTenADay);
  });

  test("A category that has never been taken has the draw of zero", () => {
    const expected = Math.ceil(nowMs + 8_640_000 * (0.9 * varied(0)));
    expect(dueMs({ limits: [limitOf("day", 10)] }, readLedger(noUsage), nowMs)).toBe(expected);
  });

  test.each<[Limit[]]>([
    [[]],
    [[limitOf("hour", 5)]],
    [[limitOf("day", 0)]],
    [[{ ...limitOf("day", 5), category: "stPosts" as const }]],
  ])("The limits %j spread no message", (limits) => {
    expect(dueMs({ limits }, takenAt(nowMs, 1), nowMs)).toBeUndefined();
  });
});

describe("Within the hours of a day", () => {
  const eightADay = { hours, limits: [limitOf("day", 8)] };

  test("What is left of the limit is spread over what is left of the hours, less a tenth of them", () => {
    const nowMs = at("23T10:00:00");
    // 7 hours less 48 minutes are left, for three submissions and a gap behind the last one.
    const expected = Math.ceil(nowMs + 5_580_000 * varied(5));
    expect(dueMs(eightADay, takenAt(nowMs, 5), nowMs)).toBe(expected);
  });

  test("Submissions of the day before are not counted", () => {
    const nowMs = at("23T10:00:00");
    const ledger = takenAt(nowMs, 5);
    const takes = [
      { atSeconds: at("22T16:00:00") / 1_000, count: 3 },
      ...(ledger.takes.stMessages ?? []),
    ];
    const due = dueMs(eightADay, { ...ledger, takes: { stMessages: takes } }, nowMs);
    expect(due).toBe(Math.ceil(nowMs + 5_580_000 * varied(5)));
  });

  test.each<[Limit[]]>([
    [[limitOf("day", 7)]],
    [[limitOf("week", 35)]],
    [[limitOf("week", 31)]],
    [[limitOf("month", 150)]],
    [[limitOf("day", 8), limitOf("week", 35)]],
  ])("On five days a week, the limits %j are spread as seven a day", (limits) => {
    const nowMs = at("23T10:00:00");
    const due = dueMs({ hours: workdays, limits }, takenAt(nowMs, 5), nowMs);
    expect(due).toBe(Math.ceil(nowMs + 7_440_000 * varied(5)));
  });

  test("A backlog is not crammed into the rest of a day: a gap is at least 0.6 of the even one", () => {
    const nowMs = at("23T13:00:00");
    expect(dueMs(eightADay, takenAt(nowMs, 1), nowMs)).toBe(nowMs + 2_160_000);
    expect(dueMs(eightADay, readLedger(noUsage), nowMs)).toBe(nowMs + 2_160_000);
  });

  test("The day's last submission but one is followed by one on the same day, and the last one is not", () => {
    const nowMs = at("23T14:00:00");
    const lastButOne = dueMs(eightADay, takenAt(nowMs, 7), nowMs);
    expect(lastButOne).toBe(Math.ceil(nowMs + 3_960_000 * varied(7)));
    const last = dueMs(eightADay, takenAt(nowMs, 8), nowMs);
    expect(last).toBe(Math.ceil(at("24T09:00:00") + drawn(8) * 2_880_000));
  });

  test("A submission at the moment of the opening is one of the day", () => {
    const [opensMs, nowMs] = [at("23T09:00:00"), at("23T14:00:00")];
    const ledger = takenAt(opensMs, 8);
    const due = dueMs(eightADay, ledger, nowMs);
    expect(due).toBe(Math.ceil(at("24T09:00:00") + drawn(8) * 2_880_000));
  });

  test.each([
    ["23T16:23:59.999", at("23T16:59:59.999")],
    ["23T16:24:00.000", Math.ceil(at("24T09:00:00") + drawn(1) * 2_880_000)],
  ])("A gap of 36 minutes from %s ends today only if the hours end later", (now, due) => {
    expect(dueMs(eightADay, takenAt(at("23T16:20:00"), 1), at(now))).toBe(due);
  });

  test("The first submission of the next day is at most one even gap after its opening", () => {
    const nowMs = at("23T14:00:00");
    const due = dueMs({ hours, limits: [limitOf("day", 20)] }, takenAt(nowMs, 20), nowMs);
    expect(due).toBe(Math.ceil(at("24T09:00:00") + drawn(20) * 1_440_000));
  });

  test("A day whose hours are open twice is spread over both times", () => {
    // Berlin's clock is put back from 03:00 to 02:00: open at 00:15-00:45 and 01:15-01:45 UTC.
    const repeated = { ...hours, timeZone: "Europe/Berlin", from: "02:15", to: "02:45" };
    const nowMs = Date.parse("2026-10-25T00:20:00Z");
    const of = { hours: repeated, limits: [limitOf("day", 2)] };
    // 55 minutes are left, less 6.
    expect(dueMs(of, takenAt(nowMs, 1), nowMs)).toBe(Math.ceil(nowMs + 1_470_000 * varied(1)));
  });

  test("Hours that never open make nothing due", () => {
    const of = { hours: { ...hours, days: [] }, limits: [limitOf("day", 8)] };
    const nowMs = at("23T10:00:00");
    expect(dueMs(of, takenAt(nowMs, 1), nowMs)).toBeUndefined();
  });
});

describe("Less than one submission a day", () => {
  const nowMs = at("23T11:00:00");

  test("Two submissions a week are 18 open hours apart on average, and only open time counts", () => {
    const due = dueMs({ hours: workdays, limits: [limitOf("week", 2)] }, takenAt(nowMs, 1), nowMs);
    // 6 hours are left on Monday, and Tuesday has 8.
    const onWednesdayMs = 64_800_000 * varied(1) - 50_400_000;
    expect(due).toBe(Math.ceil(at("25T09:00:00") + onWednesdayMs));
  });

  test("Five submissions in a week of five days are one a day", () => {
    const due = dueMs({ hours: workdays, limits: [limitOf("week", 5)] }, takenAt(nowMs, 1), nowMs);
    expect(due).toBe(Math.ceil(at("24T09:00:00") + drawn(1) * 2_880_000));
  });
});

describe("A cool-down", () => {
  const nowMs = at("23T09:00:00");
  const coolDowns = { stMessages: { minMs: 60_000, maxMs: 120_000 } };

  test.each([0, 1, 2])("The cool-down after %i submissions is drawn from its range", (count) => {
    const expected = Math.ceil(nowMs + 60_000 + drawn(count) * 60_000);
    expect(dueMs({ coolDowns }, takenAt(nowMs, count), nowMs)).toBe(expected);
  });

  test("The cool-down of a category is no other's", () => {
    const settings = settingsWith({ coolDowns });
    expect(nextDueMs(settings, takenAt(nowMs, 1), "any", nowMs)).toBeUndefined();
    expect(nextDueMs(settings, takenAt(nowMs, 1), "stPosts", nowMs)).toBeUndefined();
  });

  test("Of the spread and the cool-down, the later one decides", () => {
    const limits = [limitOf("day", 10)];
    const spread = Math.ceil(nowMs + 8_640_000 * (0.9 * varied(1)));
    expect(dueMs({ coolDowns, limits }, takenAt(nowMs, 1), nowMs)).toBe(spread);
    const long = { stMessages: { minMs: 2 * DAY_MS, maxMs: 2 * DAY_MS } };
    const rested = dueMs({ coolDowns: long, limits }, takenAt(nowMs, 1), nowMs);
    expect(rested).toBe(nowMs + 2 * DAY_MS);
  });
});

describe("Settings that have changed since the last submission", () => {
  const nowMs = at("23T13:50:00");
  const perDay = (max: number, more: Partial<PaceSettings> = {}) =>
    settingsWith({ hours, limits: [limitOf("day", max)], ...more });
  const take = (settings: PaceSettings, usage: Usage, atMs: number) =>
    afterTake(settings, usage, { category, atMs, eligibleSinceMs: atMs });
  /** Twenty messages a day, of which the last one of the day was taken at 13:45. */
  const usedUp = Array.from({ length: 20 }, (_, n) => at("23T09:00:00") + n * 900_000).reduce(
    (usage, atMs) => take(perDay(20), usage, atMs),
    noUsage,
  );

  test("A limit that is raised makes the next submission due as if it had been in force at the last one", () => {
    const before = whenEligible(perDay(20), usedUp, category, nowMs);
    expect(before.atMs).toBeGreaterThanOrEqual(at("24T09:00:00"));
    // 195 minutes are left, less 48, for ten submissions and a gap behind the last one.
    const atMs = Math.ceil(at("23T13:45:00") + (8_820_000 / 11) * varied(20));
    const raised = whenEligible(perDay(30), usedUp, category, nowMs);
    expect(raised).toStrictEqual({ atMs, waitsFor: "pace" });
  });

  test("Where the limit or the cool-down is removed, the next submission may be made at once", () => {
    const now = { atMs: nowMs, waitsFor: "now" };
    expect(whenEligible(settingsWith({ hours }), usedUp, category, nowMs)).toStrictEqual(now);
    const cooling = settingsWith({ coolDowns: { stMessages: { minMs: DAY_MS, maxMs: DAY_MS } } });
    const usage = take(cooling, noUsage, nowMs - 1);
    expect(whenEligible(cooling, usage, category, nowMs)).toMatchObject({ waitsFor: "pace" });
    expect(whenEligible(settingsWith(), usage, category, nowMs)).toStrictEqual(now);
  });

  test("Hours that end later let the next submission be made on the same day", () => {
    const lateMs = at("23T16:30:00");
    const usage = take(perDay(8), noUsage, lateMs);
    const longer = perDay(8, { hours: { ...hours, to: "23:00" } });
    expect(whenEligible(longer, usage, category, lateMs + 1)).toStrictEqual({
      atMs: lateMs + 3_780_000,
      waitsFor: "pace",
    });
  });

  test("A limit of any category that is raised makes the next submission due earlier too", () => {
    const ofAny = (max: number) => settingsWith({ limits: [{ category: "any", per: "day", max }] });
    const usage = take(ofAny(1), noUsage, nowMs);
    const { atMs } = whenEligible(ofAny(24), usage, "stPosts", nowMs + 1);
    expect(atMs).toBeLessThan(nowMs + 2 * 3_600_000);
  });

  test("With a limit that is lowered, the next submission stays due as it was drawn", () => {
    const usage = take(perDay(20), noUsage, nowMs);
    expect(readLedgerFor(perDay(5), usage).nextMs).toStrictEqual(usage.nextMs);
  });

  test("A due time whose submission is not known any more stays as it is", () => {
    const usage = { ...noUsage, nextMs: { stMessages: nowMs } };
    expect(readLedgerFor(settingsWith(), usage).nextMs).toStrictEqual(usage.nextMs);
  });

  test.each(["23T13:45:00.001", "23T13:45:09.999", "23T16:59:50.001", "23T16:59:59.999"])(
    "Without a change, the next submission after one at %s stays due as it was drawn",
    (time) => {
      for (const settings of [perDay(20), settingsWith({ hours, limits: [limitOf("week", 3)] })]) {
        const usage = take(settings, noUsage, at(time));
        expect(readLedgerFor({ ...settings }, usage).nextMs).toStrictEqual(usage.nextMs);
      }
    },
  );
});
