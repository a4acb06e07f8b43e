import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { toCommand } from "../../functions/ingest/request.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  signHs256,
  verifiedClaims,
} from "../../shared/core/crypto/hs256.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import { makeConsumeWebhooks } from "../../shared/core/inbound/consume-webhooks.ts";
import {
  SIGNATURE_HEADER,
  signLinkedApi,
  TIMESTAMP_HEADER,
} from "../../shared/providers/linked-api/signature.ts";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { MAX_SIGNED_TEXTS } from "../../shared/providers/we-link/signed-texts.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeTestReader, unjoined } from "../support/fakes/inbound-reader.ts";
import { MAX_BODY_BYTES, makeIngestCore, SECRET } from "../support/fakes/ingest-core.ts";
import { linkedApiWebhook } from "../support/fakes/sender.ts";
import { makeMemoryEventClaims } from "../support/memory/memory-event-claims.ts";
import { hostileBodies } from "../support/payloads/hostile-bodies.ts";
import { inboundMessage } from "../support/simulations/consume-worker.ts";

const signed = (text: string) => `${text.slice(0, -1)},"hash":"${hmacHex(SECRET, text)}"}`;

test("A7 another body under the same id is a conflict, and the first body stays", async () => {
  const clock = makeTestClock();
  const published: FinalEvent[] = [];
  const consume = makeConsumeWebhooks({
    claims: makeMemoryEventClaims({ clock, retentionMs: 86_400_000 }),
    publisher: {
      publish: async (events) => {
        published.push(...events);
        return events.map(() => ({ ok: true }));
      },
    },
    ...unjoined({ clock }),
    clock,
    newOwner: () => "owner",
    claimLeaseMs: 30_000,
  });
  const receivedAtMs = clock.businessMs();
  const first = inboundMessage("A7", { receivedAtMs });
  const bodyBase64 = Buffer.from(linkedApiWebhook("A7", 500)).toString("base64");
  const other = inboundMessage("A7", { receivedAtMs, bodyBase64 });
  expect((await consume([first])).messages).toMatchObject([{ kind: "published" }]);
  expect((await consume([other])).messages).toMatchObject([
    { kind: "duplicate", contentDiffers: true },
  ]);
  expect((await consume([first])).messages).toMatchObject([
    { kind: "duplicate", contentDiffers: false },
  ]);
  expect(published).toHaveLength(1);
  expect(published[0]?.envelope).not.toContain("xxx");
});

describe("A8 bytes that SQS or JSON cannot carry", () => {
  test.each([
    ["a byte that is not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "BODY_NOT_UTF8"],
    ["a surrogate as UTF-8", Buffer.from([0x7b, 0xed, 0xa0, 0x80, 0x7d]), "BODY_NOT_UTF8"],
    ["an overlong NUL", Buffer.from([0x7b, 0xc0, 0x80, 0x7d]), "BODY_NOT_UTF8"],
    ["a bare NUL in a text", Buffer.from('{"a":"\u0000"}'), "BODY_NOT_JSON"],
    ["a bare control character in a text", Buffer.from('{"a":"\u0001"}'), "BODY_NOT_JSON"],
    ["two byte order marks", Buffer.from('\ufeff\ufeff{"a":1}'), "BODY_NOT_JSON"],
    ["a charset that its bytes are not in", Buffer.from([0xff, 0xfe, 0x7b]), "BODY_NOT_UTF8"],
  ])("A8 a body with %s is answered 400", async (_name, body, code) => {
    const { post, queued } = makeIngestCore();
    expect(await post(body)).toMatchObject({ status: 400, code });
    expect(queued).toEqual([]);
  });

  test.each([
    ["a lone surrogate, escaped", '"\\ud800"'],
    ["NUL, escaped", '"\\u0000"'],
    ["characters that XML, and therefore SQS, does not have", '"\ufffe\uffff\u007f"'],
  ])(
    "A8 a body with %s is verified over its raw bytes, queued as Base64, and unchanged in the event",
    async (_name, text) => {
      const { post, queued, events } = makeIngestCore();
      const body = signed(`{"status":"SUCCESS","request_id":"A8","result":${text}}`);
      expect(await post(body)).toMatchObject({ status: 200 });
      expect(Buffer.from(queued[0]?.bodyBase64 ?? "", "base64").toString()).toBe(body);
      const [event] = await events();
      expect(JSON.parse(event?.envelope ?? "").data.result).toBe(JSON.parse(text));
    },
  );
});

test("A9 the same bytes are verified identically as text or as Base64, with headers doubled, joined or in any case", async () => {
  const body = signWeLink({ status: "SUCCESS", request_id: "A9 ü" }, SECRET);
  const event = (over: object) =>
    toCommand(
      {
        ...{ pathParameters: {}, headers: {}, body, isBase64Encoded: false },
        requestContext: { http: { sourceIp: "127.0.0.1" } },
        ...over,
      } as never,
      new AbortController().signal,
    );
  const encoded = { body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
  expect(event({}).body).toEqual(event(encoded).body);
  for (const headers of [
    {},
    { hash: "a,b" },
    { HASH: "a" },
    { "x-signature": "sha256=0,sha256=1" },
  ]) {
    const { post } = makeIngestCore();
    expect(await post(event(encoded).body, headers as Record<string, string>)).toMatchObject({
      status: 200,
    });
  }
});

describe("A10 the limit of a body, in bytes", () => {
  const limited = (bytes: number, filler: string) => {
    const open = '{"status":"SUCCESS","request_id":"A10","result":"';
    const tail = `","hash":"${"0".repeat(64)}"}`;
    const room = bytes - open.length - tail.length;
    const width = Buffer.byteLength(filler);
    const text = `${open}${filler.repeat(Math.floor(room / width))}${"y".repeat(room % width)}"}`;
    return signed(text);
  };
  test.each([
    [-1, "x", 200],
    [0, "x", 200],
    [1, "x", 413],
    [-1, "\u20ac", 200],
    [0, "\u20ac", 200],
    [1, "\u20ac", 413],
  ])(
    "A10 a body whose length is the limit plus %s bytes, filled with %s, is answered %s",
    async (more, filler, status) => {
      const { post, events } = makeIngestCore();
      const body = limited(MAX_BODY_BYTES + more, filler);
      expect(Buffer.byteLength(body)).toBe(MAX_BODY_BYTES + more);
      expect(await post(body)).toMatchObject({ status });
      for (const event of await events()) {
        // One DynamoDB item and one PutEvents entry can carry this size.
        expect(Buffer.byteLength(event.envelope)).toBeLessThan(256_000);
      }
    },
  );
});

describe("A11 the nesting of a body", () => {
  const nested = (depth: number) => {
    const arrays = depth - 1;
    const result = `${"[".repeat(arrays)}${"]".repeat(arrays)}`;
    return signed(`{"status":"SUCCESS","request_id":"A11","result":${result}}`);
  };
  test.each([
    [limits.maxJsonDepth, 200],
    [limits.maxJsonDepth + 1, 400],
    [10_000, 400],
  ])("A11 a body with %s levels of nesting is answered %s", async (depth, status) => {
    const { post, events } = makeIngestCore();
    const code = status === 400 ? { code: "BODY_TOO_DEEP" } : {};
    expect(await post(nested(depth))).toMatchObject({ status, ...code });
    // Every accepted body can also be processed, so that it does not become a poison message.
    const made = await events();
    expect(made).toHaveLength(status === 200 ? 1 : 0);
  });
});

test("A12 the keys __proto__, constructor and prototype are kept unchanged and pollute no prototype", async () => {
  const { post, events } = makeIngestCore();
  const result =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":null}';
  const top = '"__proto__":{"status":"FAILED","polluted":1}';
  const body = signed(`{"status":"SUCCESS","request_id":"A12",${top},"result":${result}}`);
  expect(await post(body)).toMatchObject({ status: 200 });
  const [event] = await events();
  expect(event?.envelope).toContain(`"result":${result}`);
  expect(event?.envelope).toContain('"status":"completed"');
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

describe("A13 numbers and keys that JavaScript would change", () => {
  const eventOf = async (result: string) => {
    const { post, events } = makeIngestCore();
    const body = signed(`{"status":"SUCCESS","request_id":"A13","result":{"n":${result}}}`);
    expect(await post(body)).toMatchObject({ status: 200 });
    const [event] = await events();
    return { event, body };
  };
  test.each(["9007199254740993", "9223372036854775807", "-9223372036854775808", "1.0"])(
    "A13 the number %s is unchanged in the event",
    async (number) => {
      const { event } = await eventOf(number);
      expect(event?.envelope).toContain(`"n":${number}}`);
      expect(event?.raw).toBeUndefined();
    },
  );
  test.each(["12345678901234567890", "9223372036854775808", "1e400", "-1e400"])(
    "A13 the number %s is stored as text and marked, and the exact bytes are kept",
    async (number) => {
      const { event, body } = await eventOf(number);
      expect(event?.envelope).toContain(`"n":"${number}"}`);
      expect(event?.envelope).toContain('"numbersAsText":true');
      expect(Buffer.from(event?.raw ?? []).toString()).toBe(body);
    },
  );
  test("A13 a second hash is refused, and of any other repeated key the last one counts", async () => {
    const good = signed('{"status":"SUCCESS","request_id":"A13"}');
    const { post, events } = makeIngestCore();
    expect(await post(`{"hash":"x",${good.slice(1)}`)).toMatchObject({ status: 401 });
    expect(
      await post(signed('{"status":"FAILED","request_id":"A13","status":"SUCCESS"}')),
    ).toMatchObject({ status: 200 });
    const [event] = await events();
    expect(event?.envelope).toContain('"status":"completed"');
  });
});

/** Counts what `run` reads and signs, which does not depend on the machine's speed. */
async function countWork(run: () => Promise<unknown>) {
  const parse = vi.spyOn(JSON, "parse");
  const update = vi.spyOn(Object.getPrototypeOf(createHmac("sha256", "")), "update");
  // Too many calls for a spy, which stores each of them.
  const { charCodeAt } = String.prototype;
  let readChars = 0;
  String.prototype.charCodeAt = function (this: string, at: number) {
    readChars++;
    return charCodeAt.call(this, at);
  };
  try {
    await run();
    const parsed = parse.mock.calls.map(([text]) => text);
    return { parsed, hmacs: update.mock.calls.length, readChars };
  } finally {
    String.prototype.charCodeAt = charCodeAt;
    parse.mockRestore();
    update.mockRestore();
  }
}

// For the CPU time of each see bench/parse.ts.
test.each(hostileBodies)(
  "A14 a webhook with $name is answered $status, and its body is parsed once and read a fixed number of times",
  async ({ body, status, code, headers }) => {
    const { post } = makeIngestCore();
    let answer: Awaited<ReturnType<typeof post>> | undefined;
    const { parsed, hmacs, readChars } = await countWork(async () => {
      answer = await post(body, headers);
    });
    expect(answer).toMatchObject({ status });
    expect(answer?.code).toBe(code);
    const texts = parsed.filter((text) => text !== answer?.text);
    if (code?.startsWith("BODY_")) {
      expect([texts, hmacs]).toEqual([[], 0]);
    }
    expect(texts.filter((text) => text === body).length).toBeLessThanOrEqual(1);
    // The whole body once, and each key of its outermost object once more.
    expect(texts.join("").length).toBeLessThan(2 * body.length);
    // Less than two passes over the body: one finds its depth, and one escapes characters as Python does.
    expect(readChars).toBeLessThan(2 * body.length);
    // One for each text that is tried, of which a body of this size has a few.
    expect(hmacs).toBeLessThanOrEqual(body.length > 100_000 ? 12 : MAX_SIGNED_TEXTS);
  },
);

describe("A15 invalid signatures are answered 401, all with the same answer", () => {
  const text = '{"status":"SUCCESS","request_id":"A15"}';
  const right = hmacHex(SECRET, text);
  const withHash = (hash: string) => `${text.slice(0, -1)},"hash":${hash}}`;
  const cases: [string, string][] = [
    ["no hash", text],
    ["an empty hash", withHash('""')],
    ["null as hash", withHash("null")],
    ["a number as hash", withHash("1")],
    ["an object as hash", withHash("{}")],
    ["one digit too few", withHash(`"${right.slice(1)}"`)],
    ["one digit too many", withHash(`"${right}0"`)],
    ["the algorithm before the digits", withHash(`"sha256=${right}"`)],
    ["a hash of another algorithm", withHash(`"${"0".repeat(40)}"`)],
    ["Base64 instead of hex", withHash(`"${Buffer.from(right, "hex").toString("base64")}"`)],
    [
      "Arabic digits",
      withHash(`"${right.replace(/\d/g, (d) => String.fromCharCode(0x660 + Number(d)))}"`),
    ],
    ["a space after the hash", withHash(`"${right} "`)],
    ["the hash of another secret", signWeLink({ status: "SUCCESS", request_id: "A15" }, "other")],
  ];
  test("A15 a webhook with the right hash is accepted", async () => {
    expect(await makeIngestCore().post(withHash(`"${right}"`))).toMatchObject({ status: 200 });
  });
  test.each(cases)("A15 a webhook with %s is answered 401", async (_name, body) => {
    const { post, queued } = makeIngestCore();
    const answer = await post(body);
    expect(answer).toEqual({
      status: 401,
      code: "SIGNATURE_REJECTED",
      text: '{"type":"about:blank","title":"The signature does not match","status":401,"code":"SIGNATURE_REJECTED"}',
    });
    expect(queued).toEqual([]);
  });
});

describe("A16 the times of a JWT, which are the only signed times, have a tolerance of 30 s", () => {
  const now = 1_780_000_000;
  const isTaken = (claims: object) =>
    verifiedClaims(signHs256(claims, SECRET), [SECRET], now * 1000) !== undefined;
  const tolerance = CLOCK_TOLERANCE_SECONDS;
  test.each([
    ["exp at the tolerance, and 1 s less", { exp: now - tolerance + 1 }, true],
    ["exp exactly at the tolerance", { exp: now - tolerance }, false],
    ["exp at the tolerance, and 1 s more", { exp: now - tolerance - 1 }, false],
    ["nbf at the tolerance, and 1 s less", { nbf: now + tolerance - 1 }, true],
    ["nbf exactly at the tolerance", { nbf: now + tolerance }, true],
    ["nbf at the tolerance, and 1 s more", { nbf: now + tolerance + 1 }, false],
    ["exp in the future", { exp: now + 3_600 }, true],
    ["nbf in milliseconds", { nbf: now * 1_000 }, false],
    ["a negative exp", { exp: -1 }, false],
    ["exp as text", { exp: String(now + 60) }, false],
    ["exp null, which is how JSON writes NaN", { exp: null }, false],
    ["no times", {}, true],
  ])("A16 a JWT with %s is accepted only within its times", (_name, claims, taken) => {
    expect(isTaken(claims)).toBe(taken);
  });
});

describe("A16 the time that Linked API signs has a tolerance of 300 s", () => {
  const secret = "linked secret";
  test.each([
    ["299 s ago", -299, 200],
    ["300 s ago", -300, 200],
    ["301 s ago", -301, 401],
    ["in 299 s", 299, 200],
    ["in 300 s", 300, 200],
    ["in 301 s", 301, 401],
  ])(
    "A16 a webhook that was signed %s is answered as the tolerance says",
    async (_, ago, status) => {
      const { post, queued, clock } = makeIngestCore("linked-api", secret);
      const at = String(Math.floor(clock.realMs() / 1_000) + ago);
      expect((await post(linkedApiWebhook("A16"), signedAt(at))).status).toBe(status);
      expect(queued).toHaveLength(status === 200 ? 1 : 0);
    },
  );

  test.each([
    ["in milliseconds", (now: number) => String(now * 1_000)],
    ["as a negative number", (now: number) => String(-now)],
    ["as NaN", () => "NaN"],
    ["with a fraction", (now: number) => `${now}.5`],
    ["with an exponent", (now: number) => `${now}e0`],
    [
      "in Arabic digits",
      (now: number) => String(now).replace(/\d/g, (d) => String.fromCharCode(0x660 + Number(d))),
    ],
    ["as no text", () => ""],
    ["twice", (now: number) => `${now}, ${now}`],
  ])("A16 a webhook whose signed time is written %s is answered 401", async (_, written) => {
    const { post, queued, clock } = makeIngestCore("linked-api", secret);
    const at = written(Math.floor(clock.realMs() / 1_000));
    expect((await post(linkedApiWebhook("A16"), signedAt(at))).status).toBe(401);
    expect(queued).toEqual([]);
  });

  const signedAt = (at: string) => ({
    [TIMESTAMP_HEADER]: at,
    [SIGNATURE_HEADER]: signLinkedApi(Buffer.from(linkedApiWebhook("A16")), at, secret),
  });
});

test("A18 a replay is recognised for at least 3 days, longer than any tolerance and retry, and a message that waited longer is parked", async () => {
  const day = 86_400;
  expect(settingsSchema.safeParse({ dedupeRetentionDays: 3 }).success).toBe(true);
  expect(settingsSchema.safeParse({ dedupeRetentionDays: 2 }).success).toBe(false);
  expect(3 * day).toBeGreaterThanOrEqual(72 * 3_600 + 0 * CLOCK_TOLERANCE_SECONDS);
  const clock = makeTestClock();
  const dedupeRetentionMs = 3 * day * 1000;
  const read = makeTestReader({ clock, dedupeRetentionMs });
  const message = inboundMessage("A18", { receivedAtMs: clock.businessMs() });
  clock.passBusiness(dedupeRetentionMs);
  expect(await read(message)).toMatchObject({ id: "workflow.completed:cn_1:A18" });
  clock.passBusiness(1);
  await expect(read(message)).rejects.toMatchObject({ code: "MESSAGE_STALE" });
});

describe("A21 a JWT is verified with our algorithm and our secret only", () => {
  const body = { status: "SUCCESS", request_id: "A21" };
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { ...body };
  const token = (header: object, signature: (text: string) => string, of: object = claims) => {
    const text = `${part(header)}.${part(of)}`;
    return `${text}.${signature(text)}`;
  };
  const hs256 = (secret: string) => (text: string) => signHs256Text(text, secret);
  const rs256 = (text: string) =>
    sign("sha256", Buffer.from(text), privateKey).toString("base64url");
  const soon = Math.floor(Date.UTC(2026, 5, 25, 12) / 1000);
  const forms: [string, string, number][] = [
    ["ours", signHs256(claims, SECRET), 200],
    ["alg none, unsigned", token({ alg: "none" }, () => ""), 401],
    ["alg none, signed", token({ alg: "none" }, hs256(SECRET)), 401],
    ["RS256 and a key of the sender", token({ alg: "RS256" }, rs256), 401],
    ["RS256 in the header, signed with the secret", token({ alg: "RS256" }, hs256(SECRET)), 401],
    ["HS256 and the public key as secret", token({ alg: "HS256" }, hs256(pem)), 401],
    ["HS512 in the header", token({ alg: "HS512" }, hs256(SECRET)), 401],
    ["the kid of another secret", token({ alg: "HS256", kid: "other" }, hs256("other")), 401],
    [
      "a jku that leads to the sender's keys",
      token({ alg: "HS256", jku: "https://attacker.example/jwks" }, hs256("theirs")),
      401,
    ],
    [
      "an x5u that leads to the sender's keys",
      token({ alg: "RS256", x5u: "https://attacker.example/x5u" }, rs256),
      401,
    ],
    [
      "a jwk in the header",
      token({ alg: "HS256", jwk: { kty: "oct", k: "dGhlaXJz" } }, hs256("theirs")),
      401,
    ],
    ["a crit header", token({ alg: "HS256", crit: ["exp"] }, hs256(SECRET)), 401],
    ["expired", signHs256({ ...claims, exp: soon - 31 }, SECRET), 401],
    ["the claims of another request", signHs256({ ...claims, request_id: "other" }, SECRET), 401],
    ["claims that bind the request id only", signHs256({ request_id: "A21" }, SECRET), 401],
    ["four parts", `${signHs256(claims, SECRET)}.x`, 401],
  ];
  test.each(forms)(
    "A21 a token with %s is accepted only if our algorithm and secret signed it",
    async (_name, hash, status) => {
      const { post, queued } = makeIngestCore();
      expect(await post(JSON.stringify({ ...body, hash }))).toMatchObject({ status });
      expect(queued).toHaveLength(status === 200 ? 1 : 0);
    },
  );
});

/** Returns the HS256 signature of a text, independent of the token's header. */
function signHs256Text(text: string, secret: string): string {
  return Buffer.from(hmacHex(secret, text), "hex").toString("base64url");
}
