import { createHmac } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { jwtVerify, SignJWT } from "jose";
import { expect, test } from "vitest";
import { signHs256, verifiedClaims } from "../../shared/core/crypto/hs256.ts";
import { canonicalJson, type JsonObject, parseJsonObject } from "../../shared/core/json/json.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { isProven } from "../support/payloads/webhooks.ts";
import { runs } from "../support/runs/runs.ts";

const value = fc.jsonValue({ maxDepth: 2 });
const body = fc
  .tuple(
    fc.string({ unit: "binary" }),
    value,
    fc.string({ minLength: 1 }),
    fc.string({ minLength: 1 }),
  )
  .map(
    ([key, more, request_id, status]): JsonObject => ({
      request_id,
      status,
      // An object made by JSON: its `__proto__` is a member like any other.
      ...(JSON.parse(JSON.stringify({ result: { [key]: more } })) as JsonObject),
    }),
  );
const secret = fc.string({ minLength: 1, maxLength: 40 });
const nowMs = Date.UTC(2026, 5, 25);

/** Whether two texts are the same object: then it is its sender's, however it is spelled and its numbers are written. */
const meansTheSame = (one: string, other: string): boolean => {
  try {
    return isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
  } catch {
    return false;
  }
};

const isAccepted = (text: string, key: string): boolean => {
  try {
    return isProven(text, [key], { nowMs });
  } catch {
    return false;
  }
};

/** One character changed, put in, or taken out. */
const change = fc.tuple(
  fc.nat(),
  fc.constantFrom("replace", "insert", "remove"),
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 1 }),
    fc.constantFrom('"', "\\", ",", "{", "}", "0", "f", ".", "=", " "),
  ),
);
function tampered(text: string, [at, how, char]: [number, string, string]): string {
  const place = at % text.length;
  const rest = text.slice(how === "insert" ? place : place + 1);
  return text.slice(0, place) + (how === "remove" ? "" : char) + rest;
}

/** As it was read from a text, so that numbers are spelled alike on both sides. */
const asRead = (value: object) =>
  canonicalJson(parseJsonObject(Buffer.from(JSON.stringify(value))).value);

const tokenOf = (claims: JsonObject, key: string) => signHs256(claims, key);
const withToken = (of: JsonObject, token: string) => {
  const text = JSON.stringify(of);
  return `${text.slice(0, -1)},"hash":"${token}"}`;
};

test("HMAC: a body that is signed with a secret is verified with it and with no other secret", () => {
  fc.assert(
    fc.property(body, secret, secret, (of, right, wrong) => {
      const text = JSON.stringify(of);
      const hash = createHmac("sha256", right).update(text).digest("hex");
      expect(signWeLink(of, right)).toBe(`${text.slice(0, -1)},"hash":"${hash}"}`);
      expect(isProven(signWeLink(of, right), [right])).toBe(true);
      expect(isProven(signWeLink(of, right), [wrong])).toBe(wrong === right);
    }),
    runs(10_000),
  );
});

test("HMAC: a body that one changed character makes another object is refused", () => {
  fc.assert(
    fc.property(body, secret, change, (of, key, how) => {
      const text = signWeLink(of, key);
      const changed = tampered(text, how);
      fc.pre(changed !== text);
      if (isAccepted(changed, key)) expect(meansTheSame(changed, text)).toBe(true);
      else expect(isAccepted(text, key)).toBe(true);
    }),
    runs(10_000),
  );
});

test("JWT: a body that is signed with a secret is verified with it and with no other secret", () => {
  fc.assert(
    fc.property(body, secret, secret, (of, right, wrong) => {
      const text = withToken(of, tokenOf(of, right));
      expect(isProven(text, [right], { nowMs })).toBe(true);
      expect(isProven(text, [wrong], { nowMs })).toBe(wrong === right);
    }),
    runs(10_000),
  );
});

test("JWT: a body that one changed character makes another object or another token is refused", () => {
  fc.assert(
    fc.property(body, secret, change, (of, key, how) => {
      const text = withToken(of, tokenOf(of, key));
      const changed = tampered(text, how);
      fc.pre(changed !== text);
      if (isAccepted(changed, key)) expect(meansTheSame(changed, text)).toBe(true);
      else expect(isAccepted(text, key)).toBe(true);
    }),
    runs(10_000),
  );
});

test("JWT: a token with one changed character is refused", () => {
  fc.assert(
    fc.property(body, secret, change, (of, key, how) => {
      const token = tokenOf(of, key);
      const changed = tampered(token, how);
      fc.pre(changed !== token);
      expect(verifiedClaims(token, [key], nowMs)).toBeDefined();
      expect(verifiedClaims(changed, [key], nowMs)).toBeUndefined();
    }),
    runs(10_000),
  );
});

test("jose accepts our tokens, and we accept those of jose", async () => {
  await fc.assert(
    fc.asyncProperty(body, secret, async (of, text) => {
      const key = new TextEncoder().encode(text);
      const { payload } = await jwtVerify(tokenOf(of, text), key, { algorithms: ["HS256"] });
      expect(payload).toEqual(of);
      const token = await new SignJWT(of).setProtectedHeader({ alg: "HS256", kid: text }).sign(key);
      expect(canonicalJson(verifiedClaims(token, [text], nowMs))).toBe(asRead(of));
    }),
    runs(5_000),
  );
});
