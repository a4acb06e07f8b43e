import { describe, expect, test } from "vitest";
import { discriminatorOf } from "../../shared/core/events/event-id.ts";
import { canonicalJson, type JsonObject } from "../../shared/core/json/json.ts";
import {
  pendingReasonOf,
  readWeLink,
  weLinkEventTypeOf,
} from "../../shared/providers/we-link/event.ts";

const read = (of: JsonObject) => {
  const value = { request_id: "r1", ...of };
  return readWeLink({ value, text: "", numbersAsText: false });
};
/** What the event of this body has, whatever it means. */
const frameOf = (of: JsonObject) => ({
  providerObjectId: "r1",
  discriminator: discriminatorOf(canonicalJson({ request_id: "r1", ...of })),
});
const ids = { workflowId: "r1", providerRequestId: "r1" };
const bodyOf = (of: JsonObject) => JSON.stringify({ request_id: "r1", ...of });

describe("The event of a body of We-Link, with all of its members", () => {
  test("A success has its result, the account and the action, and not the signature", () => {
    const body = {
      ...{ status: "SUCCESS", event_type: "/api/v1/connect", account_id: "acc-1" },
      result: { n: 1 },
    };
    expect(read({ ...body, hash: "h" })).toStrictEqual({
      type: "workflow.completed",
      ...frameOf(body),
      data: {
        ...{ ...ids, accountId: "acc-1", action: "connect", status: "completed" },
        ...{ eventType: "CONNECTION_SENT", result: { n: 1 } },
      },
    });
  });

  test("A success without a result has none", () => {
    const body = { status: "SUCCESS" };
    expect(read(body)).toStrictEqual({
      type: "workflow.completed",
      ...frameOf(body),
      data: { ...ids, status: "completed", eventType: "UNKNOWN" },
    });
  });

  test("A failure has its error, and the part of its work that was done", () => {
    const body = { status: "FAILED", error: "PROXY_ERROR", result: { sent: 2 } };
    expect(read(body)).toStrictEqual({
      type: "workflow.completed",
      ...frameOf(body),
      data: {
        ...{ ...ids, status: "failed", eventType: "UNKNOWN" },
        ...{ error: { code: "PROXY_ERROR", message: "PROXY_ERROR" }, result: { sent: 2 } },
      },
    });
    const { data } = read({ status: "FAILED", error: "PROXY_ERROR", result: {} });
    expect(data).not.toHaveProperty("result");
  });

  test("What waits is told as started, with the reason and its own body", () => {
    const body = { status: "QUEUED", message: "Wait", hash: "h" };
    const { hash: _, ...payload } = { request_id: "r1", ...body };
    expect(read(body)).toStrictEqual({
      type: "workflow.started",
      ...frameOf({ status: "QUEUED", message: "Wait" }),
      pendingReason: "QUEUED",
      data: { ...ids, status: "running", eventType: "UNKNOWN", payload },
    });
  });

  test("What runs is told as started, without a reason", () => {
    const body = { status: "PROCESSING" };
    expect(read(body)).toStrictEqual({
      type: "workflow.started",
      ...frameOf(body),
      data: {
        ...{ ...ids, status: "running", eventType: "UNKNOWN" },
        payload: { request_id: "r1", ...body },
      },
    });
  });

  test("A prompt is told with its own body", () => {
    const body = { status: "PIN_REQUIRED", event_type: "/api/v1/login_v2" };
    expect(read(body)).toStrictEqual({
      type: "workflow.actionRequired",
      ...frameOf(body),
      data: {
        ...{ ...ids, action: "login_v2", status: "action_required" },
        ...{ eventType: "LOGIN_PIN_REQUIRED", payload: { request_id: "r1", ...body } },
      },
    });
  });

  test.each(["REVIEWING", "NOT_FOUND"])(
    "The word %s is told as not recognised, with its own body and without a status",
    (status) => {
      const body = { status, event_type: "/api/v1/connect" };
      expect(read(body)).toStrictEqual({
        type: "event.unrecognised",
        ...frameOf(body),
        unclear: { kind: "unrecognised", status, body: bodyOf(body) },
        data: {
          ...{ ...ids, action: "connect", eventType: "UNKNOWN" },
          payload: { request_id: "r1", ...body },
        },
      });
    },
  );

  test("A name of the specification is the provider's own, and is told as such", () => {
    const body = { status: "SUCCESS", event_type: "CONNECTION_SENT" };
    expect(read(body)).toStrictEqual({
      type: "workflow.completed",
      ...frameOf(body),
      hasProviderEventType: true,
      data: { ...ids, status: "completed", eventType: "CONNECTION_SENT" },
    });
  });

  test("A contradiction is kept with its body, and its name is not the provider's", () => {
    const body = { status: "FAILED", event_type: "connection-sent", error: "No way" };
    expect(read(body)).toStrictEqual({
      type: "workflow.completed",
      ...frameOf(body),
      unclear: {
        ...{ kind: "contradictory", status: "FAILED", eventType: "connection-sent" },
        body: bodyOf(body),
      },
      data: {
        ...{ ...ids, status: "failed", eventType: "CONNECTION_FAILED" },
        error: { code: "FAILED", message: "No way" },
      },
    });
  });

  test("A success beside an error's code is a contradiction, under its provider's name", () => {
    const more = { status: "SUCCESS", error: "PROXY_ERROR" };
    expect(read({ ...more, event_type: "CONNECTION_SENT" })).toMatchObject({
      hasProviderEventType: true,
      unclear: { kind: "contradictory", eventType: "CONNECTION_SENT" },
    });
    const unnamed = read(more);
    expect(unnamed).not.toHaveProperty("hasProviderEventType");
    expect(unnamed.unclear).toStrictEqual({
      kind: "contradictory",
      status: "SUCCESS",
      body: bodyOf(more),
    });
  });

  test.each([
    ["MESSAGE_REPLY", "message.reply", "MESSAGE_REPLY"],
    ["message reply", "message.reply", "MESSAGE_REPLY"],
    ["connection-accepted", "connection.accepted", "CONNECTION_ACCEPTED"],
  ])("The status %s is the event %s, and no outcome of a request", (status, type, eventType) => {
    const body = { status, text: "Hi" };
    expect(read(body)).toStrictEqual({
      type,
      ...frameOf(body),
      hasProviderEventType: true,
      data: { ...ids, eventType, payload: { request_id: "r1", ...body } },
    });
  });

  test("A reply under the path of a call is one, also beside the code of an error", () => {
    const body = { status: "SUCCESS", event_type: "/api/v1/message_received" };
    expect(read(body)).toStrictEqual({
      type: "message.reply",
      ...frameOf(body),
      data: {
        ...{ ...ids, action: "message_received", eventType: "MESSAGE_REPLY" },
        payload: { request_id: "r1", ...body },
      },
    });
    const marked = read({ ...body, error: "PROXY_ERROR" });
    expect([marked.type, marked.unclear?.kind]).toEqual(["message.reply", "contradictory"]);
  });
});

describe("A result in the member data", () => {
  test.each([[true], ["text"], [0], [{}], [[1]], [{ n: 1 }]])("The result %j stays", (result) => {
    const { data } = read({ data: { status: "SUCCESS", result } });
    expect([data.status, data.result]).toEqual(["completed", result]);
  });

  test("The result of the body itself comes first, unless it is null", () => {
    const data = { status: "SUCCESS", result: { of: "data" } };
    expect(read({ data, result: { of: "body" } }).data.result).toEqual({ of: "body" });
    expect(read({ data, result: null }).data.result).toEqual({ of: "data" });
  });
});

describe("The lengths of what an event names", () => {
  const refused = (message: string) => expect.objectContaining({ code: "FRAME_INVALID", message });

  test("A status has at most 256 characters", () => {
    expect(read({ status: "x".repeat(256) }).type).toBe("event.unrecognised");
    const tooLong = refused('must have a text "status" of 1 to 256');
    expect(() => read({ status: "x".repeat(257) })).toThrow(tooLong);
    expect(() => read({ message: "No status" })).toThrow(tooLong);
    expect(() => read({ status: "x".repeat(257), error: "PROXY_ERROR" })).toThrow(tooLong);
  });

  test("A request id has at most 512 characters", () => {
    const request_id = "r".repeat(512);
    expect(read({ status: "SUCCESS", request_id }).providerObjectId).toBe(request_id);
    expect(() => read({ status: "SUCCESS", request_id: `${request_id}r` })).toThrow(
      refused("has a request id of more than 512"),
    );
  });

  test("An account or a name of more than 256 characters is left out", () => {
    const of = (n: number) =>
      read({ status: "SUCCESS", accountId: "a".repeat(n), event_type: "e".repeat(n) }).data;
    expect(of(256)).toMatchObject({ accountId: "a".repeat(256), eventType: "e".repeat(256) });
    expect(of(257)).toStrictEqual({ ...ids, status: "completed", eventType: "UNKNOWN" });
  });

  test("The reason why a request waits is trimmed, and has at most 256 characters", () => {
    expect(pendingReasonOf({ meaning: "waiting", word: ` ${"x".repeat(257)} ` })).toStrictEqual({
      pendingReason: "x".repeat(256),
    });
    expect(pendingReasonOf({ meaning: "waiting", word: " \n" })).toStrictEqual({});
    expect(pendingReasonOf({ meaning: "waiting" })).toStrictEqual({});
  });
});

describe("The name of an event", () => {
  test.each([
    ["login", "LOGIN_SUCCESS", "LOGIN_FAILED"],
    ["login_v2", "LOGIN_SUCCESS", "LOGIN_FAILED"],
    ["connect", "CONNECTION_SENT", "CONNECTION_FAILED"],
    ["send_message", "MESSAGE_SENT", "MESSAGE_FAILED"],
    ["send_inmail", "MESSAGE_SENT", "MESSAGE_FAILED"],
    ["send_message_to_thread", "MESSAGE_SENT", "MESSAGE_FAILED"],
    ["view_profile", "PROFILE_VIEWED", "PROFILE_VIEWED"],
    ["visit_profile_by_url", "PROFILE_VIEWED", "PROFILE_VIEWED"],
    ["get_profile_details", "PROFILE_DATA", "PROFILE_DATA"],
    ["scrape_profile", "PROFILE_DATA", "PROFILE_DATA"],
    ["search_people", "SEARCH_COMPLETED", "SEARCH_COMPLETED"],
    ...["relogin", "connections", "reconnect", "resend_message", "send_invite"].map(
      (action): [string, string, string] => [action, "UNKNOWN", "UNKNOWN"],
    ),
    ...["preview_profile", "review_profiles", "forget_profile", "get_me", "research", ""].map(
      (action): [string, string, string] => [action, "UNKNOWN", "UNKNOWN"],
    ),
  ])("%s is named %s where it succeeds, and %s where it fails", (action, succeeded, failed) => {
    expect(weLinkEventTypeOf(action, "succeeded")).toBe(succeeded);
    expect(weLinkEventTypeOf(action, "failed")).toBe(failed);
  });

  test.each<[JsonObject, string]>([
    [{ status: "WRONG_PASSWORD" }, "LOGIN_FAILED"],
    [{ status: "FAILED", error: "WRONG_PASSWORD" }, "LOGIN_FAILED"],
    [{ status: "FAILED", error: "PROXY_ERROR" }, "UNKNOWN"],
    [{ status: "SUCCESS", result: { connected: true } }, "CONNECTION_SENT"],
    [{ status: "SUCCESS", result: { connected: false } }, "CONNECTION_SENT"],
    [{ status: "SUCCESS", result: { connected: "yes" } }, "UNKNOWN"],
    [{ status: "SUCCESS", result: { message_id: null } }, "MESSAGE_SENT"],
    [{ status: "FAILED", result: { thread_id: "t" } }, "MESSAGE_FAILED"],
    [{ status: "SUCCESS", result: { premium: false, email: "e" } }, "LOGIN_SUCCESS"],
    [{ status: "SUCCESS", result: { premium: true } }, "UNKNOWN"],
    [{ status: "SUCCESS", result: { email: "e" } }, "UNKNOWN"],
    [{ status: "SUCCESS", result: [{ thread_id: "t" }] }, "UNKNOWN"],
    [{ status: "PROCESSING", result: { connected: true } }, "UNKNOWN"],
    [{ status: "SUCCESS", event_type: "/api/v1/me", result: { connected: true } }, "UNKNOWN"],
  ])("The name of %j, which has none, is %s by its other members", (body, eventType) => {
    const { data, ...event } = read(body);
    expect(data.eventType).toBe(eventType);
    expect(event).not.toHaveProperty("hasProviderEventType");
  });

  const longest = `a${"b".repeat(63)}`;
  test.each([
    ["/api/v1/connect", "connect"],
    ["api/v1/connect", "connect"],
    ["/api/v1/send_2nd", "send_2nd"],
    [`/api/v1/${longest}`, longest],
    [`/api/v1/${longest}b`, undefined],
    ["/api/v1/Connect", undefined],
    ["/api/v1/2connect", undefined],
    ["/api/v1/", undefined],
    ["/api/v1/connect/more", undefined],
    ["https://api.example.com/api/v1/connect", undefined],
  ])("The action that %s names is %s", (event_type, action) => {
    const { data, hasProviderEventType } = read({ status: "SUCCESS", event_type });
    expect(data.action).toBe(action);
    // What is no path of a call is a name, as it was sent.
    const isName = action === undefined;
    expect(hasProviderEventType).toBe(isName || undefined);
    expect(data.eventType === event_type).toBe(isName);
  });

  test.each([[""], [7], [null], [{ name: "CONNECTION_SENT" }]])(
    "The event_type %j is no name",
    (event_type) => {
      const body = { status: "SUCCESS", event_type };
      expect(read(body)).toStrictEqual({
        type: "workflow.completed",
        ...frameOf(body),
        data: { ...ids, status: "completed", eventType: "UNKNOWN" },
      });
    },
  );

  test.each([
    ["SUCCESS", "connection sent", "CONNECTION_SENT"],
    ["SUCCESS", "profileViewed", "PROFILE_VIEWED"],
    ["FAILED", "PROFILE_DATA", "PROFILE_DATA"],
    ["PIN_REQUIRED", "LOGIN_PIN_REQUIRED", "LOGIN_PIN_REQUIRED"],
    ["SUCCESS", "EXPORT_SENT", "EXPORT_SENT"],
    ["SUCCESS", "export sent", "export sent"],
    ["FAILED", "something else", "something else"],
    ["REVIEWING", "CONNECTION_SENT", "CONNECTION_SENT"],
    ["FAILED", "MESSAGE_REPLY", "MESSAGE_REPLY"],
    ["PROCESSING", "IN_PROGRESS", "IN_PROGRESS"],
    ["QUEUED", "IN_PROGRESS", "IN_PROGRESS"],
  ])("With the status %s the name %s is told as %s", (status, event_type, eventType) => {
    const { data, ...event } = read({ status, event_type });
    expect([data.eventType, event.hasProviderEventType]).toEqual([eventType, true]);
    expect(event.unclear?.kind).not.toBe("contradictory");
  });

  test.each([
    ["PIN_REQUIRED", "CONNECTION_SENT", "LOGIN_PIN_REQUIRED", "workflow.actionRequired"],
    ["PIN_REQUIRED", "EXPORT_SENT", "LOGIN_PIN_REQUIRED", "workflow.actionRequired"],
    ["SUCCESS", "MESSAGE_FAILED", "MESSAGE_SENT", "workflow.completed"],
    ["FAILED", "MESSAGE_SENT", "MESSAGE_FAILED", "workflow.completed"],
    ["FAILED", "LOGIN_PIN_REQUIRED", "LOGIN_FAILED", "workflow.completed"],
    ["SUCCESS", "EXPORT_FAILED", "UNKNOWN", "workflow.completed"],
    ["PROCESSING", "PROFILE_VIEWED", "UNKNOWN", "workflow.started"],
    ["QUEUED", "LOGIN_PIN_REQUIRED", "UNKNOWN", "workflow.started"],
    ["FAILED", "IN_PROGRESS", "UNKNOWN", "workflow.completed"],
  ])("Beside the status %s the name %s is corrected to %s", (...of) => {
    const [status, event_type, eventType, type] = of;
    const event = read({ status, event_type });
    expect([event.data.eventType, event.type]).toEqual([eventType, type]);
    expect(event).not.toHaveProperty("hasProviderEventType");
    expect(event.unclear).toMatchObject({ kind: "contradictory", status, eventType: event_type });
  });

  test("A status that is a name is one, and the name beside it comes first", () => {
    expect(read({ status: "connectionSent" })).toMatchObject({
      hasProviderEventType: true,
      data: { status: "completed", eventType: "CONNECTION_SENT" },
    });
    expect(read({ status: "CONNECTION_SENT", event_type: "MESSAGE_SENT" })).toMatchObject({
      hasProviderEventType: true,
      data: { eventType: "MESSAGE_SENT" },
    });
    expect(read({ status: "CONNECTION_SENT", event_type: "/api/v1/connect" })).toMatchObject({
      hasProviderEventType: true,
      data: { eventType: "CONNECTION_SENT" },
    });
  });
});
