import { describe, expect, test } from "vitest";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";
import { signWeLink, weLink } from "../../shared/providers/we-link/pack.ts";
import { isProven, webhookOf } from "../support/payloads/webhooks.ts";

const secret = "the secret code";
const body = { status: "SUCCESS", request_id: "req-1", result: { n: 1, s: "ü\u2028" } };
const signed = signWeLink(body, secret);
const read = (of: object) => weLink.parseWebhook(webhookOf(of));

describe("the hash authenticates the sender", () => {
  test.each([
    ["over the bytes without the member", signed, true],
    ["with the spaces that the sender wrote", spaced(), true],
    ["over the serialised object, when the hash came first", hashFirst(), true],
    ["of another body", signed.replace("req-1", "req-2"), false],
    ["of another secret", signWeLink(body, "another"), false],
    ["in upper case", signed.replace(/"hash":"(.*)"/, (m) => m.toUpperCase()), false],
    ["empty", '{"status":"SUCCESS","request_id":"r","hash":""}', false],
    ["not text", '{"status":"SUCCESS","request_id":"r","hash":1}', false],
    ["missing", JSON.stringify(body), false],
    ["twice", signed.replace("{", '{"hash":"x",'), false],
    ["a digit short", signed.slice(0, -3) + signed.slice(-2), false],
  ])("a hash %s is checked", (_name, text, valid) => {
    expect(isProven(text, [secret])).toBe(valid);
  });

  test("Any of several secrets verifies a hash; without secrets nothing is verified", () => {
    expect(isProven(signed, ["old", secret])).toBe(true);
    expect(isProven(signed, [])).toBe(false);
  });

  function spaced() {
    const text = '{ "status": "SUCCESS",\n "request_id": "r" }';
    return text.replace(" }", `, "hash": "${hmacHex(secret, text)}" }`);
  }

  function hashFirst() {
    const text = JSON.stringify(body);
    return `{"hash":"${hmacHex(secret, text)}", ${text.slice(1)}`;
  }
});

describe("a token must bind the whole body", () => {
  const claims = { status: "FAILED", request_id: "r", error: "WRONG_PASSWORD", event_type: "x" };
  const nested = {
    status: "PIN_REQUIRED",
    request_id: "r",
    result: { status: "SUCCESS", request_id: "o" },
  };
  const { event_type: _, ...shorter } = claims;
  test.each([
    ["as it is", claims, claims, true],
    ["with registered claims of the token", { ...claims, iat: 1, jti: "j" }, claims, true],
    ["in a claim of its own", { payload: claims }, claims, true],
    [
      "that has a registered claim as its own member",
      { ...claims, sub: "s" },
      { ...claims, sub: "s" },
      true,
    ],
    ["with a registered claim that was not signed", claims, { ...claims, jti: "1" }, false],
    [
      "with another value of a registered claim",
      { ...claims, aud: "a" },
      { ...claims, aud: { any: "b" } },
      false,
    ],
    ["with exp of its own", { ...claims, iat: 1 }, { ...claims, exp: 1 }, false],
    ["without a member", claims, shorter, false],
    ["with one more", shorter, claims, false],
    ["as a part of another body", nested, nested.result, false],
    ["without any claim", { iat: 1 }, { status: "SUCCESS", request_id: "r" }, false],
  ])("a token for the body %s is checked", (_name, claimed, sent, valid) => {
    const hash = signHs256(claimed, secret);
    expect(isProven(JSON.stringify({ ...sent, hash }), [secret])).toBe(valid);
  });
});

describe("the spellings of the request id", () => {
  test.each([
    [{ requestId: "r" }],
    [{ request_id: "r" }],
    [{ requestID: "r" }],
    [{ RequestId: "r" }],
    [{ "request-id": "r" }],
    [{ REQUEST_ID: "r" }],
    [{ data: { requestId: "r" } }],
    [{ requestId: null, request_id: "r" }],
    [{ data: { request_id: "r" } }],
    [{ requestId: "r", request_id: "r" }],
  ])("the request id is read from %j", (ids) => {
    expect(read({ status: "SUCCESS", ...ids }).data.providerRequestId).toBe("r");
  });

  test.each([
    [{ requestId: "a", request_id: "b" }, "names two different request ids"],
    [{}, 'must have a text "request_id"'],
    [{ request_id: true }, 'must have a text "request_id"'],
    [{ request_id: 1.5 }, 'must have a text "request_id"'],
    [{ request_id: 7, requestId: "8" }, "names two different request ids"],
    [{ request_id: "" }, 'must have a text "request_id"'],
  ])("A webhook with the ids %j is refused", (ids, message) => {
    expect(() => read({ status: "SUCCESS", ...ids })).toThrow(message);
  });

  test.each([
    ["7", "7"],
    ["12345.0", "12345"],
    ["9007199254740993", "9007199254740993"],
    ["12345678901234567890", "12345678901234567890"],
  ])("the request id %s is read as text, with every digit", (number, id) => {
    const webhook = webhookOf(`{"status":"SUCCESS","request_id":${number},"account_id":${number}}`);
    expect(weLink.parseWebhook(webhook).data).toMatchObject({
      providerRequestId: id,
      accountId: id,
    });
  });

  test("A webhook without a status is refused", () => {
    expect(() => read({ request_id: "r" })).toThrow('must have a text "status"');
  });
});

describe("the event of a webhook", () => {
  test.each([
    ["COMPLETED", {}, "workflow.completed", "completed", "UNKNOWN"],
    ["PROCESSING", {}, "workflow.started", "running", "UNKNOWN"],
    ["PIN_REQUIRED", {}, "workflow.actionRequired", "action_required", "LOGIN_PIN_REQUIRED"],
    [
      "FAILED",
      { event_type: "/api/v1/connect" },
      "workflow.completed",
      "failed",
      "CONNECTION_FAILED",
    ],
    [
      "SUCCESS",
      { event_type: "/api/v1/login_v2" },
      "workflow.completed",
      "completed",
      "LOGIN_SUCCESS",
    ],
    [
      "STATUS_429",
      { event_type: "/api/v1/search_people" },
      "workflow.completed",
      "failed",
      "SEARCH_COMPLETED",
    ],
    ["SUCCESS", { event_type: "MESSAGE_SENT" }, "workflow.completed", "completed", "MESSAGE_SENT"],
    ["SUCCESS", { event_type: "MESSAGE_REPLY" }, "message.reply", undefined, "MESSAGE_REPLY"],
    [
      "SUCCESS",
      { event_type: "/api/v1/message_received" },
      "message.reply",
      undefined,
      "MESSAGE_REPLY",
    ],
    [
      "SUCCESS",
      { event_type: "/api/v1/connection_accepted" },
      "connection.accepted",
      undefined,
      "CONNECTION_ACCEPTED",
    ],
  ])("the status %s with %j becomes an event", (status, more, type, ourStatus, eventType) => {
    const event = read({ status, request_id: "r", ...more });
    expect([event.type, event.data.status, event.data.eventType]).toEqual([
      type,
      ourStatus,
      eventType,
    ]);
  });

  test.each([
    [
      { status: "FAILED", error: "WRONG_PASSWORD" },
      { code: "WRONG_PASSWORD", message: "WRONG_PASSWORD" },
    ],
    [
      { status: "FAILED", error: "Password Incorrect" },
      { code: "FAILED", message: "Password Incorrect" },
    ],
    [
      { status: "PROXY_ERROR", message: "no proxy" },
      { code: "PROXY_ERROR", message: "no proxy" },
    ],
    [
      { status: "FAILED", error: "STATUS_429", error_message: "slow" },
      { code: "STATUS_429", message: "slow" },
    ],
  ])("the error of %j is read", (of, error) => {
    expect(read({ request_id: "r", ...of }).data.error).toEqual(error);
  });

  test("The event does not contain the signature", () => {
    const event = read({ status: "PIN_REQUIRED", request_id: "r", message: "m", hash: "h" });
    expect(event.data.payload).toEqual({ status: "PIN_REQUIRED", request_id: "r", message: "m" });
  });

  test("Two bodies of one request have different discriminators; one body with two hashes has one", () => {
    const first = read({ status: "SUCCESS", request_id: "r", hash: "1" });
    expect(read({ request_id: "r", status: "SUCCESS", hash: "2" }).discriminator).toBe(
      first.discriminator,
    );
    expect(read({ status: "FAILED", request_id: "r" }).discriminator).not.toBe(first.discriminator);
  });
});
