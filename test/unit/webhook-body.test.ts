import { jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { type EventType, eventTypes } from "../../shared/contracts/events.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { composeWebhookBody, formatSupports } from "../../shared/core/deliveries/creation/body.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import { isProven, webhookOf } from "../support/payloads/webhooks.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** An envelope whose `data` is this JSON text. */
const envelopeOf = (type: EventType, data: string) =>
  `{"id":"${type}:r","type":"${type}","createdAt":"2026-06-25T12:00:00.000Z","data":${data}}`;

type BodyOf = Parameters<typeof composeWebhookBody>[0];

function body(type: EventType, data: string, more: Partial<BodyOf> = {}): string {
  return composeWebhookBody({
    envelope: envelopeOf(type, data),
    eventType: type,
    payloadMode: "fat",
    format: "standard",
    hashFormat: "hmac-hex",
    secret,
    ...more,
  });
}

const weLinkBody = (type: EventType, data: string, more: Partial<BodyOf> = {}) =>
  body(type, data, { format: "we-link", ...more });

/** The flat payload without its hash, as text. */
const flat = (type: EventType, data: string, more: Partial<BodyOf> = {}) =>
  weLinkBody(type, data, more).replace(/,"hash":"[0-9a-f]{64}"}$/, "}");

const ids = '"request_id":"r","requestId":"r"';
const failed = '{"requestId":"r","status":"failed","error":{"code":"PROXY_ERROR","message":"m"}}';

describe("standard", () => {
  const result = '{"n":1.0,"big":123456789012345678901234567890,"10":1,"2":"ü\\ufffe"}';
  const data = `{"requestId":"r","status":"completed","result":${result},"numbersAsText":true}`;

  test("the fat standard payload is the text of the envelope", () => {
    expect(body("workflow.completed", data)).toBe(envelopeOf("workflow.completed", data));
  });

  test.each([
    ["in the middle", data, '{"requestId":"r","status":"completed","numbersAsText":true}'],
    ["first", `{"result":${result},"a":1.0}`, '{"a":1.0}'],
    ["last", `{"a":1.0,"result":${result}}`, '{"a":1.0}'],
    ["alone", `{"result":${result}}`, "{}"],
    ["null", '{"a":1,"result":null}', '{"a":1}'],
    [
      "deeper than a webhook may be",
      `{"a":1,"result":${"[".repeat(70)}${"]".repeat(70)}}`,
      '{"a":1}',
    ],
    ["that looks like the end", '{"result":"}}],\\"result\\":1","a":1}', '{"a":1}'],
  ])("the thin standard payload is the fat text without the result: %s", (_name, fat, thin) => {
    expect(body("workflow.completed", fat, { payloadMode: "thin" })).toBe(
      envelopeOf("workflow.completed", thin),
    );
  });

  test.each([
    ["a failure", '{"requestId":"r","status":"failed","error":{"code":"C","message":"m"}}'],
    ["a result elsewhere", '{"payload":{"result":{"n":1.0}},"status":"pending"}'],
  ])("the thin standard payload is unchanged if there is no result: %s", (_name, without) => {
    const sent = body("workflow.created", without, { payloadMode: "thin" });
    expect(sent).toBe(envelopeOf("workflow.created", without));
  });
});

describe("We-Link's flat payload", () => {
  const error = (code: string) => `"error":{"code":"${code}","message":"why"}`;
  const cases: [string, EventType, string, string][] = [
    [
      "a success, digit by digit",
      "workflow.completed",
      '{"requestId":"r","workflowId":"r","status":"completed","result":{"n":1.0,"b":12345678901234567890}}',
      `{"status":"SUCCESS",${ids},"result":{"n":1.0,"b":12345678901234567890}}`,
    ],
    [
      "a success without a result",
      "workflow.completed",
      '{"requestId":"r","status":"completed","resultTruncated":true}',
      `{"status":"SUCCESS",${ids},"resultTruncated":true}`,
    ],
    [
      "a failure",
      "workflow.completed",
      `{"requestId":"r","status":"failed",${error("WRONG_PASSWORD")}}`,
      `{"status":"FAILED",${ids},"error":"WRONG_PASSWORD","message":"why"}`,
    ],
    [
      "a failure without a reason",
      "workflow.completed",
      '{"requestId":"r","status":"failed"}',
      `{"status":"FAILED",${ids},"error":"FAILED","message":"FAILED"}`,
    ],
    [
      "marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
      "workflow.completed",
      `{"requestId":"r","status":"failed",${error("QUEUE_TIMEOUT_THRESHOLD_EXCEEDED")}}`,
      `{"status":"QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",${ids},"error":"QUEUE_TIMEOUT_THRESHOLD_EXCEEDED","message":"why"}`,
    ],
    [
      "a PIN that is asked for",
      "workflow.actionRequired",
      '{"requestId":"r","status":"action_required","payload":{"status":"PIN_REQUIRED","request_id":"p","message":"Please"}}',
      `{"status":"PIN_REQUIRED",${ids},"message":"Please"}`,
    ],
    [
      "a PIN without a message",
      "workflow.actionRequired",
      '{"requestId":"r","status":"action_required","payload":{"message":7}}',
      `{"status":"PIN_REQUIRED",${ids}}`,
    ],
    [
      "a reply with the provider's status",
      "message.reply",
      '{"workflowId":"r","providerRequestId":"r","eventType":"MESSAGE_REPLY","payload":{"status":"SUCCESS","request_id":"r","result":{"n":1.0}}}',
      `{${ids},"status":"SUCCESS","result":{"n":1.0},"event_type":"MESSAGE_REPLY"}`,
    ],
    [
      "a reply that contains its type and another id",
      "message.reply",
      '{"requestId":"r","workflowId":"r","eventType":"MESSAGE_REPLY","payload":{"requestID":"p","event_type":"/api/v1/message_received","status":"COMPLETED","hash":"old"}}',
      `{${ids},"event_type":"/api/v1/message_received","status":"COMPLETED"}`,
    ],
    [
      "an invitation accepted, without a status, of an unknown name",
      "connection.accepted",
      '{"workflowId":"r","eventType":"UNKNOWN","payload":{"who":"x"}}',
      `{"status":"SUCCESS",${ids},"who":"x"}`,
    ],
    [
      "a reply whose payload was too large",
      "message.reply",
      '{"workflowId":"r","eventType":"MESSAGE_REPLY","resultTruncated":true}',
      `{"status":"SUCCESS",${ids},"event_type":"MESSAGE_REPLY","resultTruncated":true}`,
    ],
    [
      "a test",
      "webhook.test",
      '{"provider":"we-link","eventType":"UNKNOWN","payload":{"message":"hello"}}',
      '{"status":"SUCCESS","event_type":"webhook.test"}',
    ],
  ];

  test.each(cases)(
    "the We-Link payload has the members of We-Link: %s",
    (_name, type, data, expected) => {
      expect(flat(type, data)).toBe(expected);
    },
  );

  test.each(cases)(
    "the We-Link payload is verified like a webhook of We-Link, with either hash: %s",
    (_name, type, data) => {
      // A receiver in Python or PHP is in webhook-documents.test.ts.
      for (const [form, hashForm] of [
        ["hmac-hex", "raw"],
        ["jwt", "jwt"],
        ["python", "python"],
      ] as const) {
        const sent = weLinkBody(type, data, { hashFormat: form });
        const hashForms = [hashForm];
        expect(isProven(sent, [secret], { hashForms }), sent).toBe(true);
        expect(isProven(sent, ["another"], { hashForms }), sent).toBe(false);
        expect(isProven(sent.replace('"status"', '"STATUS"'), [secret]), sent).toBe(false);
      }
    },
  );

  test.each(cases.filter(([, type]) => type !== "webhook.test"))(
    "the We-Link payload is read like a webhook of We-Link: %s",
    (_name, type, data) => {
      const read = weLink.parseWebhook(webhookOf(weLinkBody(type, data)));
      expect(read.providerObjectId).toBe("r");
      expect(data.includes('"failed"')).toBe(read.data.status === "failed");
    },
  );

  test.each(['{"requestId":"r","status":"completed","result":{"n":1.0}}', failed])(
    "a late result looks in the We-Link format as any other: %s",
    (data) => {
      expect(flat("workflow.lateResult", data)).toBe(flat("workflow.completed", data));
    },
  );

  test("the thin We-Link payload omits only the result of a success", () => {
    const thin = { payloadMode: "thin" } as const;
    const success = '{"requestId":"r","status":"completed","result":{"n":1}}';
    expect(flat("workflow.completed", success, thin)).toBe(`{"status":"SUCCESS",${ids}}`);
    const reply = '{"workflowId":"r","eventType":"UNKNOWN","payload":{"status":"S","result":1}}';
    expect(flat("message.reply", reply, thin)).toBe(`{${ids},"status":"S","result":1}`);
  });

  test("the id is our request id, or else the provider's", () => {
    const idIn = (data: string) =>
      (JSON.parse(flat("workflow.completed", data)) as { requestId?: string }).requestId;
    expect(idIn('{"requestId":"a","providerRequestId":"b","workflowId":"c"}')).toBe("a");
    expect(idIn('{"providerRequestId":"b","workflowId":"c"}')).toBe("b");
    expect(idIn('{"workflowId":"c"}')).toBe("c");
    expect(idIn("{}")).toBeUndefined();
  });

  test("the token contains the request id and the digest of the text before it", async () => {
    const data = '{"requestId":"r","status":"completed","result":{"n":1.0}}';
    const sent = weLinkBody("workflow.completed", data, { hashFormat: "jwt" });
    const text = `{"status":"SUCCESS",${ids},"result":{"n":1.0}}`;
    const [, token = ""] = /,"hash":"([^"]+)"}$/.exec(sent) ?? [];
    expect(sent).toBe(`${text.slice(0, -1)},"hash":"${token}"}`);
    const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(secret));
    expect(protectedHeader).toEqual({ alg: "HS256", typ: "JWT" });
    expect(payload).toEqual({ request_id: "r", sha256: sha256Hex(text) });
  });

  test("the token of an event without a request contains no request id", async () => {
    const sent = weLinkBody("webhook.test", '{"payload":{}}', { hashFormat: "jwt" });
    const { hash } = JSON.parse(sent) as { hash: string };
    const { payload } = await jwtVerify(hash, Buffer.from(secret));
    expect(Object.keys(payload)).toEqual(["sha256"]);
  });
});

describe("the event types that a format carries", () => {
  const inWeLink = [
    "workflow.actionRequired",
    "workflow.completed",
    "workflow.lateResult",
    "message.reply",
    "connection.accepted",
    "webhook.test",
  ];

  test("the standard format carries all types, the We-Link format those of We-Link", () => {
    expect(eventTypes.filter((type) => formatSupports("standard", type))).toEqual(eventTypes);
    expect(eventTypes.filter((type) => formatSupports("we-link", type))).toEqual(inWeLink);
  });

  test.each(eventTypes.filter((type) => !inWeLink.includes(type)))(
    "%s has no payload in the We-Link format",
    (type) => {
      expect(() => weLinkBody(type, "{}")).toThrow(`no payload for ${type}`);
    },
  );
});
