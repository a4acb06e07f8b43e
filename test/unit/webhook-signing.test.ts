import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, test } from "vitest";
import { readMasterKeys } from "../../shared/core/crypto/master-keys.ts";
import { signedHeaders, signingSecret } from "../../shared/core/deliveries/signing/signing.ts";

const key = (char: string) => char.repeat(64);
const one = readMasterKeys(JSON.stringify({ current: "k1", k1: key("a") }));
const two = readMasterKeys(JSON.stringify({ current: "k2", k1: key("a"), k2: key("b") }));
const onlyTwo = readMasterKeys(JSON.stringify({ current: "k2", k2: key("b") }));
const of = { webhookId: "wh_1", version: 1, masterKeyId: "k1" };

describe("the secret of a webhook", () => {
  test("the secret of a webhook is whsec_ and 32 bytes, the same at every derivation", () => {
    const secret = signingSecret(one, of);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(signingSecret(one, of)).toBe(secret);
  });

  test("the secret of a webhook has a fixed value: a change of the derivation would break every receiver", () => {
    expect(signingSecret(one, of)).toBe("whsec_cT1pS27L8VpEyuHwDULO2ejqcRJeCHugoqxq85CE2bg=");
  });

  test.each([
    ["another webhook", { ...of, webhookId: "wh_2" }],
    ["another version", { ...of, version: 2 }],
    ["another master key", { ...of, masterKeyId: "k2" }],
    ["an id that ends as a version begins", { ...of, webhookId: "wh_1,1" }],
    ["an id with a quote in it", { ...of, webhookId: 'wh_1",1]' }],
  ])("the secret of a webhook is different for %s", (_name, other) => {
    expect(signingSecret(two, other)).not.toBe(signingSecret(two, of));
  });

  test("the secret of a webhook does not change when the master key is rotated", () => {
    expect(signingSecret(two, of)).toBe(signingSecret(one, of));
  });

  test("the secret of a webhook cannot be derived without its master key, which the error names", () => {
    expect(() => signingSecret(onlyTwo, of)).toThrow("The master secret has no key k1");
  });
});

describe("the headers", () => {
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const [older, newer] = [signingSecret(one, of), signingSecret(one, { ...of, version: 2 })];
  const event = { eventId: "workflow.completed:req_1", body: '{"n":1.0,"s":"ü\u2028"}' };
  const headers = signedHeaders({ ...event, timestampSeconds, secrets: [newer, older] });

  test("the headers conform to Standard Webhooks, with one signature for each secret, newest first", () => {
    const signatureBy = (secret: string) =>
      signedHeaders({ ...event, timestampSeconds, secrets: [secret] })["webhook-signature"];
    expect(headers).toEqual({
      "content-type": "application/json",
      "webhook-id": event.eventId,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": `${signatureBy(newer)} ${signatureBy(older)}`,
    });
  });

  test.each([
    ["the new secret", newer],
    ["the old secret", older],
  ])("the official libraries verify the headers with %s", (_name, secret) => {
    expect(new StandardWebhook(secret).verify(event.body, headers)).toEqual({ n: 1, s: "ü\u2028" });
    expect(() => new SvixWebhook(secret).verify(event.body, headers)).not.toThrow();
  });

  test("the headers are refused by the official library for another body or another secret", () => {
    const other = signingSecret(one, { ...of, version: 3 });
    expect(() => new StandardWebhook(newer).verify(`${event.body} `, headers)).toThrow();
    expect(() => new SvixWebhook(newer).verify(`${event.body} `, headers)).toThrow();
    expect(() => new StandardWebhook(other).verify(event.body, headers)).toThrow();
  });

  /** From the tests of the reference libraries: "sign function works". */
  test("the headers equal those of the example in the specification", () => {
    const published = signedHeaders({
      eventId: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      body: '{"test": 2432232314}',
      timestampSeconds: 1_614_265_330,
      secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    });
    expect(published["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });
});
