import { createHash, createHmac, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../../local/loopback.ts";
import type { InboundHashForm } from "../../shared/contracts/webhook-forms.ts";
import { pythonJson } from "../../shared/core/json/python-json.ts";
import { tokenOf, unsignedToken } from "../support/payloads/forged-tokens.ts";
import {
  type Address,
  type Answer,
  hmacOf,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
  withHash,
} from "../support/runs/inbound-run.ts";

/** Part of every body here, so that a search finds any part of a body in a log. */
const canary = "canary-7f3a";
const jwt = { alg: "HS256", typ: "JWT" };

let inbound: InboundRun;
let strict: Address;
let lenient: Address;
/** A server to which `jku` and `x5u` point; it counts its requests. */
let elsewhere: { url: string; visits: () => number; close(): void };
beforeAll(async () => {
  inbound = await startInboundRun();
  strict = await inbound.connect({ provider: "we-link" });
  lenient = await inbound.connect({ provider: "we-link", settings: { allowUnboundJwt: true } });
  let visits = 0;
  const server = createServer((_request, response) => {
    visits++;
    response.end("{}");
  });
  const url = `http://${await listen(server, 0)}`;
  elsewhere = { url, visits: () => visits, close: () => server.close() };
});
afterAll(async () => {
  elsewhere.close();
  await inbound.close();
});

let count = 0;
const nextBody = () => ({
  status: "SUCCESS",
  request_id: `${canary}-${++count}`,
  result: { n: 1 },
});
type Body = ReturnType<typeof nextBody>;

const seconds = () => Math.floor(Date.now() / 1000);
const sha256 = (text: string) => createHash("sha256").update(text);
const sign = (claims: object, secret: string, header: object = jwt) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ ...jwt, ...header })
    .sign(new TextEncoder().encode(secret));

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();

/** Returns the `hash` of a forged webhook, or `undefined` for a webhook without one. */
type Forge = (of: { body: Body; text: string; secret: string }) => unknown;

const forgedHmacs: Record<string, Forge> = {
  "wrong secret": ({ text }) => hmacOf(text, "another secret"),
  "the empty secret": ({ text }) => hmacOf(text, ""),
  "no hash": () => undefined,
  "empty hash": () => "",
  "hash null": () => null,
  "hash a number": () => 7,
  "hash a list with the right one": ({ text, secret }) => [hmacOf(text, secret)],
  "hash of another body": ({ text, secret }) => hmacOf(text.replace("SUCCESS", "FAILED"), secret),
  "hash of the body with the empty hash in it": ({ text, secret }) =>
    hmacOf(withHash(text, ""), secret),
  "the plain digest": ({ text }) => sha256(text).digest("hex"),
  "SHA-1, 40 digits": ({ text, secret }) => hmacOf(text, secret, "sha1"),
  "SHA-512": ({ text, secret }) => hmacOf(text, secret, "sha512"),
  "upper-case hex": ({ text, secret }) => hmacOf(text, secret).toUpperCase(),
  "a digit short": ({ text, secret }) => hmacOf(text, secret).slice(1),
  "trailing zeros": ({ text, secret }) => `${hmacOf(text, secret)}00`,
  "trailing newline": ({ text, secret }) => `${hmacOf(text, secret)}\n`,
  "trailing NUL": ({ text, secret }) => `${hmacOf(text, secret)}\0`,
  "leading space": ({ text, secret }) => ` ${hmacOf(text, secret)}`,
  "a prefix": ({ text, secret }) => `sha256=${hmacOf(text, secret)}`,
  base64: ({ text, secret }) => createHmac("sha256", secret).update(text).digest("base64"),
  "full-width digits": ({ text, secret }) =>
    hmacOf(text, secret).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  "Arabic digits": ({ text, secret }) =>
    hmacOf(text, secret).replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit))),
};

const forgedTokens: Record<string, Forge> = {
  "alg none": ({ body }) => new UnsecuredJWT({ ...body }).encode(),
  "alg None": ({ body }) => unsignedToken("None", body),
  "alg NONE": ({ body }) => unsignedToken("NONE", body),
  "alg none, signed all the same": ({ body, secret }) =>
    tokenOf({ header: { alg: "none" }, claims: body, key: secret }),
  "alg HS256, no signature": ({ body }) => unsignedToken("HS256", body),
  "no alg": ({ body, secret }) => tokenOf({ header: { typ: "JWT" }, claims: body, key: secret }),
  "alg hs256": ({ body, secret }) =>
    tokenOf({ header: { alg: "hs256" }, claims: body, key: secret }),
  "alg a list": ({ body, secret }) =>
    tokenOf({ header: { alg: ["HS256"] }, claims: body, key: secret }),
  "RS256 with the secret as key": ({ body, secret }) =>
    tokenOf({ header: { alg: "RS256" }, claims: body, key: secret }),
  "RS256 of a forger's": ({ body }) =>
    new SignJWT({ ...body }).setProtectedHeader({ alg: "RS256" }).sign(rsa.privateKey),
  "ES256 of a forger's": ({ body }) =>
    new SignJWT({ ...body }).setProtectedHeader({ alg: "ES256" }).sign(ec.privateKey),
  "HS256 with a public key as secret": ({ body }) => sign(body, publicPem),
  HS384: ({ body, secret }) =>
    tokenOf({ header: { alg: "HS384" }, claims: body, key: secret, algorithm: "sha384" }),
  HS512: ({ body, secret }) =>
    tokenOf({ header: { alg: "HS512" }, claims: body, key: secret, algorithm: "sha512" }),
  "HS256 that is HS512": ({ body, secret }) =>
    tokenOf({ header: jwt, claims: body, key: secret, algorithm: "sha512" }),
  "HS512 that is HS256": ({ body, secret }) =>
    tokenOf({ header: { alg: "HS512" }, claims: body, key: secret }),
  crit: ({ body, secret }) =>
    tokenOf({ header: { ...jwt, crit: ["exp"] }, claims: body, key: secret }),
  "crit b64": ({ body, secret }) =>
    tokenOf({ header: { ...jwt, b64: false, crit: ["b64"] }, claims: body, key: secret }),
  "wrong secret": ({ body }) => sign(body, "another secret"),
  "the empty secret": ({ body }) => tokenOf({ header: jwt, claims: body, key: "" }),
  "jku elsewhere": ({ body }) => sign(body, "theirs", { jku: `${elsewhere.url}/jwks.json` }),
  "x5u elsewhere": ({ body }) => sign(body, "theirs", { x5u: `${elsewhere.url}/cert.pem` }),
  "its own jwk": ({ body }) =>
    sign(body, "theirs", { jwk: { kty: "oct", k: Buffer.from("theirs").toString("base64url") } }),
  "kid a path": ({ body }) =>
    tokenOf({ header: { ...jwt, kid: "../../../dev/null" }, claims: body, key: "" }),
  "kid a query": ({ body }) => sign(body, "theirs", { kid: "x' UNION SELECT 'theirs" }),
  "for another request": ({ body, secret }) => sign({ ...body, request_id: "another" }, secret),
  "of another body": ({ body, secret }) => sign({ ...body, result: { n: 2 } }, secret),
  "another body's digest": ({ body, secret }) =>
    sign({ request_id: body.request_id, digest: sha256("another").digest("hex") }, secret),
  "a part of the body": ({ body, secret }) =>
    sign({ status: body.status, result: body.result }, secret),
  "unbound: of the request alone": ({ body, secret }) =>
    sign({ request_id: body.request_id }, secret),
  "no claims": ({ secret }) => sign({}, secret),
  expired: ({ body, secret }) => sign({ ...body, exp: seconds() - 31 }, secret),
  "nbf in the future": ({ body, secret }) => sign({ ...body, nbf: seconds() + 60 }, secret),
  "exp as text": ({ body, secret }) =>
    tokenOf({ header: jwt, claims: { ...body, exp: String(seconds() + 60) }, key: secret }),
  "exp null": ({ body, secret }) =>
    tokenOf({ header: jwt, claims: { ...body, exp: null }, key: secret }),
  "claims in another spelling of Base64, signed": ({ body, secret }) => {
    const [header, claims] = tokenOf({ header: jwt, claims: body, key: secret }).split(".");
    const text = `${header}.${claims}=`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  },
  "two parts": async ({ body, secret }) =>
    (await sign(body, secret)).split(".").slice(0, 2).join("."),
  "four parts": async ({ body, secret }) => `${await sign(body, secret)}.`,
  "a trailing newline": async ({ body, secret }) => `${await sign(body, secret)}\n`,
  "a padded signature": async ({ body, secret }) => `${await sign(body, secret)}=`,
  "claims exchanged": async ({ body, secret }) => {
    const [header, , signature] = (await sign({ request_id: "other" }, secret)).split(".");
    return `${header}.${Buffer.from(JSON.stringify(body)).toString("base64url")}.${signature}`;
  },
};

/** Whole bodies, which are invalid in another way than by the value of `hash`. */
const forgedTexts: Record<string, (of: { text: string; secret: string }) => string> = {
  "one character changed": ({ text, secret }) => signed(text, secret).replace("SUCCESS", "SUCCESs"),
  "a member added": ({ text, secret }) => signed(text, secret).replace("{", '{"more":1,'),
  "a second hash in front": ({ text, secret }) => signed(text, secret).replace("{", '{"hash":"x",'),
  "a second hash, spelled otherwise": ({ text, secret }) =>
    signed(text, secret).replace("{", `{"h\\u0061sh":"${hmacOf(text, secret)}",`),
  "the hash inside the result": ({ text, secret }) =>
    text.replace('"n":1', `"n":1,"hash":"${hmacOf(text, secret)}"`),
  HASH: ({ text, secret }) => signed(text, secret).replace('"hash"', '"HASH"'),
};

const answers: Answer[] = [];
const canaries = new Set<string>();

async function refused(
  name: string,
  address: Address,
  text: string,
  subject: string,
  hash?: unknown,
) {
  const answer = await postTo(address.url, text);
  expect([name, answer.status]).toEqual([name, 401]);
  answers.push(answer);
  await inbound.events(isAbout(subject), 0);
  if (typeof hash === "string" && hash.length > 20) canaries.add(hash);
}

const forgedHashes = { ...forgedHmacs, ...prefixed("JWT, ", forgedTokens) };

describe("Forged hashes", () => {
  test.each(Object.keys(forgedHashes))(
    "A webhook with a forged hash is rejected (G10): %s",
    async (name) => {
      const body = nextBody();
      const text = JSON.stringify(body);
      const hash = await forgedHashes[name]?.({ body, text, secret: strict.secret });
      await refused(
        name,
        strict,
        hash === undefined ? text : withHash(text, hash),
        body.request_id,
        hash,
      );
    },
  );

  test.each(Object.keys(forgedTexts))(
    "A webhook with a forged body is rejected: %s",
    async (name) => {
      const body = nextBody();
      const text = forgedTexts[name]?.({ text: JSON.stringify(body), secret: strict.secret }) ?? "";
      await refused(name, strict, text, body.request_id);
    },
  );

  test("A JWT that binds only another request id is rejected although the connection allows unbound JWTs", async () => {
    const body = nextBody();
    for (const claims of [
      { request_id: "other" },
      { sub: body.request_id },
      { requestId: body.request_id, request_id: "other" },
    ]) {
      const hash = await sign(claims, lenient.secret);
      await refused(
        "bodyNotSigned",
        lenient,
        withHash(JSON.stringify(body), hash),
        body.request_id,
        hash,
      );
    }
  });
});

describe("Accepted JWTs", () => {
  const accepted: Record<string, (of: { body: Body; text: string }) => object> = {
    "with the body's digest in hex": ({ text }) => ({ digest: sha256(text).digest("hex") }),
    "with the body's digest in Base64": ({ text }) => ({
      body_hash: sha256(text).digest("base64"),
    }),
    "with the body's digest in Base64url": ({ text }) => ({
      sha256: sha256(text).digest("base64url"),
    }),
    "with the digest as Python writes the body": ({ body }) => ({
      digest: sha256(pythonJson(JSON.stringify(body))).digest("hex"),
    }),
    "with the body as a claim": ({ body }) => ({ payload: body }),
    "with the body's text as a claim": ({ text }) => ({ data: text }),
    "with the body's members as claims": ({ body }) => ({ ...body, iat: seconds() }),
    "not yet expired": ({ body }) => ({ ...body, exp: seconds() + 60, nbf: seconds() - 60 }),
    "within the tolerance of 30 s": ({ body }) => ({
      ...body,
      exp: seconds() - 10,
      nbf: seconds() + 10,
    }),
  };

  test.each(Object.keys(accepted))("A webhook is accepted with a JWT %s", async (name) => {
    const body = nextBody();
    const text = JSON.stringify(body);
    const hash = await sign(accepted[name]?.({ body, text }) ?? {}, strict.secret);
    expect((await postTo(strict.url, withHash(text, hash))).status).toBe(200);
    await inbound.events(isAbout(body.request_id), 1);
  });

  test("A JWT that binds only the request id is accepted when the connection allows it", async () => {
    const body = nextBody();
    const hash = await sign({ request_id: body.request_id }, lenient.secret);
    expect((await postTo(lenient.url, withHash(JSON.stringify(body), hash))).status).toBe(200);
    await inbound.events(isAbout(body.request_id), 1);
  });

  test("The keys that the header of a JWT refers to are not fetched", async () => {
    const body = nextBody();
    const header = { kid: "../x", jku: elsewhere.url, x5u: elsewhere.url };
    const hash = await sign(body, strict.secret, header);
    expect((await postTo(strict.url, withHash(JSON.stringify(body), hash))).status).toBe(200);
    expect(elsewhere.visits()).toBe(0);
  });
});

describe("Connections pinned to one hash form", () => {
  const forms: Record<InboundHashForm, (text: string, secret: string) => string | Promise<string>> =
    {
      raw: (text, secret) => hmacOf(text, secret),
      json: (text, secret) => hmacOf(JSON.stringify(JSON.parse(text)), secret),
      python: (text, secret) => hmacOf(pythonJson(text), secret),
      jwt: (text, secret) => sign(JSON.parse(text) as object, secret),
    };

  test.each(Object.keys(forms) as InboundHashForm[])(
    "A connection pinned to the hash form %s rejects the other forms",
    async (pinned) => {
      const { url, secret } = await inbound.connect({
        provider: "we-link",
        settings: { hashForms: [pinned] },
      });
      for (const form of Object.keys(forms) as InboundHashForm[]) {
        // Each form signs different bytes of this text.
        const text = `{ "status":"SUCCESS", "request_id":"${canary}-${++count}", "name":"Zoë" }`;
        const answer = await postTo(url, withHash(text, await forms[form](text, secret)));
        expect([form, answer.status]).toEqual([form, form === pinned ? 200 : 401]);
      }
    },
  );
});

describe("Webhooks of another connection", () => {
  test("A valid body is rejected at another client's connection, and a mixed or changed address is answered 404", async () => {
    const theirs = await inbound.connect({
      provider: "we-link",
      clientId: await inbound.newClient("other"),
    });
    const body = nextBody();
    const text = signed(body, strict.secret);
    await refused("another's connection", theirs, text, body.request_id);
    const unknown = [
      strict.url.replace(strict.token, theirs.token),
      strict.url.replace(strict.connectionId, theirs.connectionId),
      strict.url.replace("we-link", "linked-api"),
      strict.url.replace("we-link", "__proto__"),
      strict.url.replace(strict.connectionId, "cn_0000000000000000"),
      strict.url.replace(strict.token, strict.token.toUpperCase()),
      strict.url.replace(strict.token, `${strict.token}0`),
      strict.url.replace(strict.token, "%00"),
      strict.url.replace(strict.token, strict.token.slice(1)),
    ];
    const texts = new Set<string>();
    for (const url of unknown) {
      const answer = await postTo(url, text);
      expect([url.replace(inbound.apiUrl, ""), answer.status]).toEqual([expect.any(String), 404]);
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
    await inbound.events(isAbout(body.request_id), 0);
  });
});

describe("Effects of rejected webhooks", () => {
  test("Every rejected hash has the same response", () => {
    const all = new Set(answers.map(({ text, contentType }) => `${contentType} ${text}`));
    const title = "The signature does not match";
    const text = JSON.stringify({
      type: "about:blank",
      title,
      status: 401,
      code: "SIGNATURE_REJECTED",
    });
    expect([...all]).toEqual([`application/problem+json ${text}`]);
    expect(answers.length).toBeGreaterThan(60);
  });

  test("No rejected webhook is published, and each accepted one is published once", () =>
    inbound.nothingMore());

  test("No token, secret, body or hash of a webhook is in a log", () => {
    const log = inbound.run.logged() + inbound.run.printed.join("\n");
    expect(log.match(/SIGNATURE_REJECTED/g)?.length).toBeGreaterThanOrEqual(answers.length);
    expect(canaries.size).toBeGreaterThan(50);
    const secrets = [strict, lenient].flatMap(({ secret, token }) => [secret, token]);
    const found = [canary, ...secrets, ...canaries].filter((secret) => log.includes(secret));
    expect(found).toEqual([]);
    expect(elsewhere.visits()).toBe(0);
  });
});

function prefixed(prefix: string, forges: Record<string, Forge>): Record<string, Forge> {
  return Object.fromEntries(Object.entries(forges).map(([name, forge]) => [prefix + name, forge]));
}
