import fc from "fast-check";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { verifyWebhook } from "../../client/index.ts";
import { composeWebhookBody } from "../../shared/core/deliveries/creation/body.ts";
import { signedHeaders, signingSecret } from "../../shared/core/deliveries/signing/signing.ts";
import { canonicalJson, parseJson } from "../../shared/core/json/json.ts";
import { isProven } from "../support/payloads/webhooks.ts";

const timestampSeconds = Math.floor(Date.now() / 1000);
const nowMs = timestampSeconds * 1000;

/** Objects in which there is much that could be taken for something else. */
const word = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "result",
    "data",
    "payload",
    "hash",
    "request_id",
    "__proto__",
    '"}}',
    "1.2",
    "{",
  ),
);
/** Numbers as they may be written, which JavaScript would write otherwise. */
const number = fc.constantFrom("1.0", "-0", "1e3", "12345678901234567890", "0.10", "7");
const jsonText: fc.Memo<string> = fc.memo((depth) => {
  const leaf = fc.oneof(
    number,
    word.map((text) => JSON.stringify(text)),
  );
  if (depth <= 1) return leaf;
  return fc.oneof(
    leaf,
    objectText(depth),
    fc.array(jsonText(depth - 1), { maxLength: 3 }).map((list) => `[${list}]`),
  );
});
const objectText = (depth: number): fc.Arbitrary<string> =>
  fc
    .uniqueArray(fc.tuple(word, jsonText(depth - 1)), { maxLength: 4, selector: ([key]) => key })
    .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`)}}`);

const body = objectText(4);
const secret = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`);
const id = fc.stringMatching(/^[a-z]{1,9}\.[a-z]{1,9}:[A-Za-z0-9_-]{1,20}(:[0-9a-f]{1,16})?$/);
const secrets = fc.array(secret, { minLength: 1, maxLength: 3 });
const webhook = fc.record({ eventId: id, body, secrets });
type SignedWebhook = { eventId: string; body: string; secrets: string[] };

const sign = (of: SignedWebhook) => signedHeaders({ ...of, timestampSeconds });
const isVerified = (text: string, headers: Record<string, string>, by: string | string[]) =>
  verifyWebhook(text, headers, by, { nowMs }).then(
    () => true,
    () => false,
  );

test("a signed webhook is verified by each of its secrets and by no other secret", async () => {
  await fc.assert(
    fc.asyncProperty(webhook, secret, async (of, other) => {
      const headers = sign(of);
      for (const one of of.secrets) {
        expect(await verifyWebhook(of.body, headers, one, { nowMs })).toEqual(JSON.parse(of.body));
        const official = new StandardWebhook(one).verify(of.body, headers);
        expect(official).toEqual(JSON.parse(of.body));
      }
      expect(await isVerified(of.body, headers, [other, ...of.secrets])).toBe(true);
      expect(await isVerified(of.body, headers, other)).toBe(of.secrets.includes(other));
    }),
    { numRuns: 300 },
  );
});

test("a webhook with one changed character in its body or a signed header is refused", async () => {
  const change = fc.tuple(fc.nat(), fc.string({ minLength: 1, maxLength: 1 }));
  const changed = (text: string, [at, char]: [number, string]) =>
    text.slice(0, at % text.length) + char + text.slice((at % text.length) + 1);
  const part = fc.constantFrom("body", "webhook-id", "webhook-timestamp");
  await fc.assert(
    fc.asyncProperty(webhook, part, change, async (of, name, how) => {
      const headers = sign(of);
      const before = name === "body" ? of.body : (headers[name] ?? "");
      const after = changed(before, how);
      // A lone surrogate becomes the same bytes as another: no body has one.
      fc.pre(after !== before && after.isWellFormed());
      const [text, given] =
        name === "body" ? [after, headers] : [of.body, { ...headers, [name]: after }];
      expect(await isVerified(text, given, of.secrets)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("a signed text that is split at another full stop is not a valid webhook", () => {
  const digits = fc.constantFrom(".1700000000.", ".1.{", ".1.7", ".0.[]");
  const tricky = fc
    .array(fc.oneof(digits, fc.string()), { maxLength: 6 })
    .map((words) => JSON.stringify({ type: "message.reply", data: { n: 1.5, words, "x.1.{": 1 } }));
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(id, fc.oneof(tricky, body), (eventId, text) => {
      const parts = `${eventId}.${timestampSeconds}.${text}`.split(".");
      const readings = parts.slice(1).flatMap((timestamp, at) => {
        const rest = parts.slice(at + 2).join(".");
        return /^\d+$/.test(timestamp) && isJson(rest) ? [rest] : [];
      });
      expect(readings).toEqual([text]);
    }),
    { numRuns: 1_000 },
  );
});

test("different webhooks, versions and master keys have different secrets", () => {
  const of = fc.record({
    webhookId: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("w", "w,1", 'w",1')),
    version: fc.integer({ min: 1, max: 30 }),
    masterKeyId: fc.constantFrom("k1", "k2"),
  });
  const keys = new Map([
    ["k1", "a".repeat(64)],
    ["k2", "b".repeat(64)],
  ]);
  const [old, rotated] = ["k1", "k2"].map((current) => ({ current, keys }));
  fc.assert(
    fc.property(of, of, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other);
      if (!old || !rotated) throw new Error("no master");
      expect(signingSecret(old, one) === signingSecret(rotated, other)).toBe(isSame);
    }),
    { numRuns: 300 },
  );
});

const exact = (text: string) => parseJson(Buffer.from(text), "exact").value as { data: object };

test("the thin payload is the envelope without the result, with every other digit unchanged", () => {
  const members = fc.tuple(objectText(3), fc.option(jsonText(4), { nil: undefined }), fc.nat());
  fc.assert(
    fc.property(members, ([data, result, at]) => {
      const { result: _, ...others } = exact(`{"data":${data}}`).data as { result?: unknown };
      const texts = Object.entries(others).map(
        ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
      );
      const envelope = (list: string[]) => `{"id":"r","data":{${list}}}`;
      const members = result === undefined ? [] : [`"result":${result}`];
      const fat = envelope(texts.toSpliced(at % (texts.length + 1), 0, ...members));
      const of = { eventType: "workflow.completed", hashFormat: "hmac-hex", secret: "s" } as const;
      const sent = composeWebhookBody({
        ...of,
        envelope: fat,
        payloadMode: "thin",
        format: "standard",
      });
      expect(sent).toBe(envelope(texts));
    }),
    { numRuns: 500 },
  );
});

test("the We-Link payload of any provider text is verified and has all members", () => {
  fc.assert(
    fc.property(
      body,
      secret,
      fc.constantFrom("hmac-hex" as const, "jwt" as const),
      (text, key, form) => {
        const envelope = `{"id":"r","data":{"workflowId":"r","eventType":"MESSAGE_REPLY","payload":${text}}}`;
        const of = {
          payloadMode: "fat",
          format: "we-link",
          hashFormat: form,
          secret: key,
        } as const;
        const reply = composeWebhookBody({ ...of, envelope, eventType: "message.reply" });
        expect(isProven(reply, [key], { hashForms: [form === "jwt" ? "jwt" : "raw"] })).toBe(true);

        const completed = envelope.replace('"payload":', '"status":"completed","result":');
        const end = composeWebhookBody({
          ...of,
          envelope: completed,
          eventType: "workflow.completed",
        });
        const { hash: _, ...sent } = exact(end) as unknown as Record<string, unknown>;
        const result = `{"status":"SUCCESS","request_id":"r","requestId":"r","result":${text}}`;
        expect(canonicalJson(sent)).toBe(canonicalJson(exact(result)));
        expect(isProven(end, [key])).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
