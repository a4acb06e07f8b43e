import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashForm } from "../../shared/contracts/webhook-forms.ts";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import type { VerificationInput } from "../../shared/core/providers/provider-pack.ts";
import { hmacHex, verifyWeLink } from "../../shared/providers/we-link/hash.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const SECRET = "the secret code";
const nowMs = Date.UTC(2026, 5, 25, 12);
const invalid = { kind: "invalid" };
const byJwt = { kind: "verified", form: "jwt" };

interface Given extends Partial<Omit<VerificationInput, "settings">> {
  settings?: Partial<VerificationInput["settings"]>;
}

function verify(text: string, { settings, ...given }: Given = {}) {
  return verifyWeLink(webhookOf(text), {
    secrets: [SECRET],
    settings: { hashForms: hashForm.options, allowUnboundJwt: false, ...settings },
    nowMs,
    ...given,
  });
}

/** The body with this hash as its last member. */
const withHash = (text: string, hash: string) => `${text.slice(0, -1)},"hash":"${hash}"}`;
const withHmac = (text: string, signed: string, secret = SECRET) =>
  withHash(text, hmacHex(secret, signed));

test("The HMAC of a text is the one of RFC 4231, test case 2, in hex", () => {
  expect(hmacHex("Jefe", "what do ya want for nothing?")).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

describe("A hash that is an HMAC", () => {
  const compact = '{"status":"SUCCESS","request_id":"r"}';
  const spaced = '{ "status":"SUCCESS", "request_id":"r" }';
  const python = '{"status": "SUCCESS", "request_id": "r"}';
  const sorted = '{"request_id":"r","status":"SUCCESS"}';
  const verified = (form: string, encoding: string) => ({ kind: "verified", form, encoding });

  test.each([
    ["the body's own text", spaced, spaced, verified("raw", "raw")],
    ["the text without spaces", spaced, compact, verified("json", "plain sent")],
    ["the text in order", compact, sorted, verified("json", "plain sorted")],
    ["the text as Python writes it", compact, python, verified("python", "python sent")],
    ["another text", compact, `${compact} `, invalid],
  ])("An HMAC over %s is told with how the text was written", (_, sent, signed, expected) => {
    expect(verify(withHmac(sent, signed))).toStrictEqual(expected);
  });

  test("The encoding of the last webhook is tried first", () => {
    const lastEncoding = "plain sent";
    const body = withHmac(compact, compact);
    expect(verify(body)).toStrictEqual(verified("raw", "raw"));
    expect(verify(body, { lastEncoding })).toStrictEqual(verified("json", "plain sent"));
  });

  test("Only the forms of the connection are taken", () => {
    const body = withHmac(spaced, spaced);
    expect(verify(body, { settings: { hashForms: ["raw"] } }).kind).toBe("verified");
    const others = hashForm.options.filter((form) => form !== "raw");
    expect(verify(body, { settings: { hashForms: others } })).toStrictEqual(invalid);
    expect(verify(body, { settings: { hashForms: [] } })).toStrictEqual(invalid);
  });

  test("Any of the connection's secrets may have signed", () => {
    const body = withHmac(compact, compact, "another");
    expect(verify(body, { secrets: [SECRET, "another", "old"] }).kind).toBe("verified");
    expect(verify(body)).toStrictEqual(invalid);
  });

  test("A number that was parsed into text is not signed as a text", () => {
    const sent = '{"b":12345678901234567890,"a":"x"}';
    const inOrder = '{"a":"x","b":"12345678901234567890"}';
    expect(verify(withHmac(sent, sent))).toStrictEqual(verified("raw", "raw"));
    expect(verify(withHmac(sent, inOrder))).toStrictEqual(invalid);
    const unlike = '{"b":"12345678901234567890","a":"x"}';
    expect(verify(withHmac(unlike, inOrder))).toStrictEqual(verified("json", "plain sorted"));
  });
});

describe("A hash that is a token", () => {
  const body = { status: "SUCCESS", request_id: "r", result: { n: 1 } };
  const text = JSON.stringify(body);
  const withClaims = (claims: object, of = text) => withHash(of, signHs256(claims, SECRET));
  const digest = createHash("sha256").update(text).digest();
  const seconds = nowMs / 1_000;

  const binding: [name: string, claims: object][] = [
    ["the body's members", body],
    ["the body's members and a placeholder of the hash", { ...body, hash: "" }],
    [
      "the body's members and its own registered claims",
      {
        ...{ ...body, iss: "we-link", sub: "s", aud: "a", jti: "j" },
        ...{ exp: seconds + 60, nbf: seconds - 60, iat: seconds },
      },
    ],
    ["the body as payload", { payload: body, iat: seconds }],
    ["the body as data", { data: { ...body, hash: "" } }],
    ["the body as body", { body, payload: "another" }],
    ["the body's digest in hex", { digest: digest.toString("hex"), iat: seconds }],
    ["the body's digest in Base64", { digest: digest.toString("base64") }],
    ["the body's digest in Base64url", { any: digest.toString("base64url") }],
    ["the body's text", { any: text }],
    ["the digest of the body as Python writes it", { any: digestOf(pythonText(text)) }],
  ];
  test.each(binding)("A token whose claims have %s verifies the body", (_, claims) => {
    expect(verify(withClaims(claims))).toStrictEqual(byJwt);
  });

  const loose: [name: string, claims: object][] = [
    ["no claim", {}],
    ["only registered claims", { iat: seconds }],
    ["another body", { ...body, request_id: "r2" }],
    ["a part of the body without its id", { status: "SUCCESS", result: { n: 1 } }],
    ["the digest of another body", { digest: digestOf("{}") }],
    ["a digest that is cut", { digest: digest.toString("hex").slice(1) }],
    ["a digest in upper case", { digest: digest.toString("hex").toUpperCase() }],
    ["a digest in a list", { digest: [digest.toString("hex")] }],
    ["the body under another name", { content: body }],
    ["the body in a list", { payload: [body] }],
    ["the id of another request", { request_id: "r2" }],
    ["the ids of two requests, of which one is another", { request_id: "r", requestId: "r2" }],
  ];
  test.each(loose)("A token whose claims have %s is always invalid", (_, claims) => {
    expect(verify(withClaims(claims))).toStrictEqual(invalid);
    const settings = { allowUnboundJwt: true };
    expect(verify(withClaims(claims), { settings })).toStrictEqual(invalid);
  });

  test.each([
    [{ request_id: "r" }],
    [{ requestId: "r", request_id: "r" }],
    [{ data: { request_id: "r" } }],
    [{ ...body, status: "FAILED" }],
  ])("A token that names the request alone, as %j, does not sign the body", (claims) => {
    const sent = withClaims(claims);
    const settings = { allowUnboundJwt: true };
    expect(verify(sent)).toStrictEqual({ kind: "bodyNotSigned", form: "jwt" });
    expect(verify(sent, { settings })).toStrictEqual(byJwt);
  });

  test("A registered claim that the body has as its member must be signed", () => {
    const sent = JSON.stringify({ ...body, jti: "1" });
    expect(verify(withClaims({ ...body, jti: "1" }, sent))).toStrictEqual(byJwt);
    const unsigned = { kind: "bodyNotSigned", form: "jwt" };
    expect(verify(withClaims(body, sent))).toStrictEqual(unsigned);
    expect(verify(withClaims({ ...body, jti: "2" }, sent))).toStrictEqual(unsigned);
  });

  test("A token is taken only where it is a form of the connection, and in its time", () => {
    const sent = withClaims({ ...body, exp: seconds });
    expect(verify(sent, { settings: { hashForms: ["jwt"] } })).toStrictEqual(byJwt);
    const hmacs = hashForm.options.filter((form) => form !== "jwt");
    expect(verify(sent, { settings: { hashForms: hmacs } })).toStrictEqual(invalid);
    expect(verify(sent, { nowMs: nowMs + 30_000 })).toStrictEqual(invalid);
    expect(verify(sent, { secrets: ["another"] })).toStrictEqual(invalid);
  });

  test.each(["", "a", "a.b", "a.b.c", "a.b.c.d"])("The hash %j is no token", (hash) => {
    expect(verify(withHash(text, hash))).toStrictEqual(invalid);
  });
});

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function pythonText(text: string): string {
  return text.replaceAll(",", ", ").replaceAll(":", ": ");
}
