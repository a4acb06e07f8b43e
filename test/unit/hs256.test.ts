import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { signHs256, verifiedClaims } from "../../shared/core/crypto/hs256.ts";
import { tokenOf, unsignedToken } from "../support/payloads/forged-tokens.ts";

const SECRET = "your-256-bit-secret";
const NOW_S = 1_782_388_800;
const nowMs = NOW_S * 1_000;

/** The example of jwt.io. */
const example = {
  claims: { sub: "1234567890", name: "John Doe", iat: 1_516_239_022 },
  token: [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ",
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
  ].join("."),
};

const header = { alg: "HS256", typ: "JWT" };
const claims = { sub: "cl_1" };
const signed = (of: object) => tokenOf({ header, claims: of, key: SECRET });
const verify = (token: string, atMs = nowMs) => verifiedClaims(token, [SECRET], atMs);

/** A token of these parts with the right signature. */
function ofParts(...parts: string[]): string {
  const text = parts.join(".");
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}
const part = (text: string) => Buffer.from(text).toString("base64url");

describe("A token that is signed with HS256", () => {
  test("The published example is verified, and signed in the same way", () => {
    expect(verify(example.token)).toStrictEqual(example.claims);
    expect(signHs256(example.claims, SECRET)).toBe(example.token);
  });

  test("Any of several secrets verifies a token, and none verifies nothing", () => {
    expect(verifiedClaims(example.token, ["old", SECRET, "new"], nowMs)).toEqual(example.claims);
    expect(verifiedClaims(example.token, ["old", "new"], nowMs)).toBeUndefined();
    expect(verifiedClaims(example.token, [], nowMs)).toBeUndefined();
  });

  test("The headers that point to keys are ignored", () => {
    const pointing = { ...header, kid: "k", jku: "https://a.example", x5u: "https://a.example" };
    expect(verify(tokenOf({ header: pointing, claims, key: SECRET }))).toEqual(claims);
    expect(verify(ofParts(part('{"alg":"HS256"}'), part("{}")))).toEqual({});
  });

  const { token } = example;
  const refused: [name: string, token: string][] = [
    ["of another secret", tokenOf({ header, claims, key: "other" })],
    ["of another algorithm", tokenOf({ header: { alg: "HS512" }, claims, key: SECRET })],
    ["of the algorithm none", unsignedToken("none", claims)],
    ["without an algorithm", tokenOf({ header: { typ: "JWT" }, claims, key: SECRET })],
    ["with an algorithm in lower case", tokenOf({ header: { alg: "hs256" }, claims, key: SECRET })],
    ["with crit", tokenOf({ header: { ...header, crit: ["exp"] }, claims, key: SECRET })],
    ["with a crit of null", tokenOf({ header: { ...header, crit: null }, claims, key: SECRET })],
    ["without a signature", unsignedToken("HS256", claims)],
    ["of two parts", token.split(".").slice(0, 2).join(".")],
    ["of four parts", `${token}.`],
    ["with a padded signature", `${token}=`],
    ["with other claims", token.replace(".eyJzdWIi", ".eyJzdWIj")],
    ["of nothing", ""],
    ["of empty parts", ofParts("", "")],
    ["without a header", ofParts("", part("{}"))],
    ["without claims", ofParts(part('{"alg":"HS256"}'), "")],
    ["whose header is no JSON", ofParts(part("HS256"), part("{}"))],
    ["whose header is a list", ofParts(part("[]"), part("{}"))],
    ["whose claims are no JSON", ofParts(part('{"alg":"HS256"}'), part("{"))],
    ["whose claims are a list", ofParts(part('{"alg":"HS256"}'), part("[]"))],
    ["whose claims are padded", ofParts(part('{"alg":"HS256"}'), "e30=")],
    ["whose header is padded", ofParts(`${part('{"alg":"HS256" }')}=`, part("{}"))],
  ];
  test.each(refused)("A token %s is refused", (_, forged) => {
    expect(verify(forged)).toBeUndefined();
  });
});

describe("The times of a token", () => {
  test("A token is refused from 30 seconds after its exp", () => {
    const token = signed({ exp: NOW_S });
    expect(verify(token, nowMs + 29_999)).toEqual({ exp: NOW_S });
    expect(verify(token, nowMs + 30_000)).toBeUndefined();
  });

  test("A token is refused until 30 seconds before its nbf", () => {
    const token = signed({ nbf: NOW_S });
    expect(verify(token, nowMs - 30_001)).toBeUndefined();
    expect(verify(token, nowMs - 30_000)).toEqual({ nbf: NOW_S });
  });

  test("A token is verified between its nbf and its exp, and needs none of them", () => {
    const both = { nbf: NOW_S - 1, exp: NOW_S + 1 };
    expect(verify(signed(both))).toEqual(both);
    expect(verify(signed({ nbf: NOW_S + 60, exp: NOW_S + 120 }))).toBeUndefined();
    expect(verify(signed({ nbf: NOW_S - 120, exp: NOW_S - 60 }))).toBeUndefined();
    expect(verify(signed({ exp: 0 }))).toBeUndefined();
    expect(verify(signed({ nbf: 0 }))).toEqual({ nbf: 0 });
  });

  // RFC 7519, section 2: a NumericDate is a JSON number, which need not be an integer. So write
  // json.dumps of a float in Python, and Jackson of a double in Java.
  test.each([".0", "e0", ".25"])("A time with %s at its end is a time", (end) => {
    const at = (seconds: number) => JSON.rawJSON(`${seconds}${end}`);
    expect(verify(signed({ exp: at(NOW_S), nbf: at(NOW_S) }))).toBeDefined();
    expect(verify(signed({ exp: at(NOW_S - 31) }))).toBeUndefined();
    expect(verify(signed({ nbf: at(NOW_S + 31) }))).toBeUndefined();
    expect(verify(signed({ exp: JSON.rawJSON("1.78238880E9") }))).toBeDefined();
  });

  test.each([String(NOW_S), null, true, {}, JSON.rawJSON("1e400")])(
    "A token whose exp or nbf is %j is refused",
    (time) => {
      expect(verify(signed({ exp: time }))).toBeUndefined();
      expect(verify(signed({ nbf: time }))).toBeUndefined();
    },
  );
});
