import { describe, expect, test } from "vitest";
import { signLinkedApi, verifyLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import { makeIngestCore } from "../support/fakes/ingest-core.ts";

/** The documented vectors: linkedapi 1.4.7 (PyPI), tests/test_webhook_signature.py. */
const secret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const timestamp = "1700000000";
const ascii = '{"id":"event-1","type":"webhook.test","data":{"message":"Hello"}}';
const asciiSignature = "8f93c19766fe42f27da56fcb5ae11a909c406683ccc0766bd29edc52c71fd209";
const unicode =
  '{"id":"event-2","type":"webhook.test","data":{"message":"Zo\u00eb \u2665 \u65e5\u672c"}}';
const unicodeSignature = "87f5bc51d542ce4d8b61350b35807420dce7b3473bd7ecec87211b544c299c69";

const verify = (over: {
  body?: string;
  signature?: string | undefined;
  timestamp?: string | undefined;
  secrets?: string[];
  nowSeconds?: number;
}) => {
  const of = { body: ascii, signature: asciiSignature, timestamp, secrets: [secret], ...over };
  const headers = {
    "linked-api-signature": of.signature,
    "linked-api-signature-timestamp": of.timestamp,
  };
  const nowMs = (over.nowSeconds ?? 1_700_000_000) * 1_000;
  return verifyLinkedApi({ bytes: Buffer.from(of.body), headers }, { secrets: of.secrets, nowMs });
};

describe("the signature of a webhook of Linked API", () => {
  test.each([
    [ascii, asciiSignature],
    [unicode, unicodeSignature],
  ])("the vendor's own vector %s is verified", (body, signature) => {
    expect(verify({ body, signature })).toEqual({ kind: "verified", form: "header" });
    expect(verify({ body, signature, secrets: ["new", secret] }).kind).toBe("verified");
    expect(verify({ body: `${body} `, signature }).kind).toBe("invalid");
  });

  test.each([
    ["another secret", { secrets: [`${secret}x`] }],
    ["no signature", { signature: undefined }],
    ["a signature in upper case", { signature: asciiSignature.toUpperCase() }],
    ["a prefix", { signature: `sha256=${asciiSignature}` }],
    ["a line feed", { signature: `${asciiSignature}\n` }],
    ["another body", { body: ascii.replace("Hello", "Forged") }],
    ["no time", { timestamp: undefined }],
    ["another time", { timestamp: "1700000001" }],
    ["a time with a sign", { timestamp: "+1700000000" }],
    ["a time that is 301 s old", { nowSeconds: 1_700_000_301 }],
    ["a time that is 301 s ahead", { nowSeconds: 1_699_999_699 }],
    // linkedapi 1.4.7, test_hex_decoded_secret_signature_is_rejected.
    [
      "the secret decoded from hex",
      { signature: "cf8a7cbd4da0130448492ced3d1aaffd608738b7fff2623e27eaecd4dd54a236" },
    ],
  ])("a webhook with %s is refused", (_name, over) => {
    expect(verify(over).kind).toBe("invalid");
  });

  test.each([300, -300])("a signature that is %s s old is accepted", (age) => {
    expect(verify({ nowSeconds: 1_700_000_000 + age }).kind).toBe("verified");
  });

  test("without a secret, the URL is the proof", () => {
    expect(verify({ secrets: [], signature: undefined })).toEqual({
      kind: "verified",
      form: "url",
    });
  });
});

test("a connection with a secret accepts signed webhooks only", async () => {
  const body = '{"id":"e1","type":"account.frozen","data":{"accountId":"a1"}}';
  const { post, queued, clock } = makeIngestCore("linked-api", secret);
  const now = String(Math.floor(clock.realMs() / 1_000));
  const signed = {
    "linked-api-signature": signLinkedApi(Buffer.from(body), now, secret),
    "linked-api-signature-timestamp": now,
  };
  expect(await post(body)).toMatchObject({ status: 401, code: "SIGNATURE_REJECTED" });
  expect(await post(body.replace("a1", "a2"), signed)).toMatchObject({ status: 401 });
  expect(await post(body, signed)).toMatchObject({ status: 200 });
  expect(queued).toHaveLength(1);
  const open = makeIngestCore("linked-api");
  expect(await open.post(body)).toMatchObject({ status: 200 });
});
