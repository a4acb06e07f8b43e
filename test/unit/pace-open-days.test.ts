import { describe, expect, test } from "vitest";
import { type Hours, weekdays } from "../../shared/contracts/pace.ts";
import { isOpen, nextOpening, openBetween, openDayFrom } from "../../shared/core/pace/hours.ts";
import { openDaysOf } from "../../shared/core/pace/open-days.ts";
import { DAY_MS, HOUR_MS } from "../../shared/core/pace/windows.ts";

const at = (text: string) => Date.parse(text);
const MINUTE_MS = 60_000;

const mondays: Hours = { timeZone: "UTC", days: ["mon"], from: "09:30", to: "17:45" };
const mondayMs = at("2026-11-23T00:00:00Z");
const monday = {
  fromMs: mondayMs,
  toMs: mondayMs + DAY_MS,
  intervals: [{ fromMs: at("2026-11-23T09:30:00Z"), toMs: at("2026-11-23T17:45:00Z") }],
  openMs: 8 * HOUR_MS + 15 * MINUTE_MS,
};
const tuesday = {
  fromMs: mondayMs + DAY_MS,
  toMs: mondayMs + 2 * DAY_MS,
  intervals: [],
  openMs: 0,
};

describe("The days of hours", () => {
  const days = openDaysOf(mondays);

  test("A day lasts from its midnight to before the next one, and knows its hours", () => {
    for (const ms of [mondayMs, mondayMs + DAY_MS - 1]) {
      expect(days.at(ms)).toStrictEqual(monday);
    }
    expect(days.at(mondayMs + DAY_MS)).toStrictEqual(tuesday);
    expect(days.after(days.at(mondayMs))).toStrictEqual(tuesday);
  });

  test("A day before 1970 is the right weekday", () => {
    const saturdays = openDaysOf({ ...mondays, days: ["sat"] });
    const openMs = (text: string) => saturdays.at(at(text)).openMs;
    expect(openMs("1969-12-27T12:00:00Z")).toBe(monday.openMs);
    expect(openMs("1969-12-28T12:00:00Z")).toBe(0);
  });

  test("A day on which the clock is put back within the hours is open twice", () => {
    const hours: Hours = { ...mondays, timeZone: "Europe/Berlin", days: ["sun"] };
    const day = openDaysOf({ ...hours, from: "02:15", to: "02:45" }).at(at("2026-10-25T00:00:00Z"));
    expect(day).toStrictEqual({
      fromMs: at("2026-10-24T22:00:00Z"),
      toMs: at("2026-10-25T23:00:00Z"),
      intervals: [
        { fromMs: at("2026-10-25T00:15:00Z"), toMs: at("2026-10-25T00:45:00Z") },
        { fromMs: at("2026-10-25T01:15:00Z"), toMs: at("2026-10-25T01:45:00Z") },
      ],
      openMs: HOUR_MS,
    });
  });

  test("The days follow each other for years", () => {
    let day = days.at(mondayMs);
    for (let n = 0; n < 1_100; n += 1) day = days.after(day);
    expect(day.fromMs).toBe(mondayMs + 1_100 * DAY_MS);
    expect(days.at(mondayMs)).toStrictEqual(monday);
  });

  test("The same hours share their days, and different ones do not", () => {
    const same = openDaysOf({ ...mondays });
    expect(openDaysOf({ ...mondays, days: [...mondays.days] })).toBe(same);
    const others: Hours[] = [
      { ...mondays, timeZone: "Europe/Berlin" },
      { ...mondays, days: ["mon", "tue"] },
      { ...mondays, from: "09:31" },
      { ...mondays, to: "17:44" },
    ];
    for (const other of others) expect(openDaysOf(other)).not.toBe(same);
  });

  test("Days are forgotten when there are more than 500 different hours", () => {
    const early: Hours = { ...mondays, from: "00:01", to: "00:02" };
    const first = openDaysOf(early);
    for (let n = 0; n < 500; n += 1) {
      const [hour, minute] = [Math.floor(n / 60), n % 60].map((part) => `${part}`.padStart(2, "0"));
      openDaysOf({ ...mondays, days: ["wed"], from: `${hour}:${minute}`, to: "23:59" });
    }
    expect(openDaysOf(early)).toBe(first);
    expect(openDaysOf({ ...early })).not.toBe(first);
  });
});

describe("Hours on one day of the week", () => {
  const opensMs = mondayMs + 9.5 * HOUR_MS;
  const closesMs = mondayMs + 17.75 * HOUR_MS;

  test.each([
    [opensMs - 1, opensMs],
    [opensMs, opensMs],
    [closesMs - 1, closesMs - 1],
    [closesMs, opensMs + 7 * DAY_MS],
  ])("From %i, they open next at %i", (fromMs, expected) => {
    expect(nextOpening(mondays, fromMs)).toBe(expected);
    expect(isOpen(mondays, fromMs)).toBe(fromMs === expected);
  });

  test("The day whose hours have not ended is the next one that is open", () => {
    expect(openDayFrom(mondays, closesMs - 1)).toStrictEqual(monday);
    expect(openDayFrom(mondays, closesMs)?.fromMs).toBe(mondayMs + 7 * DAY_MS);
  });

  test.each([
    [opensMs + 1, opensMs + 5, 4],
    [opensMs - 5, opensMs + 5, 5],
    [closesMs - 5, closesMs + 5, 5],
    [mondayMs, opensMs, 0],
    [closesMs, mondayMs + DAY_MS, 0],
    [opensMs + 5, opensMs + 1, 0],
    [opensMs, closesMs + 7 * DAY_MS, 2 * monday.openMs],
  ])("Between %i and %i, they are open for %i ms", (fromMs, toMs, expected) => {
    expect(openBetween(mondays, fromMs, toMs)).toBe(expected);
  });

  test("A week whose hours the clock skips is looked past", () => {
    // Berlin: 02:00 becomes 03:00 on Sunday, 2027-03-28.
    const sundays: Hours = {
      timeZone: "Europe/Berlin",
      days: ["sun"],
      from: "02:15",
      to: "02:45",
    };
    const closedMs = at("2027-03-21T01:45:00Z");
    expect(nextOpening(sundays, closedMs)).toBe(at("2027-04-04T00:15:00Z"));
  });
});

describe("Hours that never open", () => {
  const never: Hours = { ...mondays, days: [] };

  test("They have no next opening, and are never open", () => {
    expect(nextOpening(never, mondayMs)).toBe(Number.POSITIVE_INFINITY);
    expect(openDayFrom(never, mondayMs)).toBeUndefined();
    expect(isOpen(never, mondayMs)).toBe(false);
    expect(openBetween(never, mondayMs, mondayMs + 30 * DAY_MS)).toBe(0);
  });

  test("An infinite time is its own next opening", () => {
    const always: Hours = { ...mondays, days: [...weekdays], from: "00:00", to: "24:00" };
    expect(nextOpening(always, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
