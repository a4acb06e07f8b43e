import { describe, expect, test } from "vitest";
import { linkedApi } from "../../shared/providers/linked-api/pack.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const createdAt = "2026-06-25T12:00:00.000Z";
const workflow = (over: object = {}, data: object = {}) => ({
  id: "workflow.completed:wf-1",
  type: "workflow.completed",
  createdAt,
  data: { workflowId: "wf-1", accountId: "acc-1", status: "completed", ...data },
  ...over,
});
const read = (body: object) => linkedApi.parseWebhook(webhookOf(body));

describe("the frame that every webhook has", () => {
  test.each([
    ["id", { id: null }],
    ["id", { id: "" }],
    ["type", { type: undefined }],
    ["data", { data: [] }],
    ["data", { data: "x" }],
  ])("A webhook without a valid %s is refused: %j", (member, over) => {
    expect(() => read(workflow(over))).toThrow(`missing or invalid members: ${member}`);
  });
});

describe("the shapes of a result", () => {
  const completion = { actionType: "st.sendConnectionRequest", success: true, data: {} };
  test.each([
    ["a completion", completion],
    ["a list", [completion]],
    ["completion and failure", { completion, failure: null }],
  ])("The action and event type are read from %s", (_name, result) => {
    expect(read(workflow({}, { result })).data).toMatchObject({
      action: "st.sendConnectionRequest",
      eventType: "CONNECTION_SENT",
      status: "completed",
      result,
    });
  });

  test("A completed workflow with a failed action has the failure's event type", () => {
    const result = {
      ...completion,
      success: false,
      error: { type: "alreadyPending", message: "m" },
    };
    expect(read(workflow({}, { result })).data.eventType).toBe("CONNECTION_FAILED");
  });

  test("A failed workflow has its reason as the error and no result", () => {
    const failure = { reason: "linkedinAccountSignedOut", message: "signed out" };
    const { data } = read(workflow({}, { status: "failed", result: { failure } }));
    expect(data.error).toEqual({ code: "linkedinAccountSignedOut", message: "signed out" });
    expect(data).not.toHaveProperty("result");
  });

  test.each([
    ["in the completion", { ...completion, success: false, error: { type: "a", message: "m" } }],
    ["in the result itself", { reason: "a", message: "m" }],
  ])("The reason of a failed workflow is found %s", (_name, result) => {
    const { data } = read(workflow({}, { status: "failed", result }));
    expect(data.error).toEqual({ code: "a", message: "m" });
  });

  test("A thin webhook has no result", () => {
    expect(read(workflow()).data).toEqual({
      workflowId: "wf-1",
      providerRequestId: "wf-1",
      accountId: "acc-1",
      status: "completed",
      eventType: "UNKNOWN",
    });
  });
});

describe("event identity", () => {
  const account = (over: object) =>
    read({
      id: "account.active:acc-1",
      type: "account.active",
      createdAt,
      data: { accountId: "acc-1", status: "active" },
      ...over,
    });

  test("A workflow event is identified by its id", () => {
    expect(read(workflow()).discriminator).toBeUndefined();
    expect(read(workflow({ id: "evt-1" })).discriminator).toMatch(/^[0-9a-f]{16}$/);
    expect(read(workflow({ id: "evt-1" }))).toEqual(read(workflow({ id: "evt-1" })));
  });

  test("An account event is identified by its id and time", () => {
    const later = account({ createdAt: "2026-06-26T12:00:00.000Z" });
    expect(account({}).discriminator).toBe(account({}).discriminator);
    expect(later.discriminator).not.toBe(account({}).discriminator);
  });
});

test.each([
  [{ type: "workflow.paused" }],
  [{ data: {} }],
  [{ type: "message.reply" }],
  [{ type: "account.active", data: {} }],
])("a verified webhook of an unknown form is kept unchanged: %j", (over) => {
  const body = workflow(over);
  expect(read(body)).toMatchObject({
    type: "event.unrecognised",
    data: { payload: JSON.parse(JSON.stringify(body)) },
  });
});

test("Events of an unknown type with one id are separate events", () => {
  const one = read(workflow({ type: "account.paused" }));
  const later = read(workflow({ type: "account.paused", createdAt: "2026-06-26T12:00:00.000Z" }));
  expect(one).toEqual(read(workflow({ type: "account.paused" })));
  expect(later.discriminator).not.toBe(one.discriminator);
});

test.each(["id", "type"])("An event whose %s has more than 512 characters is refused", (member) => {
  expect(() => read(workflow({ [member]: "x".repeat(513) }))).toThrow(member);
});

describe("events of accounts that newer clients name", () => {
  // linkedapi 1.4.7 (PyPI), types/webhooks.py: WebhookEventType.
  test.each([
    ["inbox.messageReceived", "message.reply", "MESSAGE_REPLY"],
    ["inbox.messageSent", "message.sent", "UNKNOWN"],
    ["network.connectionAccepted", "connection.accepted", "CONNECTION_ACCEPTED"],
    ["network.connectionAdded", "connection.added", "UNKNOWN"],
    ["network.connectionRequestReceived", "connection.requestReceived", "UNKNOWN"],
  ])("%s becomes %s with its account", (type, ours, eventType) => {
    // linkedapi 1.4.7, tests/test_webhooks.py: test_parse_message_received_event.
    const data = { accountId: "acc-1", type: "st", threadId: "t1", messageId: "m1", text: "hello" };
    const body = { id: "e3", type, createdAt, data };
    const event = read(body);
    expect(event).toMatchObject({
      type: ours,
      data: { accountId: "acc-1", eventType, payload: body },
    });
    expect(event.data).not.toHaveProperty("status");
    expect(read({ ...body, id: "e4" }).discriminator).not.toBe(event.discriminator);
  });

  test("an event of an unknown type keeps its account", () => {
    const body = { id: "e5", type: "inbox.messageDeleted", createdAt, data: { accountId: 77 } };
    expect(read(body)).toMatchObject({
      type: "event.unrecognised",
      data: { accountId: "77", payload: body },
    });
  });
});

test("ids that are numbers are read as text, with every digit", () => {
  const text = `{"id":12,"type":"workflow.started","createdAt":"${createdAt}","data":{"workflowId":9007199254740993,"accountId":12345678901234567890}}`;
  expect(linkedApi.parseWebhook(webhookOf(text))).toMatchObject({
    providerObjectId: "9007199254740993",
    data: { workflowId: "9007199254740993", accountId: "12345678901234567890" },
  });
});

describe("the time of an event never rejects a webhook", () => {
  test.each(["yesterday", 1, null, undefined, {}, "2026-06-25T12:00:00", "0001-01-01T00:00:00Z"])(
    "a webhook whose createdAt is %j is marked, so that its event gets the time of receipt",
    (time) => {
      const event = read(workflow({ createdAt: time }));
      expect(event).not.toHaveProperty("createdAt");
      expect(event.data.createdAtReplaced).toBe(true);
    },
  );

  test("a webhook with a usable time is not marked", () => {
    expect(read(workflow()).data).not.toHaveProperty("createdAtReplaced");
  });
});

test("createdAt is converted to UTC", () => {
  expect(read(workflow({ createdAt: "2026-06-25T14:00:00+02:00" })).createdAt).toBe(createdAt);
});
