import { expect, test } from "vitest";
import { removeFutureTime } from "../../shared/core/events/provider-event.ts";
import { providerTimeOf } from "../../shared/core/providers/provider-time.ts";

const NOON = Date.UTC(2026, 5, 25, 12);

// Forms that parsers of times disagree about: graphql-scalars#469.
test.each([
  ["2026-06-25T12:00:00Z", NOON],
  ["2026-06-25t12:00:00z", NOON],
  ["2026-06-25T12:00:00,000Z", NOON],
  ["2026-06-25T12:00:00.123456789Z", NOON + 123],
  ["2026-06-25T14:00:00+0200", NOON],
  ["2026-06-25T14:00+02", NOON],
  ["2026-06-25T10:00:00\u221202:00", NOON],
  ["20260625T120000Z", NOON],
  ["2026-06-25 12:00:00 UTC", NOON],
  ["2026-06-24T24:00:00Z", NOON - 12 * 3_600_000],
  ["2026-06-25T11:59:60Z", NOON],
  ["Thu, 25 Jun 2026 12:00:00 GMT", NOON],
  ["Thu, 25 Jun 2026 14:00:00 +0200", NOON],
  [NOON / 1_000, NOON],
  [NOON + 5, NOON + 5],
  [String(NOON), NOON],
  ["1782388800.25", NOON + 250],
  ["1782388800123456", NOON + 123],
  [JSON.rawJSON("1782388800123456789"), NOON + 123],
])("the time %s is read", (time, ms) => {
  expect(providerTimeOf(time)).toBe(ms);
});

test.each([
  undefined,
  null,
  "",
  true,
  {},
  "yesterday",
  "2026-06-25",
  "12:00",
  "2026-06-25T12:00:00",
  "2026-02-30T12:00:00Z",
  "2026-06-25T25:00:00Z",
  "2026-06-25T12:00:61Z",
  "2026-0625T12:00:00Z",
  "0001-01-01T00:00:00Z",
  "1970-01-01T00:00:00Z",
  "+02026-06-25T12:00:00Z",
  0,
  1,
  -1,
  20_260_625,
])("%j names no instant", (time) => {
  expect(providerTimeOf(time)).toBeUndefined();
});

test("a time that is later than its receipt by more than a clock may be wrong is replaced and marked", () => {
  const event = (ms: number) => ({
    type: "account.active" as const,
    providerObjectId: "a",
    createdAt: new Date(ms).toISOString(),
    data: { eventType: "UNKNOWN" },
  });
  for (const usable of [event(NOON - 86_400_000), event(NOON), event(NOON + 5 * 60_000)]) {
    expect(removeFutureTime(usable, NOON)).toBe(usable);
  }
  const replaced = removeFutureTime(event(NOON + 5 * 60_000 + 1), NOON);
  expect(replaced).not.toHaveProperty("createdAt");
  expect(replaced.data.createdAtReplaced).toBe(true);
});
