import { Webhook as StandardWebhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  verifyWebhook,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from "../../client/index.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";

type Secrets = Parameters<typeof verifyWebhook>[2];

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const nowMs = Date.UTC(2026, 5, 25, 12);
const nowSeconds = nowMs / 1000;
const event = { id: "message.reply:cn_1:r", type: "message.reply", data: { s: "ü\u2028" } };
const text = JSON.stringify(event);

const headersOf = (of: Partial<Parameters<typeof signedHeaders>[0]> = {}) =>
  signedHeaders({
    eventId: event.id,
    body: text,
    timestampSeconds: nowSeconds,
    secrets: [secret],
    ...of,
  });
const headers = headersOf();
const renamed = (change: (name: string) => string) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [change(name), value]));

describe("integers beyond 2^53 (n8n#14715)", () => {
  const [large, small] = ["9007199254740993123", "-7"];
  const body =
    `{"id":"e:1","type":"message.reply","data":{"id":${large},"list":[-${large},${small},1.5,1e3],` +
    `"text":"\\"${large}\\" ##","#":"##${large}","${large}":true}}`;
  const verified = async (integers?: "number" | "bigint" | "string") => {
    const of = { nowMs, ...(integers ? { integers } : {}) };
    const read = await verifyWebhook(body, headersOf({ eventId: "e:1", body }), secret, of);
    return read.data as unknown as Record<string, unknown>;
  };
  const strings = { text: `"${large}" ##`, "#": `##${large}`, [large]: true };

  test("every digit of an integer is kept as a bigint or as text, and strings stay as they are", async () => {
    const positive = BigInt(large);
    expect(await verified("bigint")).toEqual({
      id: positive,
      list: [-positive, -7, 1.5, 1000],
      ...strings,
    });
    expect(await verified("string")).toEqual({
      id: large,
      list: [`-${large}`, -7, 1.5, 1000],
      ...strings,
    });
  });

  test("by default an integer is a number", async () => {
    expect(await verified()).toEqual(JSON.parse(body).data);
    expect((await verified("number")).id).toBe(Number(large));
  });

  test("a webhook with a text of a million # beside an integer is read in linear time", async () => {
    const given = `{"data":{"n":9007199254740993,"text":"${"#".repeat(1_000_000)}"}}`;
    const of = { nowMs, integers: "bigint" } as const;
    const read = await verifyWebhook(given, headersOf({ body: given }), secret, of);
    expect((read.data as unknown as { n: bigint }).n).toBe(9_007_199_254_740_993n);
  });

  test("integers that a number represents stay numbers", async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const given = `{"data":{"n":${largest},"m":-${largest},"zero":-0}}`;
    const read = await verifyWebhook(given, headersOf({ eventId: "e:1", body: given }), secret, {
      nowMs,
      integers: "bigint",
    });
    expect(read).toEqual({ data: { n: largest, m: -largest, zero: -0 } });
  });
});

describe("a webhook is verified", () => {
  const [mine = "", wrong = ""] = [headers, headersOf({ secrets: [other] })].map(
    (one) => one["webhook-signature"],
  );
  const cases: [string, Parameters<typeof verifyWebhook>[1], Secrets][] = [
    ["by its secret", headers, secret],
    ["by one secret while the other variable is not set", headers, [secret, undefined]],
    ["with headers of another class", new Map(Object.entries(headers)), secret],
    ["by its secret without the prefix", headers, secret.replace("whsec_", "")],
    ["by its secret out of a file, with a line's end", headers, `${secret}\n`],
    ["by the second of two secrets", headers, [other, secret]],
    ["with two signatures", headersOf({ secrets: [other, secret] }), secret],
    [
      "with unknown signatures beside",
      { ...headers, "webhook-signature": `v1a,x v2,${mine} ${mine}` },
      secret,
    ],
    ["with a wrong one behind", { ...headers, "webhook-signature": `${mine} ${wrong}` }, secret],
    ["with signatures in two headers", { ...headers, "webhook-signature": [wrong, mine] }, secret],
    ["with headers in capitals", renamed((name) => name.toUpperCase()), secret],
    ["with svix-* headers", renamed((name) => name.replace("webhook-", "svix-")), secret],
    ["with headers of fetch", new Headers(headers), secret],
    ["with other headers that have no value", { ...headers, cookie: undefined }, secret],
    ["at the edge of the past", headersOf({ timestampSeconds: nowSeconds - 300 }), secret],
    ["at the edge of the future", headersOf({ timestampSeconds: nowSeconds + 300 }), secret],
  ];
  test.each(cases)("a webhook is verified %s", async (_name, given, secrets) => {
    expect(await verifyWebhook(text, given, secrets, { nowMs })).toEqual(event);
    expect(await verifyWebhook(Buffer.from(text), given, secrets, { nowMs })).toEqual(event);
    const { buffer } = Uint8Array.from(Buffer.from(text));
    expect(await verifyWebhook(buffer, given, secrets, { nowMs })).toEqual(event);
  });

  test("a webhook is verified against the clock of this machine by default", async () => {
    const given = headersOf({ timestampSeconds: Math.floor(Date.now() / 1000) });
    expect(await verifyWebhook(text, given, secret)).toEqual(event);
  });

  /** From the tests of the reference libraries: "sign function works". */
  test("a webhook is verified if it is the example of the specification", async () => {
    const published = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const at = { nowMs: 1_614_265_330_000 };
    expect(await verifyWebhook('{"test": 2432232314}', published, secret, at)).toEqual({
      test: 2432232314,
    });
  });

  test("a webhook is verified if the reference library signed it", async () => {
    const signature = new StandardWebhook(secret).sign(event.id, new Date(nowMs), text);
    const given = { ...headers, "webhook-signature": signature };
    expect(await verifyWebhook(text, given, secret, { nowMs })).toEqual(event);
  });
});

async function refusalOf(of: {
  body?: string | Uint8Array;
  headers?: Parameters<typeof verifyWebhook>[1];
  secrets?: Secrets;
  toleranceSeconds?: number;
}): Promise<WebhookVerificationError> {
  const { toleranceSeconds = 300 } = of;
  try {
    const options = { nowMs, toleranceSeconds };
    const secrets = "secrets" in of ? of.secrets : secret;
    await verifyWebhook(of.body ?? text, of.headers ?? headers, secrets, options);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error;
    throw error;
  }
  throw new Error("it was verified");
}

describe("a webhook is refused with a code and advice", () => {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = headers;
  const signed = (body: string) => ({ body, headers: headersOf({ body }) });
  const timed = (timestamp: string) => ({
    headers: { ...headers, "webhook-timestamp": timestamp },
  });
  const bySignature = (given: string) => ({ headers: { ...headers, "webhook-signature": given } });
  const cases: [string, WebhookVerificationCode, Parameters<typeof refusalOf>[0]][] = [
    ["no headers", "HEADERS_MISSING", { headers: {} }],
    [
      "no id",
      "HEADERS_MISSING",
      { headers: { "webhook-timestamp": at, "webhook-signature": signature } },
    ],
    ["an empty signature", "HEADERS_MISSING", bySignature("")],
    [
      "headers half of the one name, half of the other",
      "HEADERS_MISSING",
      { headers: { "webhook-id": id, "svix-timestamp": at, "svix-signature": signature } },
    ],
    ["a time that is not a number", "TIMESTAMP_INVALID", timed("now")],
    ["a time with a fraction", "TIMESTAMP_INVALID", timed(`${nowSeconds}.5`)],
    ["a time with a sign", "TIMESTAMP_INVALID", timed(`+${nowSeconds}`)],
    [
      "two times",
      "TIMESTAMP_INVALID",
      { headers: { ...headers, "webhook-timestamp": [at ?? "", at ?? ""] } },
    ],
    [
      "a time that is too old",
      "TIMESTAMP_TOO_OLD",
      { headers: headersOf({ timestampSeconds: nowSeconds - 301 }) },
    ],
    [
      "a time that is too new",
      "TIMESTAMP_TOO_NEW",
      { headers: headersOf({ timestampSeconds: nowSeconds + 301 }) },
    ],
    [
      "a time that is too old for a smaller tolerance",
      "TIMESTAMP_TOO_OLD",
      { headers: headersOf({ timestampSeconds: nowSeconds - 6 }), toleranceSeconds: 5 },
    ],
    ["another body", "SIGNATURE_MISMATCH", { body: `${text} ` }],
    ["the body serialised again", "SIGNATURE_MISMATCH", { body: JSON.stringify(event, null, 1) }],
    ["another secret", "SIGNATURE_MISMATCH", { secrets: other }],
    ["another id", "SIGNATURE_MISMATCH", { headers: { ...headers, "webhook-id": `${id}x` } }],
    ["another time", "SIGNATURE_MISMATCH", timed(String(nowSeconds - 1))],
    [
      "a signature of another version",
      "SIGNATURE_MISMATCH",
      bySignature(signature?.replace("v1,", "v2,") ?? ""),
    ],
    [
      "a signature without its version",
      "SIGNATURE_MISMATCH",
      bySignature(signature?.replace("v1,", "") ?? ""),
    ],
    ["half a signature", "SIGNATURE_MISMATCH", bySignature(signature?.slice(0, 12) ?? "")],
    ["a version alone", "SIGNATURE_MISMATCH", bySignature("v1,")],
    ["a body that is not JSON", "BODY_NOT_JSON", signed("hello")],
    ["an empty body", "BODY_NOT_JSON", signed("")],
    ["a list", "BODY_NOT_JSON", signed("[]")],
    ["null", "BODY_NOT_JSON", signed("null")],
    ["no secret", "SECRET_INVALID", { secrets: [] }],
    ["a secret whose variable is not set", "SECRET_INVALID", { secrets: undefined }],
    ["secrets whose variables are not set", "SECRET_INVALID", { secrets: [undefined, undefined] }],
    [
      "a secret with white space within",
      "SECRET_INVALID",
      { secrets: `${secret.slice(0, 20)} ${secret.slice(20)}` },
    ],
    ["an empty secret, with which anybody can sign", "SECRET_INVALID", { secrets: "" }],
    ["a prefix alone", "SECRET_INVALID", { secrets: "whsec_" }],
    ["a secret that is not Base64", "SECRET_INVALID", { secrets: "whsec_not base64!" }],
    ["one secret of two that is none", "SECRET_INVALID", { secrets: [secret, ""] }],
  ];
  test.each(cases)("a webhook with %s is refused as %s", async (_name, code, of) => {
    const error = await refusalOf(of);
    expect(error.code).toBe(code);
    expect(error.name).toBe("WebhookVerificationError");
    expect(error.message).toMatch(/: /);
  });

  test("a body that was parsed before is refused", async () => {
    const error = await refusalOf({ body: event as never });
    expect(error.code).toBe("BODY_NOT_RAW");
  });

  test("a webhook whose bytes are not UTF-8 is refused", async () => {
    const body = Buffer.from([0x22, 0xff, 0x22]);
    expect((await refusalOf({ body })).code).toBe("SIGNATURE_MISMATCH");
  });

  test("no message contains the secret, a signature or the body", async () => {
    for (const [, , of] of cases) {
      const { message } = await refusalOf(of);
      for (const kept of [secret.slice(6), signature ?? "", "ü", "hello", "not base64"]) {
        expect(message).not.toContain(kept);
      }
    }
  });
});
