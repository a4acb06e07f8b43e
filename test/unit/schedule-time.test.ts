import { describe, expect, test } from "vitest";
import { describeTime } from "../../shared/contracts/http/times.ts";
import {
  readNotAfter,
  readScheduled,
} from "../../shared/core/requests/acceptance/schedule-time.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const rules = { nowMs, leadMs: 2 * HOUR_MS, maxMs: 365 * DAY_MS };
const at = (ms: number) => new Date(ms).toISOString();
const refused = (field: string, message: string) =>
  expect.objectContaining({ code: "REQUEST_INVALID", errors: [{ field, message }] });

describe("The time of a scheduled request", () => {
  test("The first and the last time that are allowed are read", () => {
    for (const atMs of [nowMs + rules.leadMs, nowMs + rules.maxMs]) {
      expect(readScheduled(at(atMs), rules)).toBe(atMs);
    }
  });

  test("A time that is too early is refused with the earliest one", () => {
    const message = "must be at least 2 hours later than now: 2026-06-25T14:00:00.000Z or later";
    const read = () => readScheduled("2026-06-25T13:59:59.999Z", rules);
    expect(read).toThrow(refused("scheduled", message));
  });

  test("The earliest time that a refusal names is one that is accepted, within a millisecond", () => {
    const within = { ...rules, nowMs: nowMs + 0.25 };
    const message = "must be at least 2 hours later than now: 2026-06-25T14:00:00.001Z or later";
    const read = () => readScheduled("2026-06-25T14:00:00.000Z", within);
    expect(read).toThrow(refused("scheduled", message));
    expect(readScheduled("2026-06-25T14:00:00.001Z", within)).toBe(nowMs + rules.leadMs + 1);
  });

  test.each([
    [0, "0 seconds"],
    [90_000, "90 seconds"],
    [5_400_000, "5400 seconds"],
    [2 * HOUR_MS, "2 hours"],
    [24 * HOUR_MS, "24 hours"],
    [47 * HOUR_MS, "47 hours"],
    [48 * HOUR_MS, "2 days"],
    [49 * HOUR_MS, "49 hours"],
    [48.5 * HOUR_MS, "174600 seconds"],
    [365 * DAY_MS, "365 days"],
  ])("A duration of %i ms is called %s", (ms, words) => {
    const late = () => readScheduled(at(nowMs + ms + 1), { nowMs, leadMs: 0, maxMs: ms });
    expect(late).toThrow(refused("scheduled", `must be at most ${words} later than now`));
    const earliest = at(nowMs + ms);
    const early = () => readScheduled(at(nowMs + ms - 1), { nowMs, leadMs: ms, maxMs: ms });
    const message = `must be at least ${words} later than now: ${earliest} or later`;
    expect(early).toThrow(refused("scheduled", message));
  });

  test.each(["", ".5", ".05", ".123"])("The part %j of a second is read", (fraction) => {
    const atMs = Date.UTC(2026, 6, 1, 1, 2, 3) + Number(`0${fraction}`) * 1_000;
    expect(readScheduled(`2026-07-01T01:02:03${fraction}Z`, rules)).toBe(atMs);
  });

  test.each([
    ...["tomorrow", "2026-07-01", "2026-07-01T12:00:00+02:00", "2026-02-30T12:00:00Z"],
    ...["2026-07-01T24:00:00Z", "2026-13-01T12:00:00Z", "2026-07-01T12:60:00Z"],
    ...["2026-07-01T12:00:60Z", "2026-07-01T12:00:00.1234Z", " 2026-07-01T12:00:00Z"],
  ])("The text %j is refused in the words of the contract", (text) => {
    const read = () => readScheduled(text, rules);
    expect(read).toThrow(refused("scheduled", describeTime(text)));
  });
});

describe("The time by which a request must be submitted", () => {
  test("A request need not name one", () => {
    expect(readNotAfter(undefined, nowMs)).toBeUndefined();
  });

  test("It is later than the earliest time of its submission", () => {
    expect(readNotAfter(at(nowMs + 1), nowMs)).toBe(nowMs + 1);
    const message = "must be later than 2026-06-25T12:00:00.000Z";
    expect(() => readNotAfter(at(nowMs), nowMs)).toThrow(refused("notAfter", message));
    expect(() => readNotAfter(at(nowMs - 1), nowMs)).toThrow(refused("notAfter", message));
  });

  test("A refusal names the next whole millisecond", () => {
    const message = "must be later than 2026-06-25T12:00:00.001Z";
    const read = () => readNotAfter(at(nowMs), nowMs + 0.25);
    expect(read).toThrow(refused("notAfter", message));
    expect(readNotAfter(at(nowMs + 1), nowMs + 0.25)).toBe(nowMs + 1);
  });

  test.each(["tomorrow", "2026-02-30T12:00:00Z"])("The text %j is refused", (text) => {
    expect(() => readNotAfter(text, 0)).toThrow(refused("notAfter", describeTime(text)));
  });
});
