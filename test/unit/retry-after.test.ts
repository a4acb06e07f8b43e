import { describe, expect, test } from "vitest";
import { MAX_RETRY_AFTER_MS, retryAfterOf } from "../../shared/core/providers/retry-after.ts";

const own = "Sun, 06 Nov 1994 08:48:37 GMT";
const receivedRealMs = Date.parse("1994-11-06T08:49:07.000Z");

describe("Retry-After in seconds", () => {
  test.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["007", 7_000],
    // A fraction is rounded up, never down to an earlier try: denoland/std#7299.
    ["1.5", 2_000],
    ["0.001", 1_000],
    [".5", 1_000],
    ["3.", 3_000],
    // A limit that is over already: go-resty/resty#1220.
    ["-1", 0],
    ["-0", 0],
    ["-0.5", 0],
    ["+5", 5_000],
  ])("%j asks for %d ms", (header, retryAfterMs) => {
    expect(retryAfterOf({ headers: { "retry-after": header } })).toEqual({ retryAfterMs });
  });

  test.each(["999999999", "1000000000", "99999999999999999999", "9".repeat(400), "86401", "1e9"])(
    "%j never asks for less than a smaller number does",
    (header) => {
      const expected = header === "1e9" ? {} : { retryAfterMs: MAX_RETRY_AFTER_MS };
      expect(retryAfterOf({ headers: { "retry-after": header } })).toEqual(expected);
    },
  );
});

describe("Retry-After as a date", () => {
  // The three forms of RFC 9110, section 5.6.7.
  const forms = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ];

  test.each(forms)("%j is compared with the answer's own Date", (header) => {
    const headers = { "retry-after": header, date: own };
    expect(retryAfterOf({ headers })).toEqual({ retryAfterMs: 60_000 });
    expect(retryAfterOf({ headers, receivedRealMs: 0 })).toEqual({ retryAfterMs: 60_000 });
  });

  test.each(forms)("%j is compared with the time of arrival where there is no Date", (header) => {
    const headers = { "retry-after": header };
    expect(retryAfterOf({ headers, receivedRealMs })).toEqual({ retryAfterMs: 30_000 });
    const withInvalidDate = { ...headers, date: "yesterday" };
    expect(retryAfterOf({ headers: withInvalidDate, receivedRealMs })).toEqual({
      retryAfterMs: 30_000,
    });
  });

  test.each(forms)("%j may also be the form of Date", (date) => {
    const headers = { "retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", date };
    expect(retryAfterOf({ headers, receivedRealMs })).toEqual({ retryAfterMs: 60_000 });
  });

  test("A date that is over asks for no delay", () => {
    const headers = { "retry-after": "Sun, 06 Nov 1994 08:00:00 GMT", date: own };
    expect(retryAfterOf({ headers })).toEqual({ retryAfterMs: 0 });
  });

  test("A year of two digits is at most 50 years ahead", () => {
    const date = "Sat, 21 Nov 2026 10:00:00 GMT";
    const soon = { "retry-after": "Saturday, 21-Nov-26 10:01:00 GMT", date };
    expect(retryAfterOf({ headers: soon })).toEqual({ retryAfterMs: 60_000 });
    const past = { "retry-after": "Sunday, 06-Nov-94 08:49:37 GMT", date };
    expect(retryAfterOf({ headers: past })).toEqual({ retryAfterMs: 0 });
  });

  test("A date far ahead is limited to a day", () => {
    const headers = { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", date: own };
    expect(retryAfterOf({ headers })).toEqual({ retryAfterMs: MAX_RETRY_AFTER_MS });
  });
});

describe("several headers", () => {
  test.each([
    [["5", "7"], 7_000],
    [["5, 7"], 7_000],
    [["soon", "7"], 7_000],
    [["Sun, 06 Nov 1994 08:49:37 GMT, 120"], 120_000],
    [["10", "Sunday, 06-Nov-94 08:49:37 GMT"], 60_000],
  ])("The longest readable value of %j counts", (values, retryAfterMs) => {
    const headers = { "retry-after": values, date: own };
    expect(retryAfterOf({ headers })).toEqual({ retryAfterMs });
    expect(retryAfterOf({ headers: { ...headers, "retry-after": values.join(", ") } })).toEqual({
      retryAfterMs,
    });
  });
});

test.each([
  undefined,
  "",
  "  ",
  ",",
  "soon",
  "120s",
  "1 2",
  "0x10",
  "NaN",
  "Infinity",
  "null",
  "--1",
  "1.2.3",
  "2026-11-21T10:00:00Z",
  "Sun, 32 Nov 1994 08:49:37 GMT",
  "Sun, 31 Feb 1994 08:49:37 GMT",
  "Sun, 06 Foo 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:49:37 GMT",
  "Sun, 06 Nov 1994 08:49:37 +0100",
])("A Retry-After of %j means nothing", (header) => {
  const headers = { "retry-after": header, date: own };
  expect(retryAfterOf({ headers, receivedRealMs })).toEqual({});
});

test("A Retry-After of more than 1,000 characters means nothing, however its text goes on", () => {
  const read = (header: string) => retryAfterOf({ headers: { "retry-after": header } });
  expect(read("9".repeat(1_000))).toEqual({ retryAfterMs: MAX_RETRY_AFTER_MS });
  expect(read("9".repeat(1_001))).toEqual({});
  // Were it read in quadratic time, it would take hours.
  expect(read(`${"9".repeat(1_000_000)}x`)).toEqual({});
});
