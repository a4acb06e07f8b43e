import { describe, expect, test } from "vitest";
import type { Hours } from "../../shared/contracts/pace.ts";
import { isOpen, nextOpening, openBetween } from "../../shared/core/pace/hours.ts";

const everyDay = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const businessDays = everyDay.slice(0, 5);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();

function hoursIn(timeZone: string, from: string, to: string, days: Hours["days"] = [...everyDay]) {
  return { timeZone, days, from, to } satisfies Hours;
}

const office = hoursIn("Europe/Berlin", "09:00", "18:00", [...businessDays]);

describe("Hours of a working week", () => {
  test.each([
    ["2026-11-27T07:59:59.999Z", false],
    ["2026-11-27T08:00:00.000Z", true],
    ["2026-11-27T16:59:59.999Z", true],
    ["2026-11-27T17:00:00.000Z", false],
    ["2026-11-28T10:00:00.000Z", false],
  ])("The office in Berlin at %s is open: %s", (time, expected) => {
    expect(isOpen(office, at(time))).toBe(expected);
  });

  test("Hours that close on Friday evening open next on Monday morning", () => {
    expect(iso(nextOpening(office, at("2026-11-27T17:00:00Z")))).toBe("2026-11-30T08:00:00.000Z");
  });

  test("Hours that are open are open at once", () => {
    const now = at("2026-11-27T12:34:56.789Z");
    expect(nextOpening(office, now)).toBe(now);
  });

  test("A week has 45 open hours", () => {
    const monday = at("2026-11-23T00:00:00Z");
    expect(openBetween(office, monday, monday + 7 * 24 * HOUR_MS)).toBe(45 * HOUR_MS);
  });

  test("Only the open part of a stretch of time counts", () => {
    const open = openBetween(office, at("2026-11-27T16:30:00Z"), at("2026-11-30T08:15:00Z"));
    expect(open).toBe(45 * MINUTE_MS);
  });

  test("Without hours it is always open, and all time counts", () => {
    expect(isOpen(undefined, 5)).toBe(true);
    expect(nextOpening(undefined, 5)).toBe(5);
    expect(openBetween(undefined, 5, 12)).toBe(7);
    expect(openBetween(undefined, 12, 5)).toBe(0);
  });
});

describe("Clock changes", () => {
  // Berlin: 02:00 becomes 03:00 on 2027-03-28, and 03:00 becomes 02:00 on 2026-10-25.
  test("The hours follow the clock on the wall when it is put forward", () => {
    const hours = hoursIn("Europe/Berlin", "09:00", "18:00");
    expect(iso(nextOpening(hours, at("2027-03-27T18:00:00Z")))).toBe("2027-03-28T07:00:00.000Z");
  });

  test("The hours follow the clock on the wall when it is put back", () => {
    const hours = hoursIn("Europe/Berlin", "09:00", "18:00");
    expect(iso(nextOpening(hours, at("2026-10-24T18:00:00Z")))).toBe("2026-10-25T08:00:00.000Z");
  });

  test("Hours that begin within the skipped hour open when it has been skipped", () => {
    const hours = hoursIn("Europe/Berlin", "02:30", "04:00");
    expect(iso(nextOpening(hours, at("2027-03-28T00:00:00Z")))).toBe("2027-03-28T01:00:00.000Z");
    expect(openBetween(hours, at("2027-03-28T00:00:00Z"), at("2027-03-28T12:00:00Z"))).toBe(
      HOUR_MS,
    );
  });

  test("Hours that the clock skips altogether do not open on that day", () => {
    const hours = hoursIn("Europe/Berlin", "02:15", "02:45");
    expect(iso(nextOpening(hours, at("2027-03-27T12:00:00Z")))).toBe("2027-03-29T00:15:00.000Z");
  });

  test("Hours within the repeated hour are open twice, and closed in between", () => {
    const hours = hoursIn("Europe/Berlin", "02:15", "02:45");
    const openings = [
      nextOpening(hours, at("2026-10-25T00:00:00Z")),
      nextOpening(hours, at("2026-10-25T00:45:00Z")),
    ];
    expect(openings.map(iso)).toEqual(["2026-10-25T00:15:00.000Z", "2026-10-25T01:15:00.000Z"]);
    expect(isOpen(hours, at("2026-10-25T00:50:00Z"))).toBe(false);
  });

  test("Hours from midnight to midnight last 23 and 25 hours on days of a change", () => {
    const hours = hoursIn("America/New_York", "00:00", "24:00", ["sun"]);
    const openOn = (day: string) =>
      openBetween(
        hours,
        at(`${day}T00:00:00Z`) - 12 * HOUR_MS,
        at(`${day}T00:00:00Z`) + 48 * HOUR_MS,
      );
    expect(openOn("2027-03-14")).toBe(23 * HOUR_MS);
    expect(openOn("2026-11-01")).toBe(25 * HOUR_MS);
  });

  test("A zone whose clock changes by half an hour is followed", () => {
    // Lord Howe: 02:00 becomes 02:30 on 2026-10-04.
    const hours = hoursIn("Australia/Lord_Howe", "01:00", "03:00", ["sun"]);
    const day = at("2026-10-04T00:00:00Z");
    expect(openBetween(hours, day - 24 * HOUR_MS, day + 24 * HOUR_MS)).toBe(90 * MINUTE_MS);
  });

  test("A change at midnight begins the day at 01:00", () => {
    // Cairo: 00:00 becomes 01:00 on 2027-04-30.
    const hours = hoursIn("Africa/Cairo", "00:00", "02:00", ["fri"]);
    const day = at("2027-04-30T00:00:00Z");
    expect(openBetween(hours, day - 24 * HOUR_MS, day + 24 * HOUR_MS)).toBe(HOUR_MS);
  });

  test("A date that a zone has left out has no hours", () => {
    // Samoa had no 30 December 2011, a Friday.
    const hours = hoursIn("Pacific/Apia", "00:00", "24:00", ["fri"]);
    expect(openBetween(hours, at("2011-12-29T00:00:00Z"), at("2012-01-04T00:00:00Z"))).toBe(0);
  });
});

test.each([
  ["Asia/Kolkata", "2026-11-27T03:30:00.000Z"],
  ["Asia/Kathmandu", "2026-11-27T03:15:00.000Z"],
  ["Pacific/Kiritimati", "2026-11-26T19:00:00.000Z"],
  ["Pacific/Niue", "2026-11-27T20:00:00.000Z"],
])("Hours from 09:00 on a Friday in %s open at %s", (timeZone, opens) => {
  const hours = hoursIn(timeZone, "09:00", "18:00", ["fri"]);
  expect(iso(nextOpening(hours, at("2026-11-26T00:00:00Z")))).toBe(opens);
});

test("Hours that end at 24:00 are open until midnight", () => {
  const hours = hoursIn("Europe/Berlin", "22:00", "24:00", ["fri"]);
  expect(isOpen(hours, at("2026-11-27T22:59:59.999Z"))).toBe(true);
  expect(isOpen(hours, at("2026-11-27T23:00:00Z"))).toBe(false);
});
