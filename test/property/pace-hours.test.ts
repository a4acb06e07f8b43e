import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hours, weekdays } from "../../shared/contracts/pace.ts";
import { isOpen, nextOpening, openBetween } from "../../shared/core/pace/hours.ts";
import { runs } from "../support/runs/runs.ts";

/** Hours are open exactly when a clock on the wall of their zone, as `Intl` shows it, is within them. */

const MINUTE_MS = 60_000;

const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const asTime = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

const formats = new Map<string, Intl.DateTimeFormat>();

function isOpenByWallClock({ timeZone, days, from, to }: Hours, atMs: number): boolean {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat("en-GB", {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  formats.set(timeZone, format);
  const parts = Object.fromEntries(
    format.formatToParts(atMs).map(({ type, value }) => [type, value]),
  );
  const minute = Number(parts.hour) * 60 + Number(parts.minute);
  const day = weekdays.find((name) => name === parts.weekday?.toLowerCase());
  return day !== undefined && days.includes(day) && minute >= minutes(from) && minute < minutes(to);
}

const hoursArbitrary: fc.Arbitrary<Hours> = fc
  .record({
    timeZone: fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
    days: fc.subarray([...weekdays], { minLength: 1 }),
    times: fc.uniqueArray(fc.integer({ min: 0, max: 1_440 }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ times, ...hours }) => {
    const [from = 0, to = 1_440] = times.toSorted((one, other) => one - other);
    return { ...hours, from: asTime(from), to: asTime(to) };
  });

/** Whole minutes: clocks show no seconds. The change of a clock is as likely as any other time. */
const timeArbitrary = fc
  .integer({ min: Date.UTC(2024, 0) / MINUTE_MS, max: Date.UTC(2036, 0) / MINUTE_MS })
  .map((minute) => minute * MINUTE_MS);

test("Hours are open when the clock on the wall is within them, in every zone", () => {
  fc.assert(
    fc.property(hoursArbitrary, timeArbitrary, (hours, atMs) => {
      expect(isOpen(hours, atMs)).toBe(isOpenByWallClock(hours, atMs));
    }),
    runs(3_000),
  );
});

test("In the two days around a clock change, every minute is open or closed as the wall clock says", () => {
  const changes = [
    ["Europe/Berlin", "2027-03-28"],
    ["Europe/Berlin", "2026-10-25"],
    ["America/New_York", "2026-11-01"],
    ["Australia/Lord_Howe", "2027-04-04"],
    ["Africa/Cairo", "2027-04-30"],
    ["America/Santiago", "2026-09-06"],
  ] as const;
  fc.assert(
    fc.property(hoursArbitrary, fc.constantFrom(...changes), (some, [timeZone, date]) => {
      const hours = { ...some, timeZone };
      const fromMs = Date.parse(`${date}T00:00:00Z`) - 24 * 60 * MINUTE_MS;
      let openMinutes = 0;
      for (let minute = 0; minute < 2 * 1_440; minute += 15) {
        const atMs = fromMs + minute * MINUTE_MS;
        const open = isOpenByWallClock(hours, atMs);
        expect(isOpen(hours, atMs)).toBe(open);
        openMinutes += open ? 15 : 0;
      }
      const openMs = openBetween(hours, fromMs, fromMs + 2 * 1_440 * MINUTE_MS);
      // Each of up to three openings begins and ends between two of the minutes that were tried.
      expect(Math.abs(openMs - openMinutes * MINUTE_MS)).toBeLessThanOrEqual(4 * 15 * MINUTE_MS);
    }),
    runs(100),
  );
});

test("The next opening is open, and no time before it is", () => {
  fc.assert(
    fc.property(hoursArbitrary, timeArbitrary, (hours, atMs) => {
      const opensMs = nextOpening(hours, atMs);
      // A day whose hours the clock skips is not open, and the next one is a week later.
      expect(isOpen(hours, opensMs)).toBe(true);
      expect(openBetween(hours, atMs, opensMs)).toBe(0);
    }),
    runs(3_000),
  );
});
