import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { linkedApi } from "../../shared/providers/linked-api/pack.ts";
import { linkedApiRequests as requests } from "../../shared/providers/linked-api/requests.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const limitOfCategory = { kind: "rateLimited", isOfCategory: true };

const credentials = { "linked-api-token": "token", "identification-token": "account" };
const requestId = `rq_${"0a".repeat(22)}`;

const answer = (status: number, body: unknown, headers = {}): ProviderAnswer => ({
  status,
  headers,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const read = (status: number, body: unknown, headers = {}) =>
  requests.readSubmission(answer(status, body, headers), "st.sendMessage");
const poll = (status: number, body: unknown) => requests.readPoll("wf-1", answer(status, body));
const refusal = (type: string) => ({ success: false, error: { type, message: "Why" } });
const workflow = (of: object) => ({ success: true, result: { workflowId: "wf-1", ...of } });

describe("a submission", () => {
  const bodyOf = (params: JsonObject | JsonObject[]) => {
    const of = { requestId, accountId: "acc", action: "st.sendMessage", params };
    const { body, ...request } = requests.submitCall(of, credentials);
    expect(request).toEqual({ method: "POST", path: "/workflows", headers: credentials });
    return JSON.parse(body ?? "");
  };
  const actionType = "st.sendMessage";

  test.each([
    ["an action", { text: "Hi" }, { actionType, text: "Hi", label: requestId }],
    [
      "an action with its type",
      { actionType, text: "Hi" },
      { actionType, text: "Hi", label: requestId },
    ],
    [
      "an action with a label",
      { text: "Hi", label: "mine" },
      { actionType, text: "Hi", label: "mine" },
    ],
    ["a list", [{ n: 1 }, { n: 2 }], [{ actionType, n: 1, label: requestId }, { n: 2 }]],
    [
      "a list that has labels",
      [{ label: "a" }, { n: 2 }],
      [
        { actionType, label: "a" },
        { n: 2, label: requestId },
      ],
    ],
    ["an empty list", [], [{ actionType, label: requestId }]],
  ])("A submission of %s has the label in its body", (_name, params, body) => {
    expect(bodyOf(params)).toEqual(body);
  });
});

describe("an answer to a submission", () => {
  const rejected = (code: string) => ({ kind: "rejected", error: { code, message: "Why" } });
  test.each([
    ["an id", 200, workflow({}), { kind: "accepted", providerRequestId: "wf-1" }],
    [
      "201",
      201,
      workflow({ workflowStatus: "pending" }),
      { kind: "accepted", providerRequestId: "wf-1" },
    ],
    ["no id", 200, { success: true, result: {} }, { kind: "unknown", code: "HTTP_200" }],
    [
      "a long id",
      200,
      workflow({ workflowId: "w".repeat(513) }),
      { kind: "unknown", code: "HTTP_200" },
    ],
    ["no envelope", 200, { workflowId: "wf-1" }, { kind: "unknown", code: "HTTP_200" }],
    ["noChange", 200, "", { kind: "unknown", code: "HTTP_200" }],
    ["a list", 200, "[]", { kind: "unknown", code: "HTTP_200" }],
    ["too many", 429, "", { kind: "rateLimited" }],
    ["too many, by name", 400, refusal("tooManyRequests"), limitOfCategory],
    [
      "no token",
      401,
      refusal("linkedApiTokenRequired"),
      { kind: "credentialsRefused", code: "linkedApiTokenRequired" },
    ],
    [
      "a bad token",
      401,
      refusal("invalidLinkedApiToken"),
      { kind: "credentialsRefused", code: "invalidLinkedApiToken" },
    ],
    [
      "no subscription",
      403,
      refusal("subscriptionRequired"),
      { kind: "credentialsRefused", code: "subscriptionRequired" },
    ],
    ["a 401 without an error", 401, "", { kind: "credentialsRefused", code: "HTTP_401" }],
    ["another plan", 403, refusal("plusPlanRequired"), rejected("plusPlanRequired")],
    [
      "no account",
      401,
      refusal("identificationTokenRequired"),
      { kind: "accountBlocked", code: "identificationTokenRequired" },
    ],
    [
      "a bad account",
      401,
      refusal("invalidIdentificationToken"),
      { kind: "accountBlocked", code: "invalidIdentificationToken" },
    ],
    [
      "signed out",
      400,
      refusal("linkedinAccountSignedOut"),
      { kind: "accountBlocked", code: "linkedinAccountSignedOut" },
    ],
    [
      "closed",
      400,
      refusal("outsideWorkingHours"),
      { kind: "temporarilyUnavailable", code: "outsideWorkingHours" },
    ],
    ["a bad payload", 400, refusal("invalidRequestPayload"), rejected("invalidRequestPayload")],
    ["a bad workflow", 422, refusal("invalidWorkflow"), rejected("invalidWorkflow")],
    ["a language", 400, refusal("languageNotSupported"), rejected("languageNotSupported")],
    ["a refusal in a 200", 200, refusal("invalidWorkflow"), rejected("invalidWorkflow")],
    ["a property of objects", 400, refusal("constructor"), rejected("constructor")],
    ["a type of the client's", 400, refusal("httpError"), { kind: "unknown", code: "httpError" }],
    ["400 without an error", 400, "<html>", { kind: "unknown", code: "HTTP_400" }],
    ["a redirect", 302, "", { kind: "unknown", code: "HTTP_302" }],
    ["a fault", 500, refusal("invalidWorkflow"), { kind: "unknown", code: "HTTP_500" }],
    ["a gateway", 502, "<html>", { kind: "unknown", code: "HTTP_502" }],
  ])("An answer to a submission with %s (%i) is read", (_name, status, body, expected) => {
    expect(read(status, body)).toEqual(expected);
  });

  test("A 429 returns the delay of Retry-After", () => {
    const headers = { "retry-after": "5" };
    expect(read(429, "", headers)).toEqual({ kind: "rateLimited", retryAfterMs: 5_000 });
    const closed = read(400, refusal("outsideWorkingHours"), headers);
    expect(closed).toMatchObject({ kind: "temporarilyUnavailable", retryAfterMs: 5_000 });
  });
});

describe("a poll", () => {
  test.each([
    ["wf-1", "/workflows/wf-1"],
    ["../admin", "/workflows/..%2Fadmin"],
    ["..", "/workflows/%252E2"],
    ["a b?c#d", "/workflows/a%20b%3Fc%23d"],
    ["\ud800", "/workflows/%EF%BF%BD"],
  ])("A poll of %j requests only that workflow", (id, path) => {
    expect(requests.pollCall(id, credentials)).toEqual({
      method: "GET",
      path,
      headers: credentials,
    });
    expect(new URL(path, "http://a").pathname).toBe(path);
  });

  const completion = { actionType: "st.sendMessage", success: true, label: requestId };
  test("A poll of a finished workflow returns the event of its webhook", () => {
    const answer = poll(200, workflow({ workflowStatus: "completed", completion }));
    expect(answer).toEqual({
      kind: "update",
      numbersAsText: false,
      event: {
        type: "workflow.completed",
        providerObjectId: "wf-1",
        labels: [requestId],
        data: {
          workflowId: "wf-1",
          providerRequestId: "wf-1",
          status: "completed",
          action: "st.sendMessage",
          eventType: "MESSAGE_SENT",
          result: completion,
        },
      },
    });
    const failure = { reason: "linkedinAccountSignedOut", message: "Out" };
    expect(poll(200, workflow({ workflowStatus: "failed", failure }))).toMatchObject({
      kind: "update",
      event: {
        type: "workflow.completed",
        data: { status: "failed", error: { code: failure.reason, message: "Out" } },
      },
    });
  });

  // linkedapi (PyPI) 1.4.3: the answer of this GET has no `workflowId`.
  test.each([{}, { workflowId: null }])(
    "A poll whose answer has no workflow id (%j) is about the workflow that the URL names",
    (id) => {
      const answerOf = (of: object) => poll(200, { success: true, result: { ...id, ...of } });
      expect(answerOf({ workflowStatus: "completed", completion })).toMatchObject({
        kind: "update",
        event: {
          type: "workflow.completed",
          providerObjectId: "wf-1",
          data: { workflowId: "wf-1", status: "completed", result: completion },
        },
      });
      expect(answerOf({ workflowStatus: "pending" })).toEqual({ kind: "waiting" });
    },
  );

  test("A poll of a running workflow returns workflow.started", () => {
    expect(poll(200, workflow({ workflowStatus: "running" }))).toMatchObject({
      kind: "update",
      event: { type: "workflow.started", providerObjectId: "wf-1", data: { status: "running" } },
    });
  });

  test.each([
    ["pending", 200, workflow({ workflowStatus: "pending" }), { kind: "waiting" }],
    [
      "pending with a reason",
      200,
      workflow({ workflowStatus: "pending", pendingReason: "outsideWorkingHours" }),
      { kind: "waiting", pendingReason: "outsideWorkingHours" },
    ],
    ["not found", 404, refusal("workflowNotFound"), { kind: "noChange" }],
    [
      "another, pending",
      200,
      workflow({ workflowId: "wf-2", workflowStatus: "pending" }),
      { kind: "failed", code: "ANSWERS_ANOTHER_WORKFLOW" },
    ],
    [
      "another",
      200,
      workflow({ workflowId: "wf-2", workflowStatus: "completed" }),
      { kind: "failed", code: "ANSWERS_ANOTHER_WORKFLOW" },
    ],
    ["no status", 200, workflow({}), { kind: "failed", code: "ANSWER_NOT_UNDERSTOOD" }],
    ["noChange", 200, "", { kind: "failed", code: "HTTP_200" }],
    ["too many", 429, "", { kind: "rateLimited" }],
    ["too many, by name", 400, refusal("tooManyRequests"), { kind: "rateLimited" }],
    [
      "a bad token",
      401,
      refusal("invalidLinkedApiToken"),
      { kind: "credentialsRefused", code: "invalidLinkedApiToken" },
    ],
    ["401 without an error", 401, "", { kind: "credentialsRefused", code: "HTTP_401" }],
    [
      "one account's token",
      401,
      refusal("invalidIdentificationToken"),
      { kind: "accountBlocked", code: "invalidIdentificationToken" },
    ],
    ["no right", 403, "", { kind: "forbidden", code: "HTTP_403" }],
    ["a fault", 503, "", { kind: "failed", code: "HTTP_503" }],
  ])("A poll that is answered by %s is read", (_name, status, body, expected) => {
    expect(poll(status, body)).toEqual(expected);
  });
});

describe("a cancel", () => {
  test("A cancel is a DELETE of the workflow", () => {
    const path = "/workflows/wf-1";
    const request = requests.cancel?.call("wf-1", credentials);
    expect(request).toEqual({ method: "DELETE", path, headers: credentials });
  });

  test.each([
    ["done", 200, { success: true, result: { cancelled: true } }, "cancelled"],
    ["too late", 200, { success: true, result: { cancelled: false } }, "refused"],
    ["incomplete", 200, { success: true, result: {} }, "unknown"],
    ["refused", 400, refusal("invalidRequestPayload"), "unknown"],
    ["a fault", 500, "", "unknown"],
  ])("A cancel whose answer is %s is read", (_name, status, body, expected) => {
    expect(requests.cancel?.read(answer(status, body))).toBe(expected);
  });
});

describe("the label names our request", () => {
  const eventOf = (data: object) =>
    linkedApi.parseWebhook(
      webhookOf({
        id: "workflow.completed:wf-1",
        type: "workflow.completed",
        createdAt: "2026-06-25T12:00:00.000Z",
        data: { workflowId: "wf-1", accountId: "a", ...data },
      }),
    );
  const completion = { actionType: "st.sendMessage", success: true, label: requestId };
  test.each([
    ["a completion", { status: "completed", result: completion }, requestId],
    ["a list", { status: "completed", result: [{ label: "mine" }, completion] }, requestId],
    ["a failure with it", { status: "failed", result: { completion, failure: {} } }, requestId],
    ["the client's own", { status: "completed", result: { label: "mine" } }, undefined],
    ["no text", { status: "completed", result: { label: 1 } }, undefined],
    ["a thin webhook", { status: "completed" }, undefined],
  ])("The label that names our request is read from %s", (_name, data, expected) => {
    expect(requests.requestIdOf?.(eventOf(data))).toBe(expected);
  });
});

// A differential run with @linkedapi/node: a custom workflow's completions had a label that its client had not sent.
describe("the label that was added to a submission is taken out of its result", () => {
  const other = `rq_${"0".repeat(44)}`;
  test.each<[string, unknown, unknown]>([
    ["a completion", { n: 1, label: requestId }, { n: 1 }],
    ["a list", [{ label: "mine" }, { label: requestId, n: 1 }], [{ label: "mine" }, { n: 1 }]],
    [
      "a failure with it",
      { completion: [{ label: requestId }], failure: { label: requestId } },
      { completion: [{}], failure: { label: requestId } },
    ],
    ["a completion inside", { completion: { label: requestId } }, { completion: {} }],
    ["another request's", { label: other }, { label: other }],
    ["the client's own", [{ label: "mine" }], [{ label: "mine" }]],
    ["data", { data: { label: requestId } }, { data: { label: requestId } }],
    ["no object", [1, null, "text"], [1, null, "text"]],
    ["nothing", null, null],
  ])("The result with %s", (_name, result, expected) => {
    expect(requests.withoutAddedLabel?.(result, requestId)).toEqual(expected);
  });
});

test("Linked API's actions and error codes are classified", () => {
  expect(requests.isSecret("st.sendMessage")).toBe(false);
  expect(requests.isLogin("st.sendMessage")).toBe(false);
  const codes = ["linkedinAccountSignedOut", "tooManyRequests", "personNotFound"];
  expect(codes.map(requests.consequenceOf)).toEqual(["pauseAccount", "pauseCategory", "end"]);
  expect(requests.eventTypeOf("st.sendConnectionRequest", "failed")).toBe("CONNECTION_FAILED");
  expect(requests.eventTypeOf("st.reactToPost", "succeeded")).toBe("UNKNOWN");
});
