import { describe, expect, test } from "vitest";
import { discriminatorOf } from "../../shared/core/events/event-id.ts";
import { canonicalJson } from "../../shared/core/json/json.ts";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { readWeLinkPoll, readWeLinkSubmission } from "../../shared/providers/we-link/answers.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const answer = (status: number, body: unknown, headers = {}): ProviderAnswer => ({
  status,
  headers,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
/** The answer to `connect`. */
const submitted = (status: number, body: unknown, headers = {}) =>
  readWeLinkSubmission(answer(status, body, headers), "connect");
const called = (action: string, body: unknown, status = 200) =>
  readWeLinkSubmission(answer(status, body), action);
const polled = (status: number, body: unknown, headers = {}) =>
  readWeLinkPoll("r1", answer(status, body, headers));

const inMinute = { "retry-after": "60" };
const dead = { message: "Linked account not active", error: "Bad Request", statusCode: 400 };
const blocked = { kind: "accountBlocked", code: "ACCOUNT_NOT_ACTIVE" };
/** A number that the bus cannot carry. */
const HUGE = "123456789012345678901234567890";

describe("The answer that refuses a submission", () => {
  const unknown = (status: number) => ({ kind: "unknown", code: `HTTP_${status}` });
  const rejected = (code: string, message = code) => ({
    kind: "rejected",
    error: { code, message },
  });

  test.each([300, 402, 405, 408, 409, 415, 499, 501])(
    "HTTP %i without a code of the table does not prove that nothing was done",
    (status) => {
      expect(submitted(status, { message: "Why", error: "Some Error" })).toStrictEqual(
        unknown(status),
      );
    },
  );

  test.each([400, 404, 413, 422])("HTTP %i with any code ends the request", (status) => {
    expect(submitted(status, { status: "NEW_CODE", message: "Why" }, inMinute)).toStrictEqual(
      rejected("NEW_CODE", "Why"),
    );
  });

  test("A code that only ends the request counts below HTTP 500", () => {
    expect(submitted(499, { status: "PROXY_ERROR" })).toStrictEqual(rejected("PROXY_ERROR"));
    expect(submitted(500, { status: "PROXY_ERROR" })).toStrictEqual(unknown(500));
  });

  test.each([400, 401, 403, 409, 500, 503])(
    "A dead session keeps the request for the time after, at HTTP %i too",
    (status) => {
      expect(submitted(status, dead, inMinute)).toStrictEqual(blocked);
    },
  );

  test.each(["WRONG_PASSWORD", "ACCOUNT_RESTRICTED", "PROXY_ERROR"])(
    "%s ends the request without a time, whatever Retry-After says",
    (code) => {
      expect(submitted(400, { status: code }, inMinute)).toStrictEqual(rejected(code));
    },
  );

  test("A 429 is a limit of calls, whatever code its body has", () => {
    expect(submitted(429, { status: "WRONG_PASSWORD" }, inMinute)).toStrictEqual({
      kind: "rateLimited",
      retryAfterMs: 60_000,
    });
  });

  test.each<[unknown, string, string]>([
    [{ status: "NEW_CODE" }, "NEW_CODE", "NEW_CODE"],
    [{ status: "new code", message: "Why" }, "NEW_CODE", "Why"],
    [{ status: "FAILED", message: "Broken" }, "FAILED", "Broken"],
    [{ status: "", message: "Why" }, "HTTP_400", "Why"],
    [{ error: { code: "invalid profile", message: "Why" } }, "INVALID_PROFILE", "Why"],
    [{ error: { code: 7, message: "Why" } }, "HTTP_400", "Why"],
    [{ error: "Bad  Request ", message: "Why" }, "BAD_REQUEST", "Why"],
    [{ error: "Bad Request" }, "BAD_REQUEST", "Bad Request"],
    [{ error: ["Bad Request"] }, "HTTP_400", "Bad Request"],
    [{ error: "e".repeat(64), message: "Why" }, "E".repeat(64), "Why"],
    [{ error: "e".repeat(65), message: "Why" }, "HTTP_400", "Why"],
    [{ error: "404 not found", message: "Why" }, "HTTP_400", "Why"],
    [{ error: "No, this is a sentence", message: "Why" }, "HTTP_400", "Why"],
    [{ error: "FAILED" }, "FAILED", "We-Link answered 400"],
    [{ error: "", message: "" }, "HTTP_400", "We-Link answered 400"],
    [{ message: "WRONG_PASSWORD" }, "WRONG_PASSWORD", "WRONG_PASSWORD"],
    [{ message: ["One", "proxy error"] }, "PROXY_ERROR", "One; proxy error"],
    ["[]", "HTTP_400", "We-Link answered 400"],
  ])("Of %j the code and the message are read", (body, code, message) => {
    expect(submitted(400, body)).toStrictEqual(rejected(code, message));
  });

  test.each(["NEW_CODE", "PROXY_ERROR"])("Of a message of %s 1,000 characters count", (status) => {
    const read = submitted(400, { status, message: "m".repeat(1_001) });
    expect(read).toStrictEqual(rejected(status, "m".repeat(1_000)));
  });

  test("A 403 forbids the call and a 401 refuses the credentials, by the code it names", () => {
    expect(submitted(403, { message: "Not you", error: "Forbidden" })).toStrictEqual({
      kind: "forbidden",
      error: { code: "FORBIDDEN", message: "Not you" },
    });
    expect(submitted(401, { error: "Unauthorized" })).toStrictEqual({
      kind: "credentialsRefused",
      code: "UNAUTHORIZED",
    });
  });
});

describe("The acceptance of a submission", () => {
  const accepted = { kind: "accepted", providerRequestId: "r1" };
  const longest = "r".repeat(512);
  const tooLong = "x".repeat(257);

  test.each<[string, object, object]>([
    ["a long id", { requestId: longest }, { providerRequestId: longest }],
    ["the same id twice", { requestId: "r1", request_id: "r1" }, {}],
    ["a word of progress", { requestId: "r1", status: "PROCESSING" }, {}],
    ["a reason to wait", { requestId: "r1", status: " QUEUED " }, { pendingReason: "QUEUED" }],
    ["a success without a result", { requestId: "r1", status: "SUCCESS" }, {}],
    ["a success whose result is a list", { requestId: "r1", status: "SUCCESS", result: [1] }, {}],
    ["a success whose result is a text", { requestId: "r1", status: "SUCCESS", result: "x" }, {}],
    ["a result of another kind alone", { requestId: "r1", result: true }, {}],
    ["a null in the place of a result", { requestId: "r1", result: null }, {}],
    ["a word that is not listed", { requestId: "r1", status: "REVIEWING", result: { n: 1 } }, {}],
    ["a status that is too long", { requestId: "r1", status: tooLong, error: "PROXY_ERROR" }, {}],
  ])("An answer with %s is the acceptance alone", (_, body, more) => {
    expect(submitted(200, body)).toStrictEqual({ ...accepted, ...more });
  });

  test("The event of a reply next to an id is not the outcome of the request", () => {
    const reply = { status: "SUCCESS", event_type: "MESSAGE_REPLY", result: { text: "Hi" } };
    expect(submitted(200, { ...reply, requestId: "r1" })).toStrictEqual(accepted);
    expect(submitted(200, reply)).toStrictEqual({ kind: "unknown", code: "HTTP_200" });
  });

  test("A prompt next to an id asks for the input, and without one it proves nothing", () => {
    const prompt = { status: "PIN_REQUIRED", message: "Code?" };
    const payload = {
      ...{ event_type: "/api/v1/login_v2", ...prompt, requestId: "r1" },
      request_id: "r1",
    };
    expect(called("login_v2", { ...prompt, requestId: "r1" })).toStrictEqual({
      ...accepted,
      resultEvent: {
        type: "workflow.actionRequired",
        providerObjectId: "r1",
        discriminator: discriminatorOf(canonicalJson(payload)),
        data: {
          ...{ action: "login_v2", status: "action_required", eventType: "LOGIN_PIN_REQUIRED" },
          ...{ payload, providerRequestId: "r1" },
        },
      },
    });
    expect(called("login_v2", prompt)).toStrictEqual({ kind: "unknown", code: "HTTP_200" });
  });

  test("A failure next to an id ends the request, also that of a dead session", () => {
    expect(submitted(200, { ...dead, requestId: "r1" })).toMatchObject({
      ...accepted,
      resultEvent: {
        type: "workflow.completed",
        providerObjectId: "r1",
        data: {
          ...{ providerRequestId: "r1", status: "failed", eventType: "CONNECTION_FAILED" },
          error: { code: "ACCOUNT_NOT_ACTIVE", message: "Linked account not active" },
        },
      },
    });
  });

  test("An answer with a word that is not listed and no id is unknown, and is kept", () => {
    const body = { status: "REVIEWING", message: "A person looks" };
    expect(submitted(200, body)).toStrictEqual({
      kind: "unknown",
      code: "HTTP_200",
      unclear: {
        kind: "unrecognised",
        status: "REVIEWING",
        body: JSON.stringify({ ...body, request_id: "answer" }),
      },
    });
  });
});

describe("An answer without an id that contains the outcome", () => {
  test("A success without a result is one", () => {
    const payload = { event_type: "/api/v1/connect", status: "SUCCESS", request_id: "answer" };
    expect(submitted(200, { status: "SUCCESS" })).toStrictEqual({
      kind: "accepted",
      resultEvent: {
        type: "workflow.completed",
        providerObjectId: "answer",
        discriminator: discriminatorOf(canonicalJson(payload)),
        data: { action: "connect", status: "completed", eventType: "CONNECTION_SENT" },
      },
    });
  });

  test.each([[{ n: 1 }], [[]], [{}], [true], ["text"], [0]])(
    "The result %j alone is a success",
    (result) => {
      const outcome = submitted(200, { result });
      expect(outcome).toMatchObject({
        kind: "accepted",
        resultEvent: { type: "workflow.completed", data: { status: "completed", result } },
      });
      expect(outcome).not.toHaveProperty("providerRequestId");
    },
  );

  test("The result of an answer that repeats its HTTP status is a success", () => {
    expect(submitted(200, { statusCode: 200, result: { n: 1 } })).toMatchObject({
      resultEvent: { data: { status: "completed", result: { n: 1 } } },
    });
  });

  // The same body as a webhook, or as the answer to a poll, has always been a failure.
  test.each<[Record<string, unknown>, string]>([
    [{ result: null, error: "PROXY_ERROR", message: "No proxy" }, "PROXY_ERROR"],
    [{ result: {}, error: "Something broke" }, "FAILED"],
    [{ result: { sent: 1 }, error: { code: "PROXY_ERROR", message: "No proxy" } }, "PROXY_ERROR"],
    [{ result: { sent: 1 }, error_code: "NEW_CODE" }, "NEW_CODE"],
    [{ result: {}, data: { status: "WRONG_PASSWORD", message: "No" } }, "WRONG_PASSWORD"],
    [{ status: "", result: { sent: 1 }, error: "PROXY_ERROR" }, "PROXY_ERROR"],
  ])("The failure in %j is one, whatever result stands beside it", (body, code) => {
    const { data } = weLink.parseWebhook(webhookOf({ ...body, request_id: "r1" }));
    expect(data).toMatchObject({ status: "failed", error: { code } });
    for (const id of [{}, { requestId: "r1" }]) {
      const outcome = submitted(200, { ...body, ...id });
      expect(outcome).toMatchObject({
        kind: "accepted",
        resultEvent: { data: { status: "failed", error: data.error } },
      });
      const told = outcome.kind === "accepted" ? outcome.resultEvent?.data : undefined;
      expect(Object.hasOwn(told ?? {}, "result")).toBe("result" in data);
    }
  });

  test("A null is no result, and proves nothing", () => {
    expect(submitted(200, { result: null, message: "Done?" })).toStrictEqual({
      kind: "unknown",
      code: "HTTP_200",
    });
  });

  test.each([
    [dead],
    [{ ...dead, result: null }],
    [{ message: "The linked account is not active", result: null }],
  ])("A dead session keeps the request, also in an answer 200: %j", (body) => {
    expect(submitted(200, body)).toStrictEqual(blocked);
  });
});

describe("The answer to a call that We-Link answers at once", () => {
  test.each<[unknown, unknown]>([
    ['{"status":"ACTIVE","n":1}', { status: "ACTIVE", n: 1 }],
    ['{"result":null,"id":1}', { result: null, id: 1 }],
    ['{"status":"EXPIRED","error":"No proxy"}', { status: "EXPIRED", error: "No proxy" }],
    ["[]", []],
    ["null", null],
    ["true", true],
  ])("The body %s is the result as a whole", (body, result) => {
    const outcome = called("me", body);
    expect(outcome).toStrictEqual({
      kind: "accepted",
      resultEvent: {
        type: "workflow.completed",
        providerObjectId: "answer",
        discriminator: expect.stringMatching(/^[0-9a-f]{16}$/),
        data: { action: "me", status: "completed", eventType: "UNKNOWN", result },
      },
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ result: null, error: "Something broke" }, "FAILED"],
    [{ result: null, error_code: "NEW_CODE" }, "NEW_CODE"],
    [{ status: "FAILED", result: null, message: "No" }, "FAILED"],
    [{ status: "FAILED", result: "", message: "No" }, "FAILED"],
  ])("A failure beside a result that says nothing is one, as in %j", (body, code) => {
    expect(called("me", body)).toMatchObject({
      kind: "accepted",
      resultEvent: { data: { action: "me", status: "failed", error: { code } } },
    });
  });

  test("The body is marked where a number of it is text", () => {
    expect(called("me", `{"n":${HUGE}}`)).toMatchObject({
      numbersAsText: true,
      resultEvent: { data: { result: { n: HUGE } } },
    });
    expect(called("me", '{"n":1}')).not.toHaveProperty("numbersAsText");
  });

  test("A code of the table is no result: it ends the request, or blocks the account", () => {
    expect(called("me", { status: "WRONG_PASSWORD", message: "No" })).toMatchObject({
      kind: "accepted",
      resultEvent: { data: { status: "failed", error: { code: "WRONG_PASSWORD", message: "No" } } },
    });
    expect(called("me", dead)).toStrictEqual(blocked);
  });

  test("An answer with an id is an acceptance, as for any other call", () => {
    const body = { requestId: "r1", name: "Jane" };
    expect(called("me", body)).toStrictEqual({ kind: "accepted", providerRequestId: "r1" });
  });

  test("A body that cannot be read proves nothing", () => {
    expect(called("me", "<html>")).toStrictEqual({ kind: "unknown", code: "HTTP_200" });
  });
});

describe("The answer to a poll", () => {
  const failed = (code: string) => ({ kind: "failed", code });

  test("A 429 lets the next poll wait as long as Retry-After says, whatever its body says", () => {
    expect(polled(429, { status: "SUCCESS", request_id: "r2" }, inMinute)).toStrictEqual({
      kind: "rateLimited",
      retryAfterMs: 60_000,
    });
  });

  test.each([200, 400, 404, 500])("HTTP %i about another request tells nothing", (status) => {
    for (const ids of [{ requestId: "r2" }, { request_id: "r1", data: { requestId: "r2" } }]) {
      expect(polled(status, { status: "WRONG_PASSWORD", ...ids })).toStrictEqual(
        failed("ANSWERS_ANOTHER_REQUEST"),
      );
    }
  });

  test("The whole outcome is read, under the id that was asked for", () => {
    const result = { connected: true };
    const payload = { status: "SUCCESS", requestId: "r1", result, request_id: "r1" };
    expect(polled(200, { status: "SUCCESS", requestId: "r1", result })).toStrictEqual({
      kind: "update",
      numbersAsText: false,
      event: {
        type: "workflow.completed",
        providerObjectId: "r1",
        discriminator: discriminatorOf(canonicalJson(payload)),
        data: {
          ...{ workflowId: "r1", providerRequestId: "r1", status: "completed" },
          ...{ eventType: "CONNECTION_SENT", result },
        },
      },
    });
  });

  test("A status that is too long to store is not understood", () => {
    expect(polled(200, { status: "x".repeat(257) })).toStrictEqual(failed("ANSWER_NOT_UNDERSTOOD"));
    expect(polled(200, { status: "x".repeat(256) }).kind).toBe("update");
  });

  test("The reason why a request waits has no blanks around it", () => {
    const read = polled(200, { status: " in queue " });
    expect(read).toStrictEqual({ kind: "waiting", pendingReason: "in queue" });
  });

  test.each([
    [400, { message: "WRONG_PASSWORD" }, "WRONG_PASSWORD"],
    [404, { status: "NOT_FOUND", error: "PROFILE_NOT_FOUND" }, "PROFILE_NOT_FOUND"],
    [499, { status: "wrong password" }, "WRONG_PASSWORD"],
    [401, { error: { code: "STATUS_429" } }, "STATUS_429"],
  ])("HTTP %i with the code in %j ends the request with it", (status, body, code) => {
    expect(polled(status, body)).toMatchObject({
      kind: "update",
      event: {
        type: "workflow.completed",
        data: { providerRequestId: "r1", status: "failed", error: { code } },
      },
    });
  });

  test("A poll that is refused is marked where a number of its body is text", () => {
    const body = `{"status":"PROXY_ERROR","result":{"n":${HUGE}}}`;
    expect(polled(400, body)).toMatchObject({
      kind: "update",
      numbersAsText: true,
      event: { data: { status: "failed", result: { n: HUGE } } },
    });
  });

  test("From HTTP 500 on, a code ends no request, and one of the account blocks it", () => {
    const code = "WRONG_PASSWORD";
    expect(polled(500, { status: code })).toStrictEqual({ kind: "accountBlocked", code });
    expect(polled(500, { status: "STATUS_429" })).toStrictEqual(failed("HTTP_500"));
    expect(polled(500, dead)).toStrictEqual(blocked);
  });

  test.each([
    [401, { error: "Unauthorized" }, { kind: "credentialsRefused", code: "UNAUTHORIZED" }],
    [403, { status: "NEW_CODE" }, { kind: "forbidden", code: "NEW_CODE" }],
    [403, "<html>", { kind: "forbidden", code: "HTTP_403" }],
    [404, { status: "NEW_CODE" }, { kind: "noChange" }],
    [400, { status: "NEW_CODE" }, { kind: "failed", code: "HTTP_400" }],
    [302, { status: "SUCCESS" }, { kind: "failed", code: "HTTP_302" }],
  ])("HTTP %i with %j is read by its status", (status, body, expected) => {
    expect(polled(status, body)).toStrictEqual(expected);
  });
});
