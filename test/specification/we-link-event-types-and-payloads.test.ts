import { afterAll, beforeAll, expect, test } from "vitest";
import { consumerSchema, type EventType } from "../../shared/contracts/events.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import type { BusMessage } from "../support/fakes/bus-consumer.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";
import {
  type Address,
  hmacOf,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
} from "../support/runs/inbound-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Event Types & Payloads", sentence by sentence. */
const { states, everySentenceHasItsTest } = makeSpecification([
  "We-Link sends different event types through webhooks depending on the API action that was performed.",
  "Each event carries a consistent payload structure with type-specific result data.",
  // Event Categories: Event Type | Trigger | Description
  "LOGIN_SUCCESS | Account login | Account successfully connected",
  "LOGIN_FAILED | Account login | Login attempt failed",
  "LOGIN_PIN_REQUIRED | Account login | 2FA PIN required from user",
  "LOGIN_SUCCESS Payload:",
  "LOGIN_PIN_REQUIRED Payload:",
  "CONNECTION_SENT | Send connection | Invitation successfully sent",
  "CONNECTION_FAILED | Send connection | Invitation failed to send",
  "CONNECTION_SENT Payload:",
  "MESSAGE_SENT | Send message | Message delivered successfully",
  "MESSAGE_REPLY | Message sync | New reply detected via reply tracking",
  "MESSAGE_FAILED | Send message | Message delivery failed",
  "PROFILE_VIEWED | View profile | Profile visit completed",
  "PROFILE_DATA | Scrape profile | Profile data retrieved",
  "SEARCH_COMPLETED | Perform search | Search results ready",
  // Common Payload Fields: Field | Type | Description
  "Every webhook payload contains these standard fields:",
  "status | string | SUCCESS, FAILED, or event-specific status",
  "request_id | string | Unique identifier matching the original API request",
  "result | object | Event-specific result data (on success)",
  "error | string | Error message (on failure)",
  "hash | string | HMAC signature for verification",
  // Error Codes in Payloads: Error Code | Description
  "WRONG_PASSWORD | Invalid LinkedIn credentials",
  "PROXY_ERROR | Proxy connection failed",
  "ACCOUNT_RESTRICTED | LinkedIn has restricted the account",
  "STATUS_429 | LinkedIn rate limit exceeded",
  "PROFILE_NOT_FOUND | Target profile doesn't exist",
  "RECRUITER_ACKNOWLEDGEMENT_REQUIRED | LinkedIn Recruiter session acknowledgement needed",
]);

let inbound: InboundRun;
let address: Address;
beforeAll(async () => {
  inbound = await startInboundRun();
  address = await inbound.connect({ provider: "we-link" });
});
afterAll(() => inbound.close());

/** Posts a signed webhook, expects an ack, and returns its only event on the bus. */
async function eventOf(body: JsonObject & { request_id: string }): Promise<BusMessage["detail"]> {
  const [event] = await eventsOf(body);
  if (!event) throw new Error("no event");
  return event;
}

async function eventsOf(
  ...bodies: (JsonObject & { request_id: string })[]
): Promise<BusMessage["detail"][]> {
  for (const body of bodies) {
    expect(await postTo(address.url, signed(body, address.secret))).toMatchObject({ status: 200 });
  }
  const subject = bodies[0]?.request_id ?? "";
  const events = await inbound.events(isAbout(subject), bodies.length);
  return events.map((event) => {
    expect(consumerSchema(event.detail.type).safeParse(event.detail).error).toBeUndefined();
    expect(event).toMatchObject({ source: "ackwire", "detail-type": event.detail.type });
    expect(event.detail).toMatchObject({
      clientId: address.clientId,
      id: expect.stringContaining(`${event.detail.type}:${address.connectionId}:${subject}:`),
      data: { provider: "we-link", workflowId: subject, providerRequestId: subject },
    });
    expect(JSON.stringify(event)).not.toContain('"hash"');
    return event.detail;
  });
}

let count = 0;
const nextId = () => `req-types-${++count}`;

/** Checks a row of the table by its event type and by each API call that triggers it. */
async function row(
  eventType: string,
  of: { calls: string[]; status: string; as: EventType; ours: string | undefined; more?: object },
) {
  const names = [eventType, ...of.calls.map((call) => `/api/v1/${call}`)];
  for (const event_type of names) {
    const request_id = nextId();
    const { type, data } = await eventOf({ status: of.status, request_id, event_type, ...of.more });
    expect([event_type, type, data.eventType, data.status]).toEqual([
      event_type,
      of.as,
      eventType,
      of.ours,
    ]);
  }
}

const completed = { status: "SUCCESS", as: "workflow.completed", ours: "completed" } as const;
const failed = {
  status: "FAILED",
  as: "workflow.completed",
  ours: "failed",
  more: { error: "PROXY_ERROR" },
} as const;

states(
  "We-Link sends different event types through webhooks depending on the API action that was performed.",
  async () => {
    const calls = {
      login_v2: "LOGIN_SUCCESS",
      connect: "CONNECTION_SENT",
      search_people: "SEARCH_COMPLETED",
    };
    for (const [call, eventType] of Object.entries(calls)) {
      const event_type = `/api/v1/${call}`;
      const { data } = await eventOf({ status: "SUCCESS", request_id: nextId(), event_type });
      expect(data).toMatchObject({ action: call, eventType });
    }
    const { data } = await eventOf({
      status: "SUCCESS",
      request_id: nextId(),
      event_type: "/api/v1/something_new",
    });
    expect(data).toMatchObject({ action: "something_new", eventType: "UNKNOWN" });
  },
);

states(
  "Each event carries a consistent payload structure with type-specific result data.",
  async () => {
    const results = [
      { connected: true },
      { items: [{ name: "Zoë \u{1f600}", n: 1.5 }], total: 0 },
      {},
      [],
      null,
      "text",
      7,
    ];
    for (const result of results) {
      const { data } = await eventOf({ status: "SUCCESS", request_id: nextId(), result });
      expect(data.result).toEqual(result);
      const known = [
        "provider",
        "workflowId",
        "providerRequestId",
        "status",
        "eventType",
        "result",
      ];
      expect(known).toEqual(expect.arrayContaining(Object.keys(data)));
    }
  },
);

states("LOGIN_SUCCESS | Account login | Account successfully connected", () =>
  row("LOGIN_SUCCESS", { ...completed, calls: ["login", "login_v2"] }),
);

states("LOGIN_FAILED | Account login | Login attempt failed", () =>
  row("LOGIN_FAILED", { ...failed, calls: ["login", "login_v2"] }),
);

states("LOGIN_PIN_REQUIRED | Account login | 2FA PIN required from user", () =>
  row("LOGIN_PIN_REQUIRED", {
    calls: ["login", "login_v2"],
    status: "PIN_REQUIRED",
    as: "workflow.actionRequired",
    ours: "action_required",
  }),
);

const loginSuccess = {
  status: "SUCCESS",
  request_id: "req-12345",
  result: {
    first_name: "Jane",
    last_name: "Doe",
    profile_id: "jane-doe-123",
    public_identifier: "jane-doe-public",
    premium: true,
    occupation: "Software Engineer",
    email: "jane.doe@example.com",
  },
};

const loginPinRequired = {
  status: "PIN_REQUIRED",
  request_id: "req-12345",
  message: "Please provide the verification code sent to the user",
};

const connectionSent = {
  status: "SUCCESS",
  request_id: "req-67890",
  result: { connected: true, profile_id: "target-user-456" },
};

// Both login samples have the same request id; they give one event each, in either order.
states("LOGIN_SUCCESS Payload:", async () => {
  const events = await eventsOf(loginPinRequired, loginSuccess);
  const byType = Object.fromEntries(events.map(({ type, data }) => [type, data]));
  expect(Object.keys(byType).sort()).toEqual(["workflow.actionRequired", "workflow.completed"]);
  const { result } = loginSuccess;
  expect(byType["workflow.completed"]).toMatchObject({
    eventType: "LOGIN_SUCCESS",
    status: "completed",
    result,
  });
});

states("LOGIN_PIN_REQUIRED Payload:", async () => {
  const request_id = "req-12345-other-order";
  const success = { ...loginSuccess, request_id };
  const pin = { ...loginPinRequired, request_id };
  for (const body of [success, pin, pin, success]) {
    expect((await postTo(address.url, signed(body, address.secret))).status).toBe(200);
  }
  const events = await inbound.events(isAbout(request_id), 2);
  expect(new Set(events.map(({ detail }) => detail.id)).size).toBe(2);
  const prompt = events.find(({ detail }) => detail.type === "workflow.actionRequired");
  expect(prompt?.detail.data).toMatchObject({
    eventType: "LOGIN_PIN_REQUIRED",
    status: "action_required",
    payload: pin,
  });
});

states("CONNECTION_SENT | Send connection | Invitation successfully sent", () =>
  row("CONNECTION_SENT", { ...completed, calls: ["connect"] }),
);

states("CONNECTION_FAILED | Send connection | Invitation failed to send", () =>
  row("CONNECTION_FAILED", { ...failed, calls: ["connect"] }),
);

states("CONNECTION_SENT Payload:", async () => {
  expect(await eventOf(connectionSent)).toMatchObject({
    type: "workflow.completed",
    data: { eventType: "CONNECTION_SENT", status: "completed", result: connectionSent.result },
  });
});

states("MESSAGE_SENT | Send message | Message delivered successfully", () =>
  row("MESSAGE_SENT", {
    ...completed,
    calls: ["send_message", "send_inmail", "send_group_message"],
  }),
);

states("MESSAGE_REPLY | Message sync | New reply detected via reply tracking", async () => {
  for (const event_type of ["MESSAGE_REPLY", "/api/v1/message_received"]) {
    const body = { status: "SUCCESS", request_id: nextId(), event_type, result: { text: "Hi" } };
    const { type, data } = await eventOf(body);
    expect([type, data.eventType, data.payload]).toEqual(["message.reply", "MESSAGE_REPLY", body]);
    expect(data).not.toHaveProperty("status");
  }
});

states("MESSAGE_FAILED | Send message | Message delivery failed", () =>
  row("MESSAGE_FAILED", { ...failed, calls: ["send_message", "send_inmail"] }),
);

states("PROFILE_VIEWED | View profile | Profile visit completed", async () => {
  await row("PROFILE_VIEWED", { ...completed, calls: ["view_profile", "visit_profile"] });
  await row("PROFILE_VIEWED", { ...failed, calls: ["view_profile"] });
});

states("PROFILE_DATA | Scrape profile | Profile data retrieved", async () => {
  await row("PROFILE_DATA", { ...completed, calls: ["get_profile", "scrape_profile"] });
  await row("PROFILE_DATA", { ...failed, calls: ["get_profile"] });
});

states("SEARCH_COMPLETED | Perform search | Search results ready", async () => {
  await row("SEARCH_COMPLETED", { ...completed, calls: ["search", "search_people"] });
  await row("SEARCH_COMPLETED", { ...failed, calls: ["search_people"] });
});

states("Every webhook payload contains these standard fields:", async () => {
  const full = { status: "SUCCESS", request_id: "r", result: {} };
  expect((await postTo(address.url, signed(full, address.secret))).status).toBe(200);
  const cases: [string, string, number][] = [
    ["status", signed({ request_id: "r", result: {} }, address.secret), 400],
    ["request_id", signed({ status: "SUCCESS", result: {} }, address.secret), 400],
    ["hash", JSON.stringify(full), 401],
  ];
  for (const [missing, body, status] of cases) {
    expect([missing, (await postTo(address.url, body)).status]).toEqual([missing, status]);
  }
  // `result` and `error` are optional, and an event never has both.
  expect((await eventOf({ status: "SUCCESS", request_id: nextId() })).data).not.toHaveProperty(
    "error",
  );
  expect((await eventOf({ status: "FAILED", request_id: nextId() })).data).not.toHaveProperty(
    "result",
  );
});

states("status | string | SUCCESS, FAILED, or event-specific status", async () => {
  const statuses: [string, EventType, string | undefined][] = [
    ["SUCCESS", "workflow.completed", "completed"],
    ["COMPLETED", "workflow.completed", "completed"],
    ["FAILED", "workflow.completed", "failed"],
    ["PIN_REQUIRED", "workflow.actionRequired", "action_required"],
    ["PROCESSING", "workflow.started", "running"],
    ["QUEUED", "workflow.started", "running"],
    ["PENDING", "workflow.started", "running"],
    ["IN_PROGRESS", "workflow.started", "running"],
    ["STATUS_429", "workflow.completed", "failed"],
    ["CONNECTION_SENT", "workflow.completed", "completed"],
    ["LOGIN_PIN_REQUIRED", "workflow.actionRequired", "action_required"],
    // Nobody knows it, so it proves no end.
    ["SOMETHING_NEW", "event.unrecognised", undefined],
  ];
  for (const [status, type, ours] of statuses) {
    const event = await eventOf({ status, request_id: nextId() });
    expect([status, event.type, event.data.status]).toEqual([status, type, ours]);
  }
  for (const status of [7, null, "", true, {}, ["SUCCESS"]]) {
    const body = signed({ status, request_id: "r" }, address.secret);
    expect(await postTo(address.url, body)).toMatchObject({ status: 400 });
  }
});

states("request_id | string | Unique identifier matching the original API request", async () => {
  const first = await eventOf({ status: "SUCCESS", request_id: nextId() });
  const second = await eventOf({ status: "SUCCESS", request_id: nextId() });
  expect(first.id).not.toBe(second.id);
  const odd = 'an id: "odd" \u2028 \u{1f600}/../x';
  expect(
    weLink.parseWebhook(webhookOf({ status: "SUCCESS", request_id: odd })).data.providerRequestId,
  ).toBe(odd);
  for (const request_id of [null, "", {}, "x".repeat(513)]) {
    const body = signed({ status: "SUCCESS", request_id }, address.secret);
    expect((await postTo(address.url, body)).status).toBe(400);
  }
});

states("result | object | Event-specific result data (on success)", async () => {
  const result = { connected: true, profile_id: "p" };
  const success = await eventOf({ status: "SUCCESS", request_id: nextId(), result });
  expect(success.data.result).toEqual(result);
  const failure = await eventOf({
    status: "FAILED",
    request_id: nextId(),
    result,
    error: "PROXY_ERROR",
  });
  // A failed request keeps the part of its work that was done.
  expect(failure.data).toMatchObject({ status: "failed", result, error: { code: "PROXY_ERROR" } });
});

states("error | string | Error message (on failure)", async () => {
  const sentence = { status: "FAILED", request_id: nextId(), error: "Password Incorrect" };
  expect((await eventOf(sentence)).data.error).toEqual({
    code: "FAILED",
    message: "Password Incorrect",
  });
  const success = { status: "SUCCESS", request_id: nextId(), error: "not really" };
  expect((await eventOf(success)).data).not.toHaveProperty("error");
});

states("hash | string | HMAC signature for verification", async () => {
  const text = JSON.stringify({ status: "SUCCESS", request_id: nextId() });
  const cases: [unknown, number][] = [
    [hmacOf(text, address.secret), 200],
    [hmacOf(text, "another secret"), 401],
    [hmacOf(`${text} `, address.secret), 401],
    ["...", 401],
    [7, 401],
  ];
  for (const [hash, status] of cases) {
    const body = `${text.slice(0, -1)},"hash":${JSON.stringify(hash)}}`;
    expect([hash, (await postTo(address.url, body)).status]).toEqual([hash, status]);
  }
});

/** Checks a code in `error`, with and without a message, and as the status. */
async function errorCode(code: string) {
  const message = "what happened";
  const ways = [
    { body: { status: "FAILED", error: code }, error: { code, message: code } },
    { body: { status: "FAILED", error: code, error_message: message }, error: { code, message } },
    { body: { status: code, message }, error: { code, message } },
  ];
  for (const { body, error } of ways) {
    const event_type = "/api/v1/connect";
    const { type, data } = await eventOf({ ...body, request_id: nextId(), event_type });
    expect(type).toBe("workflow.completed");
    expect(data).toMatchObject({ status: "failed", eventType: "CONNECTION_FAILED", error });
  }
}

states("WRONG_PASSWORD | Invalid LinkedIn credentials", async () => {
  await errorCode("WRONG_PASSWORD");
  // The code implies the action, because only a login has a password.
  for (const body of [
    { status: "WRONG_PASSWORD" },
    { status: "FAILED", error: "WRONG_PASSWORD" },
  ]) {
    expect((await eventOf({ ...body, request_id: nextId() })).data.eventType).toBe("LOGIN_FAILED");
  }
});

states("PROXY_ERROR | Proxy connection failed", () => errorCode("PROXY_ERROR"));
states("ACCOUNT_RESTRICTED | LinkedIn has restricted the account", () =>
  errorCode("ACCOUNT_RESTRICTED"),
);
states("STATUS_429 | LinkedIn rate limit exceeded", () => errorCode("STATUS_429"));
states("PROFILE_NOT_FOUND | Target profile doesn't exist", () => errorCode("PROFILE_NOT_FOUND"));
states(
  "RECRUITER_ACKNOWLEDGEMENT_REQUIRED | LinkedIn Recruiter session acknowledgement needed",
  () => errorCode("RECRUITER_ACKNOWLEDGEMENT_REQUIRED"),
);

test("Every expected event is published once, and no other event is", () => inbound.nothingMore());
everySentenceHasItsTest();
