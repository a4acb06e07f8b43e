import { describe, expect, test } from "vitest";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { accountIdFromEmail } from "../../shared/providers/we-link/account.ts";
import { weLinkRequests as requests } from "../../shared/providers/we-link/requests.ts";

const credentials = { "x-api-key": "key", "x-api-secret": "secret" };

const answer = (status: number, body: unknown, headers = {}): ProviderAnswer => ({
  status,
  headers,
  body: body instanceof Uint8Array ? body : Buffer.from(textOf(body)),
});
const textOf = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));
const read = (status: number, body: unknown, headers = {}) =>
  requests.readSubmission(answer(status, body, headers), "connect");
const poll = (status: number, body: unknown, headers = {}) =>
  requests.readPoll("r1", answer(status, body, headers));

describe("a submission", () => {
  const submit = (accountId: string, params: object) =>
    requests.submitCall(
      { requestId: "rq", accountId, action: "connect", params: { ...params } },
      credentials,
    );

  test("A submission is the client's body with the account, posted to the action's path", () => {
    expect(submit("acc", { profile_id: "p", accountId: "another" })).toEqual({
      method: "POST",
      path: "/api/v1/connect",
      headers: credentials,
      body: '{"profile_id":"p","accountId":"acc"}',
    });
  });

  test.each([accountIdFromEmail("a@example.com"), accountIdFromEmail(undefined)])(
    "A submission does not send the placeholder %s of a call without an account",
    (accountId) => expect(submit(accountId, { n: 1 }).body).toBe('{"n":1}'),
  );

  test("A submission keeps every digit of a number", () => {
    const n = JSON.rawJSON("12345678901234567890.10");
    expect(submit("acc", { n }).body).toContain('"n":12345678901234567890.10');
  });
});

describe("an answer to a submission", () => {
  test.each([
    ["an id", 200, { requestId: "r1" }, { kind: "accepted", providerRequestId: "r1" }],
    ["201", 201, { request_id: "r1" }, { kind: "accepted", providerRequestId: "r1" }],
    [
      "a status",
      200,
      { status: "SUCCESS", requestID: "r1" },
      { kind: "accepted", providerRequestId: "r1" },
    ],
    [
      "a word",
      200,
      { status: "QUEUED", requestId: "r1", result: null },
      { kind: "accepted", providerRequestId: "r1", pendingReason: "QUEUED" },
    ],
    [
      "an unknown status",
      200,
      { status: "OK", requestId: "r1", result: {} },
      { kind: "accepted", providerRequestId: "r1" },
    ],
    ["two ids", 200, { requestId: "r1", request_id: "r2" }, { kind: "unknown", code: "HTTP_200" }],
    ["neither", 200, { status: "QUEUED" }, { kind: "unknown", code: "HTTP_200" }],
    ["noChange", 200, "", { kind: "unknown", code: "HTTP_200" }],
    ["a list", 200, [1], { kind: "unknown", code: "HTTP_200" }],
    ["no UTF-8", 200, Buffer.from([0xff, 0xfe]), { kind: "unknown", code: "HTTP_200" }],
    ["deep nesting", 200, "[".repeat(100_000), { kind: "unknown", code: "HTTP_200" }],
    ["a long id", 200, { requestId: "r".repeat(513) }, { kind: "unknown", code: "HTTP_200" }],
    ["no content", 204, "", { kind: "unknown", code: "HTTP_204" }],
    [
      "a code",
      400,
      { status: "PROFILE_NOT_FOUND", message: "No such", requestId: "r1" },
      { kind: "rejected", error: { code: "PROFILE_NOT_FOUND", message: "No such" } },
    ],
    [
      "FAILED and a code",
      400,
      { status: "FAILED", error: "WRONG_PASSWORD" },
      { kind: "rejected", error: { code: "WRONG_PASSWORD", message: "WRONG_PASSWORD" } },
    ],
    [
      "NestJS",
      400,
      { message: ["profile_id must be a string"], error: "Bad Request", statusCode: 400 },
      { kind: "rejected", error: { code: "BAD_REQUEST", message: "profile_id must be a string" } },
    ],
    [
      "a dead session",
      400,
      { message: "Linked account not active", error: "Bad Request", statusCode: 400 },
      { kind: "accountBlocked", code: "ACCOUNT_NOT_ACTIVE" },
    ],
    [
      "no message",
      400,
      "<html>",
      { kind: "rejected", error: { code: "HTTP_400", message: "We-Link answered 400" } },
    ],
    ["no key", 401, {}, { kind: "credentialsRefused", code: "HTTP_401" }],
    [
      "no right",
      403,
      { error: "Forbidden" },
      { kind: "forbidden", error: { code: "FORBIDDEN", message: "Forbidden" } },
    ],
    [
      "no path",
      404,
      { message: "Cannot POST" },
      { kind: "rejected", error: { code: "HTTP_404", message: "Cannot POST" } },
    ],
    [
      "too large",
      413,
      "",
      { kind: "rejected", error: { code: "HTTP_413", message: "We-Link answered 413" } },
    ],
    [
      "not taken",
      422,
      "",
      { kind: "rejected", error: { code: "HTTP_422", message: "We-Link answered 422" } },
    ],
    ["too many", 429, "", { kind: "rateLimited" }],
    ["a redirect", 302, "", { kind: "unknown", code: "HTTP_302" }],
    ["a timeout", 408, "", { kind: "unknown", code: "HTTP_408" }],
    ["a fault", 500, { requestId: "r1" }, { kind: "unknown", code: "HTTP_500" }],
    ["a gateway", 502, "<html>", { kind: "unknown", code: "HTTP_502" }],
    ["away", 503, "", { kind: "unknown", code: "HTTP_503" }],
  ])("An answer to a submission with %s (%i) is read", (_name, status, body, expected) => {
    expect(read(status, body)).toEqual(expected);
  });

  test.each([
    ["seconds", { "retry-after": "120" }, 120_000],
    [
      "a date",
      { "retry-after": "Sat, 21 Nov 2026 10:01:00 GMT", date: "Sat, 21 Nov 2026 10:00:00 GMT" },
      60_000,
    ],
    ["a date without a clock", { "retry-after": "Sat, 21 Nov 2026 10:01:00 GMT" }, undefined],
    [
      "a date that is over",
      { "retry-after": "Sat, 21 Nov 2026 09:59:00 GMT", date: "Sat, 21 Nov 2026 10:00:00 GMT" },
      0,
    ],
    ["a negative number", { "retry-after": "-1" }, 0],
    ["a word", { "retry-after": "soon" }, undefined],
    ["noChange", { "retry-after": "" }, undefined],
    ["a fraction", { "retry-after": "1.5" }, 2_000],
    ["far too much", { "retry-after": "99999999999999999999" }, 86_400_000],
  ])("A 429 returns the delay from %s", (_name, headers, retryAfterMs) => {
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    expect(read(429, "", headers)).toEqual({ kind: "rateLimited", ...wait });
  });
});

describe("an answer that contains the outcome", () => {
  test("An immediate outcome is read like the webhook of the same outcome", () => {
    const body = { status: "SUCCESS", requestId: "r1", result: { connected: true } };
    expect(read(200, body)).toMatchObject({
      kind: "accepted",
      providerRequestId: "r1",
      resultEvent: {
        type: "workflow.completed",
        providerObjectId: "r1",
        data: {
          providerRequestId: "r1",
          status: "completed",
          eventType: "CONNECTION_SENT",
          result: { connected: true },
        },
      },
    });
  });

  test("An immediate outcome needs no id", () => {
    const outcome = read(200, { status: "SUCCESS", result: { n: 1 } });
    expect(outcome).toMatchObject({
      kind: "accepted",
      resultEvent: { data: { result: { n: 1 } } },
    });
    expect(JSON.stringify(outcome)).not.toMatch(/workflowId|providerRequestId/);
  });

  test("An immediate outcome may be a failure", () => {
    expect(read(200, { status: "WRONG_PASSWORD", message: "No" })).toMatchObject({
      kind: "accepted",
      resultEvent: { data: { status: "failed", error: { code: "WRONG_PASSWORD", message: "No" } } },
    });
  });

  test.each([
    ["get_ln_account_details", '{"status":"ACTIVE","n":1.0}', { status: "ACTIVE" }],
    ["get_all_ln_accounts", '[{"id":1}]', [{ id: 1 }]],
    ["me", '{"status":"SUCCESS","result":{"id":1}}', { id: 1 }],
  ])("The answer to %s, an immediate action, is the result", (action, body, result) => {
    const outcome = requests.readSubmission(answer(200, body), action);
    expect(outcome).toMatchObject({
      kind: "accepted",
      resultEvent: { type: "workflow.completed", data: { status: "completed", result } },
    });
  });

  test("An immediate outcome is marked where a number is stored as text", () => {
    const body = '{"status":"SUCCESS","result":{"n":123456789012345678901234567890}}';
    expect(read(200, body)).toMatchObject({ kind: "accepted", numbersAsText: true });
  });

  test("An answer to another action with neither id nor outcome is unknown", () => {
    expect(requests.readSubmission(answer(200, { n: 1 }), "connect").kind).toBe("unknown");
    expect(requests.readSubmission(answer(200, "<html>"), "me").kind).toBe("unknown");
  });
});

describe("a poll", () => {
  test("A poll requests the id", () => {
    expect(requests.pollCall("r1", credentials)).toEqual({
      method: "POST",
      path: "/api/v1/get_response",
      headers: credentials,
      body: '{"request_id":"r1"}',
    });
  });

  test.each([
    ["SUCCESS", { status: "SUCCESS", result: { a: 1 } }, "workflow.completed"],
    ["a failure", { status: "PROXY_ERROR", message: "No" }, "workflow.completed"],
    ["FAILED", { status: "FAILED" }, "workflow.completed"],
    ["PIN_REQUIRED", { status: "PIN_REQUIRED" }, "workflow.actionRequired"],
    ["PROCESSING", { status: "PROCESSING" }, "workflow.started"],
    ["IN_PROGRESS", { status: "IN_PROGRESS", request_id: "r1" }, "workflow.started"],
  ])("A poll returns %s", (_name, body, type) => {
    expect(poll(200, body)).toMatchObject({
      kind: "update",
      numbersAsText: false,
      event: { type, providerObjectId: "r1", data: { providerRequestId: "r1" } },
    });
  });

  test.each([
    ["QUEUED", 200, { status: "QUEUED" }, { kind: "waiting", pendingReason: "QUEUED" }],
    [
      "PENDING",
      200,
      { status: "PENDING", message: "Wait" },
      { kind: "waiting", pendingReason: "PENDING" },
    ],
    ["SCHEDULED", 200, { status: "SCHEDULED" }, { kind: "waiting", pendingReason: "SCHEDULED" }],
    ["not found", 404, "<html>", { kind: "noChange" }],
    ["no right", 403, { error: "Forbidden" }, { kind: "forbidden", code: "FORBIDDEN" }],
    ["no status", 200, { result: 1 }, { kind: "failed", code: "STATUS_NOT_UNDERSTOOD" }],
    [
      "another request",
      200,
      { status: "SUCCESS", requestId: "r2" },
      { kind: "failed", code: "ANSWERS_ANOTHER_REQUEST" },
    ],
    ["noChange", 200, "", { kind: "failed", code: "HTTP_200" }],
    ["a list", 200, [], { kind: "failed", code: "HTTP_200" }],
    ["a fault", 500, { status: "SUCCESS" }, { kind: "failed", code: "HTTP_500" }],
    ["an error status", 400, { status: "FAILED" }, { kind: "failed", code: "HTTP_400" }],
    ["no key", 401, {}, { kind: "credentialsRefused", code: "HTTP_401" }],
    ["too many", 429, {}, { kind: "rateLimited" }],
  ])("A poll that is answered by %s is read", (_name, status, body, expected) => {
    expect(poll(status, body)).toEqual(expected);
  });

  test("A poll keeps every digit and is marked where a number is stored as text", () => {
    const outcome = poll(200, '{"status":"SUCCESS","result":{"n":1.0,"m":1e400}}');
    expect(outcome).toMatchObject({ kind: "update", numbersAsText: true });
    expect(JSON.stringify(outcome)).toContain('{"n":1.0,"m":"1e400"}');
  });
});

test("A person's input is sent to the waiting login", () => {
  const of = { providerRequestId: "r1", accountId: "acc", input: "123456" };
  expect(requests.continuation?.call(of, credentials)).toEqual({
    method: "POST",
    path: "/api/v1/login_code",
    headers: credentials,
    body: '{"accountId":"acc","code":"123456","requestId":"r1"}',
  });
  const nameless = { ...of, accountId: accountIdFromEmail("A@example.com ") };
  expect(requests.continuation?.call(nameless, credentials).body).toBe(
    '{"code":"123456","requestId":"r1"}',
  );
  expect(nameless.accountId).toBe(accountIdFromEmail("a@example.com"));
});

test("We-Link's actions and error codes are classified", () => {
  expect(["login_v2", "login", "login_code"].map(requests.isSecret)).toEqual([true, true, true]);
  expect([requests.isSecret("connect"), requests.isLogin("connect")]).toEqual([false, false]);
  expect(requests.isLogin("login_v2")).toBe(true);
  const codes = ["WRONG_PASSWORD", "STATUS_429", "PROXY_ERROR"];
  expect(codes.map(requests.consequenceOf)).toEqual(["pauseAccount", "pauseCategory", "end"]);
  expect(requests.eventTypeOf("connect", "failed")).toBe("CONNECTION_FAILED");
  expect(requests.eventTypeOf("search_people", "failed")).toBe("SEARCH_COMPLETED");
  expect(requests.eventTypeOf("withdraw_invite", "succeeded")).toBe("UNKNOWN");
});
