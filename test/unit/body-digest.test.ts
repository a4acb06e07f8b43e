import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { keyedDigest, plainDigest } from "../../shared/core/requests/acceptance/body-digest.ts";

const BODY = '{"password":"secret"}';
const keys = new Map([
  ["k1", "the older master key"],
  ["k2", "the newer master key"],
]);
function keyed(keyId: string, body = BODY): string {
  const mac = createHmac("sha256", keys.get(keyId) ?? "").update(`ackwire/body ${body}`);
  return `${keyId}.${mac.digest("hex")}`;
}

describe("The digest of a body without secrets", () => {
  test("It is the body's SHA-256, and that of the same body only", () => {
    const { text, matches } = plainDigest(BODY);
    expect(text).toBe(sha256Hex(BODY));
    expect(matches(sha256Hex(BODY))).toBe(true);
    expect(matches(sha256Hex(`${BODY} `))).toBe(false);
  });
});

describe("The digest of a body with a secret", () => {
  test("It is made with the current master key, whose id it names", () => {
    const { text, matches } = keyedDigest({ current: "k2", keys }, BODY);
    expect(text).toBe(keyed("k2"));
    expect(matches(text)).toBe(true);
  });

  test("A digest that was made with an older master key is of the same body", () => {
    const { matches } = keyedDigest({ current: "k2", keys }, BODY);
    expect(matches(keyed("k1"))).toBe(true);
    expect(matches(keyed("k1", `${BODY} `))).toBe(false);
    expect(matches(keyed("k2", `${BODY} `))).toBe(false);
  });

  test.each([
    ["whose master key is gone", keyed("k1").replace("k1", "k3")],
    ["that names another master key", keyed("k1").replace("k1", "k2")],
    ["that was made without a key", sha256Hex(BODY)],
    ["that is empty", ""],
  ])("A digest %s is of no body", (_, kept) => {
    expect(keyedDigest({ current: "k2", keys }, BODY).matches(kept)).toBe(false);
  });

  test("There is none without the current master key", () => {
    expect(() => keyedDigest({ current: "k3", keys }, BODY)).toThrow(
      "The master secret has no current key",
    );
  });
});
