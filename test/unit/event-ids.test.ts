import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import {
  discriminatorOf,
  headerSafeId,
  unmatchedEventId,
} from "../../shared/core/events/event-id.ts";
import { removeFutureTime, unclearReport } from "../../shared/core/events/provider-event.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const SKEW_MS = 300_000;

describe("The id of an event that belongs to no request", () => {
  const of = { type: "message.reply", connectionId: "cn_1", providerObjectId: "p-1" } as const;

  test("It has the type, the connection and the provider's id, and what tells it from others", () => {
    expect(unmatchedEventId(of)).toBe("message.reply:cn_1:p-1");
    expect(unmatchedEventId({ ...of, discriminator: "d" })).toBe("message.reply:cn_1:p-1:d");
    expect(unmatchedEventId({ ...of, discriminator: "" })).toBe("message.reply:cn_1:p-1:");
    const unsafe = unmatchedEventId({ ...of, providerObjectId: "a b" });
    expect(unsafe).toBe(`message.reply:cn_1:~${sha256Hex("a b")}`);
  });

  test.each(["a", "AZaz09_-", "x".repeat(128)])("The id %s is taken as it is", (id) => {
    expect(headerSafeId(id)).toBe(id);
  });

  test.each(["", "x".repeat(129), "a b", "a.b", "a:b", "~a", "é", "a\n"])(
    "Of the id %j there is a digest",
    (id) => {
      expect(headerSafeId(id)).toBe(`~${sha256Hex(id)}`);
    },
  );

  test("Texts that UTF-8 cannot tell apart have different digests", () => {
    const bytesOf = (...bytes: number[]) => sha256Hex(Buffer.from([0xff, ...bytes]));
    expect(headerSafeId("\ud800")).toBe(`~${bytesOf(0x00, 0xd8)}`);
    expect(headerSafeId("\udc00")).toBe(`~${bytesOf(0x00, 0xdc)}`);
    expect(discriminatorOf("\ud800")).toBe(bytesOf(0x00, 0xd8).slice(0, 16));
  });

  test("Sixteen hex digits of the digest tell two events apart", () => {
    expect(discriminatorOf("a text")).toBe(sha256Hex("a text").slice(0, 16));
  });
});

describe("The provider's time of an event", () => {
  const event = {
    type: "message.reply",
    providerObjectId: "p-1",
    data: { eventType: "UNKNOWN", status: "s" },
  } as const;
  const at = (ms: number) => ({ ...event, createdAt: new Date(ms).toISOString() });

  test.each([
    ["in the past", at(noonMs - 1)],
    ["as late as a clock may be wrong", at(noonMs + SKEW_MS)],
    ["that is absent", event],
  ])("A time %s stays as it is", (_, timed) => {
    expect(removeFutureTime(timed, noonMs)).toBe(timed);
  });

  test("A later time is removed, and the event says so", () => {
    expect(removeFutureTime(at(noonMs + SKEW_MS + 1), noonMs)).toStrictEqual({
      ...event,
      data: { ...event.data, createdAtReplaced: true },
    });
  });
});

describe("What is kept of a report that is not clear", () => {
  test("It has the kind and the body, and what the provider named", () => {
    expect(unclearReport("unrecognised", { a: 1 }, {})).toStrictEqual({
      ...{ kind: "unrecognised", body: '{"a":1}' },
    });
    const named = { status: "ODD", eventType: "LOGIN" };
    expect(unclearReport("contradictory", {}, named)).toStrictEqual({
      ...{ kind: "contradictory", body: "{}", ...named },
    });
  });

  test("A status and a body that are too long are cut", () => {
    const body = { text: "x".repeat(1_000) };
    const report = unclearReport("unrecognised", body, { status: "s".repeat(257) });
    expect(report.status).toBe("s".repeat(256));
    expect(report.body).toBe(`{"text":"${"x".repeat(1_000 - '{"text":"'.length)}`);
    const whole = { text: "x".repeat(1_000 - '{"text":""}'.length) };
    const kept = unclearReport("unrecognised", whole, { status: "s".repeat(256) });
    expect([kept.status?.length, kept.body]).toEqual([256, JSON.stringify(whole)]);
  });

  test("A character that is cut in two leaves no half of it", () => {
    const body = { t: `${"x".repeat(1_000 - '{"t":"'.length - 1)}\u{1f600}` };
    const { body: kept } = unclearReport("unrecognised", body, {});
    expect([kept.length, kept.at(-1), kept.isWellFormed()]).toEqual([1_000, "\ufffd", true]);
  });
});
