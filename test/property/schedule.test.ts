import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import { readScheduled } from "../../shared/core/requests/acceptance/schedule-time.ts";
import { runs } from "../support/runs/runs.ts";

/** `scheduled` accepts existing times in UTC, 2 hours to 1 year ahead, and nothing else. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const rules = { leadMs: 2 * HOUR_MS, maxMs: 365 * DAY_MS };

/** The time, or the error message of the client. Any other error fails the test. */
function read(text: string, nowMs: number, { leadMs, maxMs } = rules): number | string {
  try {
    return readScheduled(text, { nowMs, leadMs, maxMs });
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequest);
    const { errors } = error as InvalidRequest;
    expect(errors).toEqual([{ field: "scheduled", message: expect.any(String) }]);
    return errors[0]?.message ?? "";
  }
}

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** As it is written: with its point, or nothing. */
  fraction: string;
  zone: string;
}

const two = (n: number) => String(n).padStart(2, "0");

function written({ year, month, day, hour, minute, second, fraction, zone }: Parts): string {
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone}`;
}

const isLeapYear = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const daysIn = (year: number) => [
  ...[31, isLeapYear(year) ? 29 : 28, 31, 30, 31, 30],
  ...[31, 31, 30, 31, 30, 31],
];

/** Whether the date exists, by the rules of the calendar and without `Date`. */
function isInCalendar({ year, month, day, hour, minute, second }: Parts): boolean {
  const days = daysIn(year)[month - 1] ?? 0;
  return day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 59;
}

/** Epoch milliseconds, counted day by day and without `Date`. */
function counted({ year, month, day, hour, minute, second, fraction }: Parts): number {
  const leapDaysBefore = (y: number) =>
    Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const days =
    (year - 1970) * 365 +
    (leapDaysBefore(year - 1) - leapDaysBefore(1969)) +
    daysIn(year)
      .slice(0, month - 1)
      .reduce((sum, days) => sum + days, 0) +
    (day - 1);
  const ms = Math.round(Number(`0${fraction || ".0"}`) * 1000);
  return days * DAY_MS + hour * HOUR_MS + minute * 60_000 + second * 1_000 + ms;
}

const digits = (min: number, max: number) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max })
    .map((all) => `.${all.join("")}`);

/** Almost a time: each part may be out of its range. */
const anyParts: fc.Arbitrary<Parts> = fc.record({
  year: fc.oneof(fc.constantFrom(1900, 1970, 2000, 2024, 2026, 2100, 9999), fc.nat(9999)),
  month: fc.oneof(fc.constantFrom(0, 2, 12, 13), fc.integer({ min: 1, max: 12 })),
  day: fc.oneof(fc.constantFrom(0, 28, 29, 30, 31, 32), fc.integer({ min: 1, max: 31 })),
  hour: fc.oneof(fc.constantFrom(0, 23, 24, 25), fc.integer({ min: 0, max: 23 })),
  minute: fc.oneof(fc.constantFrom(0, 59, 60), fc.integer({ min: 0, max: 59 })),
  second: fc.oneof(fc.constantFrom(0, 59, 60, 61), fc.integer({ min: 0, max: 59 })),
  fraction: fc.oneof(digits(1, 3), digits(1, 3), fc.constantFrom("", ".", ".0000", ",5", ".5 ")),
  zone: fc.oneof(
    { weight: 6, arbitrary: fc.constant("Z") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "z",
        "+00:00",
        "-00:00",
        "+02:00",
        "-0530",
        "[UTC]",
        " Z",
        "ZZ",
      ),
    },
  ),
});

test("a time is accepted exactly when it has the form, exists in the calendar and lies in the window", () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyParts, fc.integer({ min: 0, max: 366 * DAY_MS }), (parts, aheadMs) => {
      const isOfTheForm = parts.zone === "Z" && /^(\.\d{1,3})?$/.test(parts.fraction);
      const atMs = counted(parts);
      // The clock is set so that most of the times are in the window.
      const nowMs = atMs - aheadMs;
      const isInWindow = aheadMs >= rules.leadMs && aheadMs <= rules.maxMs;
      const isValid = isOfTheForm && isInCalendar(parts) && isInWindow;
      const outcome = read(written(parts), nowMs);
      expect(outcome).toEqual(isValid ? atMs : expect.any(String));
      if (isValid) accepted++;
    }),
    { numRuns: 10_000 },
  );
  // Both outcomes occurred.
  expect(accepted).toBeGreaterThan(1_000);
});

test("exactly two hours and exactly one year ahead are accepted, one millisecond less or more is not", () => {
  const now = fc.integer({ min: 0, max: Date.UTC(9998, 11, 31) });
  const edge = fc.constantFrom(-1, 0, 1);
  fc.assert(
    fc.property(now, edge, edge, (nowMs, early, late) => {
      const soonMs = nowMs + rules.leadMs + early;
      const soon = new Date(soonMs).toISOString();
      expect(read(soon, nowMs)).toEqual(early < 0 ? expect.stringContaining("2 hours") : soonMs);
      const farMs = nowMs + rules.maxMs + late;
      const far = new Date(farMs).toISOString();
      expect(read(far, nowMs)).toEqual(late > 0 ? expect.stringContaining("365 days") : farMs);
    }),
    { numRuns: 2_000 },
  );
});

test("the earliest time that an error message names is accepted", () => {
  const now = fc.double({ min: 0, max: Date.UTC(9998, 0), noNaN: true });
  fc.assert(
    fc.property(now, (nowMs) => {
      const refusal = read(new Date(nowMs).toISOString(), nowMs);
      const earliest = /[-\d]+T[:.\d]+Z/.exec(String(refusal))?.[0] ?? "";
      expect(read(earliest, nowMs)).toBe(Date.parse(earliest));
      expect(Date.parse(earliest) - nowMs - rules.leadMs).toBeLessThanOrEqual(1);
    }),
    { numRuns: 1_000 },
  );
});

test("one to three digits of a second are tenths, hundredths and thousandths", () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const atMs = Date.UTC(2026, 8, 22, 18, 30);
  const fractions = {
    "": 0,
    ".5": 500,
    ".05": 50,
    ".50": 500,
    ".005": 5,
    ".120": 120,
    ".999": 999,
  };
  for (const [fraction, ms] of Object.entries(fractions)) {
    expect(read(`2026-09-22T18:30:00${fraction}Z`, nowMs)).toBe(atMs + ms);
  }
});

test.each([
  ["a leap second", "2016-12-31T23:59:60.000Z"],
  ["hour 24", "2026-09-22T24:00:00.000Z"],
  ["30 February", "2026-02-30T12:00:00.000Z"],
  ["29 February of a year that has none", "2027-02-29T12:00:00.000Z"],
  ["29 February 2100", "2100-02-29T12:00:00.000Z"],
])("%s is refused as a time that does not exist", (_, text) => {
  const refusal = read(text, Date.UTC(2016, 0, 1), { leadMs: 0, maxMs: Number.MAX_SAFE_INTEGER });
  expect(refusal).toContain("does not exist");
});

test.each([
  ["a local offset", "2026-09-22T18:30:00.000+02:00"],
  ["an offset of nothing", "2026-09-22T18:30:00.000+00:00"],
  ["a time without a zone", "2026-09-22T18:30:00.000"],
  ["a date alone", "2026-09-22"],
  ["seconds left out", "2026-09-22T18:30Z"],
  ["a space for the T", "2026-09-22 18:30:00.000Z"],
  ["four digits of a second", "2026-09-22T18:30:00.0000Z"],
  ["a year of five digits", "+012026-09-22T18:30:00.000Z"],
  ["a line break behind it", "2026-09-22T18:30:00.000Z\n"],
  ["Arabic-Indic digits", "٢٠٢٦-09-22T18:30:00.000Z"],
  ["a week date", "2026-W39-2T18:30:00.000Z"],
  ["epoch milliseconds", "1790101800000"],
  ["nothing", ""],
])("%s is refused with the expected form of a time", (_, text) => {
  const refusal = read(text, Date.UTC(2016, 0, 1), { leadMs: 0, maxMs: Number.MAX_SAFE_INTEGER });
  expect(refusal).toContain("YYYY-MM-DDTHH:mm:ss.sssZ");
  expect(refusal).toContain("UTC");
});

test("29 February of a leap year and the turn of a year are accepted", () => {
  const nowMs = Date.UTC(2027, 11, 1);
  expect(read("2028-02-29T00:00:00.000Z", nowMs)).toBe(Date.UTC(2028, 1, 29));
  expect(read("2027-12-31T23:59:59.999Z", nowMs)).toBe(Date.UTC(2028, 0, 1) - 1);
  expect(read("2028-01-01T00:00:00Z", nowMs)).toBe(Date.UTC(2028, 0, 1));
});

test("the year 9999 is refused as too far ahead", () => {
  const text = "9999-12-31T23:59:59.999Z";
  expect(read(text, Date.UTC(2026, 0))).toContain("at most 365 days");
  expect(read(text, Date.UTC(9999, 6))).toBe(Date.UTC(10_000, 0) - 1);
  // No later time can be written with four digits of a year.
  expect(read(text, Date.UTC(9999, 11, 31, 23))).toContain("at least 2 hours");
});

test("any text is either accepted or refused as an invalid field", () => {
  const garbage = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom(..."0123456789-:.TZ+ \n") }),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    // A time with one character of it changed.
    fc
      .tuple(fc.nat(23), fc.string({ unit: "binary", minLength: 1, maxLength: 1 }))
      .map(([at, char]) => {
        const text = "2026-09-22T18:30:00.000Z";
        return `${text.slice(0, at)}${char}${text.slice(at + 1)}`;
      }),
  );
  fc.assert(
    fc.property(garbage, (text) => {
      const outcome = read(text, Date.UTC(2026, 5, 1));
      if (typeof outcome === "number")
        expect(new Date(outcome).toISOString().slice(0, 19)).toBe(text.slice(0, 19));
    }),
    runs(10_000),
  );
});
