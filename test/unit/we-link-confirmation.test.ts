import { describe, expect, test } from "vitest";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { confirmation } from "../../shared/providers/we-link/confirmation.ts";
import { readWeLink } from "../../shared/providers/we-link/event.ts";

const credentials = { "x-api-key": "key", "x-api-secret": "secret" };

const read = (value: JsonObject): ProviderEvent =>
  readWeLink({ value, text: "", numbersAsText: false });

const succeeded = read({ request_id: "r1", status: "SUCCESS", result: { id: 1 } });
const reply = read({ request_id: "r1", status: "SUCCESS", event_type: "MESSAGE_REPLY" });

test("A webhook about a request is confirmed by get_response with the connection's credentials", () => {
  expect(confirmation.request(succeeded, credentials)).toEqual({
    method: "POST",
    path: "/api/v1/get_response",
    headers: credentials,
    body: '{"request_id":"r1"}',
  });
});

test("Nothing is asked without an API key, or about an event that belongs to no request", () => {
  expect(confirmation.request(succeeded, { "x-api-secret": "secret" })).toBeUndefined();
  expect(reply.type.startsWith("workflow.")).toBe(false);
  expect(confirmation.request(reply, credentials)).toBeUndefined();
});

test("An answer that says the same confirms the webhook, and is what is processed", () => {
  const answer = { request_id: "r1", status: "SUCCESS", result: { id: 2 } };
  expect(confirmation.read(succeeded, answer)).toEqual(read(answer));
});

test("An answer that names no request is about the one that was asked for", () => {
  const answer = { status: "SUCCESS", result: { id: 2 } };
  expect(confirmation.read(succeeded, answer)).toEqual(read({ request_id: "r1", ...answer }));
});

test.each([
  ["another request", { request_id: "r2", status: "SUCCESS" }],
  ["a request that goes on", { request_id: "r1", status: "PROCESSING" }],
  ["the one that was asked for, which goes on,", { status: "PROCESSING" }],
])("An answer about %s does not confirm the webhook", (_, answer) => {
  expect(confirmation.read(succeeded, answer)).toBeUndefined();
});

test.each([
  [{ request_id: "r1", status: 7 }],
  [{ request_id: "r1", requestId: "r2", status: "SUCCESS" }],
])("The answer %j is no request, and the webhook stays unconfirmed", (answer) => {
  const reading = () => confirmation.read(succeeded, answer);
  expect(reading).toThrowError(
    expect.objectContaining({
      code: "UNCONFIRMED",
      message: expect.stringContaining("the answer of the provider is not a request"),
      cause: expect.objectContaining({ code: "FRAME_INVALID" }),
    }),
  );
});

describe("A report that may come after a later state of its request", () => {
  const started = read({ request_id: "r1", status: "PROCESSING", action: "forged" });
  const prompt = read({ request_id: "r1", status: "LOGIN_PIN_REQUIRED" });

  const start = {
    type: "workflow.started",
    providerObjectId: "r1",
    data: {
      ...{ workflowId: "r1", providerRequestId: "r1" },
      ...{ status: "running", eventType: "UNKNOWN" },
    },
  };

  test.each([
    ["goes on", { request_id: "r1", status: "PROCESSING", percent: 40 }],
    ["has succeeded", { request_id: "r1", status: "SUCCESS", result: { id: 2 } }],
    ["has failed", { status: "FAILED", error: "PROXY_ERROR" }],
    ["waits for a person", { request_id: "r1", status: "LOGIN_PIN_REQUIRED" }],
  ])("That it was started is confirmed, and nothing else, where the request %s", (_, answer) => {
    expect(confirmation.read(started, answer)).toEqual(start);
  });

  test("The account that the answer names is kept with the start", () => {
    const answer = { request_id: "r1", status: "SUCCESS", account_id: "a-1" };
    const { accountId } = read(answer).data;
    expect(accountId).toBe("a-1");
    expect(confirmation.read(started, answer)).toEqual({
      ...start,
      data: { ...start.data, accountId },
    });
  });

  test("Why a request waits to be started, and that an answer about it is not clear, are kept with its start", () => {
    const answer = { request_id: "r1", status: "QUEUED", event_type: "CONNECTION_SENT" };
    const { pendingReason, unclear } = read(answer);
    expect(pendingReason).toBe("QUEUED");
    expect(unclear).toMatchObject({ kind: "contradictory" });
    expect(confirmation.read(started, answer)).toEqual({ ...start, pendingReason, unclear });
  });

  test.each([
    ["The end of another request", started, { request_id: "r2", status: "SUCCESS" }],
    ["A status that is not listed", started, { request_id: "r1", status: "REVIEWING" }],
    ["An end, which has not always had a prompt,", prompt, { status: "SUCCESS" }],
    ["A request that goes on", prompt, { status: "PROCESSING" }],
  ])("%s does not confirm a report", (_, report, answer) => {
    expect(confirmation.read(report, answer)).toBeUndefined();
  });
});
