import { afterAll, beforeAll, expect, test } from "vitest";
import { consumerSchema } from "../../shared/contracts/events.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { BusMessage } from "../support/fakes/bus-consumer.ts";
import {
  type Address,
  type InboundRun,
  isAbout,
  postTo,
  startInboundRun,
} from "../support/runs/inbound-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Working with Webhooks", sentence by sentence, where Linked API calls Ackwire. */
const { states, everySentenceHasItsTest } = makeSpecification([
  "Receive workflow and account events in real time.",
  "Linked API delivers an event to your endpoint whenever a workflow changes state or a LinkedIn account changes status.",
  "You register a single endpoint URL that receives events.",
  "Every event is delivered as an HTTP POST with a JSON body (the event envelope below).",
  "Respond with any 2xx status to acknowledge.",
  "A non-2xx response, or a timeout, is retried for up to 8 attempts.",
  // Event envelope
  "Every delivery has the same shape:",
  "id – stable, unique event identifier.",
  "Use it to deduplicate: a retried delivery reuses the same id.",
  "type – event type, one of the values listed below.",
  "createdAt – ISO 8601 timestamp of when the event was produced.",
  "data – event-specific payload, described per event type below.",
  "Delivery order is best-effort and not guaranteed.",
  "Correlate events by type, data.status, and createdAt rather than by arrival order.",
  // Workflow events
  "data carries workflowId, accountId, and status.",
  "All events for one run share the same workflowId, so you can correlate them.",
  "workflow.created – your request was accepted and queued. status is pending.",
  "workflow.started – the workflow actually started running. status is running.",
  "workflow.completed – the workflow reached a terminal state. status is completed or failed.",
  "data.result is included only on workflow.completed, and only in fat payload mode.",
  "Cancelled workflows do not emit a webhook.",
  // Account events
  "data carries accountId and status, emitted when a connected LinkedIn account changes status.",
  "account.reconnectionRequired – the account needs the user to reconnect. status is reconnection_required.",
  "account.active – the account (re)connected and is operational. status is active.",
  "account.frozen – the account was frozen, for example due to an unpaid subscription. status is frozen.",
  "account.deleted – the account was deleted. status is deleted.",
  // Payload modes
  "The payload mode controls how much data workflow.completed carries:",
  "fat (default) – the full workflow result is inlined in data.result.",
  "thin – data.result is omitted; fetch the result via the workflow API using data.workflowId.",
  "You can switch the mode at any time when managing the webhook.",
  // Receiving events
  "Read the JSON body and branch on type.",
  "Respond 2xx quickly to acknowledge.",
  "Do heavy work asynchronously – a slow endpoint will time out and be retried.",
  "Deduplicate on the envelope id.",
  "Deliveries are at-least-once, so the same event can arrive more than once.",
]);

let inbound: InboundRun;
let address: Address;
beforeAll(async () => {
  inbound = await startInboundRun();
  address = await inbound.connect({ provider: "linked-api" });
  const { clientId, connectionId } = address;
  await inbound.administration.addAccount({ clientId, connectionId, accountId });
});
afterAll(() => inbound.close());

const accountId = "f9b4346a-known";
const createdAt = "2026-06-25T12:00:00.000Z";
const status = {
  created: "pending",
  started: "running",
  completed: "completed",
} as const;

let count = 0;
const nextId = () => `wf-64835e7c-${++count}`;

function workflow(
  state: keyof typeof status,
  workflowId: string,
  over: { data?: JsonObject; frame?: JsonObject } = {},
): JsonObject {
  const type = `workflow.${state}`;
  const data = { workflowId, accountId, status: status[state], ...over.data };
  return { id: `${type}:${workflowId}`, type, createdAt, data, ...over.frame };
}

function account(type: string, ours: string, frame: JsonObject = {}): JsonObject {
  const data = { accountId: `acc-${type}`, status: ours };
  return { id: `${type}:acc-${type}`, type, createdAt, data, ...frame };
}

const post = (body: JsonObject) => postTo(address.url, JSON.stringify(body));

/** Posts the bodies, expects an ack for each, and returns the events of this subject on the bus. */
async function eventsOf(
  subject: string,
  bodies: JsonObject[],
  expected = bodies.length,
): Promise<BusMessage["detail"][]> {
  for (const body of bodies) expect((await post(body)).status).toBe(200);
  const events = await inbound.events(isAbout(subject), expected);
  return events.map(({ detail, source, ...rest }) => {
    expect([source, rest["detail-type"]]).toEqual(["ackwire", detail.type]);
    expect(consumerSchema(detail.type).safeParse(detail).error).toBeUndefined();
    expect(detail.clientId).toBe(address.clientId);
    expect(detail.data.provider).toBe("linked-api");
    return detail;
  });
}

async function eventOf(subject: string, body: JsonObject): Promise<BusMessage["detail"]> {
  const [event] = await eventsOf(subject, [body]);
  if (!event) throw new Error("no event");
  return event;
}

const typesOf = (events: BusMessage["detail"][]) => events.map(({ type }) => type).sort();

states("Receive workflow and account events in real time.", async () => {
  const workflowId = nextId();
  const event = await eventOf(workflowId, workflow("created", workflowId));
  expect(event).toMatchObject({ type: "workflow.created", data: { workflowId } });
});

states(
  "Linked API delivers an event to your endpoint whenever a workflow changes state or a LinkedIn account changes status.",
  async () => {
    const workflowId = nextId();
    const states = ["created", "started", "completed"] as const;
    const events = await eventsOf(
      workflowId,
      states.map((state) => workflow(state, workflowId)),
    );
    expect(typesOf(events)).toEqual(["workflow.completed", "workflow.created", "workflow.started"]);
    const body = { ...account("account.active", "active"), id: "account.active:changes" };
    const data = { accountId: "acc-changes", status: "active" };
    expect((await eventOf("acc-changes", { ...body, data })).type).toBe("account.active");
  },
);

states("You register a single endpoint URL that receives events.", async () => {
  const test = { id: "test-1", type: "webhook.test", createdAt, data: {} };
  expect((await post(test)).status).toBe(200);
  const [event] = await inbound.events(({ detail }) => detail.type === "webhook.test");
  expect(event?.detail.data).toEqual({
    provider: "linked-api",
    eventType: "UNKNOWN",
    payload: test,
  });
});

states(
  "Every event is delivered as an HTTP POST with a JSON body (the event envelope below).",
  async () => {
    const body = JSON.stringify(workflow("created", nextId()));
    expect((await postTo(address.url, body)).status).toBe(200);
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const response = await fetch(address.url, {
        method,
        ...(method === "GET" ? {} : { body }),
      });
      expect([method, response.status]).toEqual([method, 404]);
    }
    for (const text of ["", "hello", "<xml/>", "[]", '"text"', "null", `[${body}]`]) {
      expect([text, (await postTo(address.url, text)).status]).toEqual([text, 400]);
    }
  },
);

states("Respond with any 2xx status to acknowledge.", async () => {
  expect(await post(workflow("created", nextId()))).toMatchObject({
    status: 200,
    text: '{"accepted":true}',
  });
});

states("A non-2xx response, or a timeout, is retried for up to 8 attempts.", async () => {
  const workflowId = nextId();
  const attempts = Array.from({ length: 8 }, () => workflow("completed", workflowId));
  await eventsOf(workflowId, attempts, 1);
});

states("Every delivery has the same shape:", async () => {
  const workflowId = "wf-64835e7c-...";
  const sample = {
    id: "workflow.completed:wf-64835e7c-...",
    type: "workflow.completed",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { workflowId, accountId: "f9b4346a-...", status: "completed", result: {} },
  };
  const event = await eventOf(workflowId, sample);
  expect(event).toMatchObject({
    type: sample.type,
    createdAt: sample.createdAt,
    data: sample.data,
  });
  // A missing time is replaced by the time of receipt.
  for (const member of ["id", "type", "data"]) {
    const { [member]: _, ...rest } = sample as JsonObject;
    expect([member, (await post(rest)).status]).toEqual([member, 400]);
  }
});

states("id – stable, unique event identifier.", async () => {
  const workflowId = nextId();
  const { id } = await eventOf(workflowId, workflow("created", workflowId));
  expect(id).toBe(`workflow.created:${address.connectionId}:${workflowId}`);
  const other = nextId();
  const sameType = [workflow("created", other), workflow("created", other, { frame: { id: "x" } })];
  const ids = (await eventsOf(other, sameType)).map((event) => event.id);
  expect(new Set(ids).size).toBe(2);
});

states("Use it to deduplicate: a retried delivery reuses the same id.", async () => {
  const workflowId = nextId();
  const body = workflow("completed", workflowId, { data: { result: { n: 1 } } });
  const [event] = await eventsOf(workflowId, [body, body, body], 1);
  expect(event?.data.result).toEqual({ n: 1 });
});

states("type – event type, one of the values listed below.", async () => {
  const body = {
    id: "unlisted-1",
    type: "workflow.paused",
    createdAt,
    data: { workflowId: nextId(), status: "paused" },
  };
  expect((await post(body)).status).toBe(200);
  const isIt = ({ detail }: BusMessage) => JSON.stringify(detail).includes("unlisted-1");
  const [event] = await inbound.events(isIt);
  expect(event?.detail).toMatchObject({
    type: "event.unrecognised",
    data: { eventType: "UNKNOWN", payload: body },
  });
});

states("createdAt – ISO 8601 timestamp of when the event was produced.", async () => {
  const cases = [
    ["2026-06-25T12:00:00.000Z", "2026-06-25T12:00:00.000Z"],
    ["2026-06-25T12:00:00Z", "2026-06-25T12:00:00.000Z"],
    ["2026-06-25T14:00:00.5+02:00", "2026-06-25T12:00:00.500Z"],
    [1782388800000, "2026-06-25T12:00:00.000Z"],
  ];
  for (const [given, ours] of cases) {
    const workflowId = nextId();
    const body = workflow("created", workflowId, { frame: { createdAt: given } });
    expect((await eventOf(workflowId, body)).createdAt).toBe(ours);
  }
  // An authentic event is kept whatever its time is: it gets the time of its receipt.
  for (const time of ["yesterday", "2026-06-25", "2026-02-30T12:00:00Z", "", null, undefined]) {
    const workflowId = nextId();
    const body = workflow("created", workflowId, { frame: { createdAt: time } });
    const before = Date.now();
    const event = await eventOf(workflowId, body);
    expect(event.data).toMatchObject({ createdAtReplaced: true });
    expect(Date.parse(event.createdAt)).toBeGreaterThanOrEqual(before - 1_000);
  }
});

states("data – event-specific payload, described per event type below.", async () => {
  for (const data of [[], "text", null, 7]) {
    const body = workflow("created", "none", { frame: { data } });
    expect([data, (await post(body)).status]).toEqual([data, 400]);
  }
  const workflowId = nextId();
  const body = workflow("created", workflowId, { data: { more: { n: [1] } } });
  expect((await eventOf(workflowId, body)).data.payload).toEqual(body);
});

states("Delivery order is best-effort and not guaranteed.", async () => {
  const workflowId = nextId();
  const states = ["completed", "created", "started", "completed", "created"] as const;
  const bodies = states.map((state) => workflow(state, workflowId));
  const events = await eventsOf(workflowId, bodies, 3);
  expect(typesOf(events)).toEqual(["workflow.completed", "workflow.created", "workflow.started"]);
});

states(
  "Correlate events by type, data.status, and createdAt rather than by arrival order.",
  async () => {
    const workflowId = nextId();
    const at = (state: keyof typeof status, second: number) =>
      workflow(state, workflowId, { frame: { createdAt: `2026-06-25T12:00:0${second}.000Z` } });
    const events = await eventsOf(workflowId, [
      at("completed", 3),
      at("created", 1),
      at("started", 2),
    ]);
    const inTime = events.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
    expect(inTime.map(({ type, data }) => [type, data.status])).toEqual([
      ["workflow.created", "pending"],
      ["workflow.started", "running"],
      ["workflow.completed", "completed"],
    ]);
  },
);

states("data carries workflowId, accountId, and status.", async () => {
  for (const state of ["created", "started", "completed"] as const) {
    const workflowId = nextId();
    const { data } = await eventOf(workflowId, workflow(state, workflowId));
    expect(data).toMatchObject({ workflowId, accountId, status: status[state] });
  }
});

states("All events for one run share the same workflowId, so you can correlate them.", async () => {
  const workflowId = nextId();
  const bodies = [workflow("created", workflowId), workflow("started", workflowId)];
  const events = await eventsOf(workflowId, bodies);
  expect(new Set(events.map(({ data }) => data.workflowId))).toEqual(new Set([workflowId]));
  expect(new Set(events.map(({ id }) => id)).size).toBe(2);
});

async function workflowEvent(state: keyof typeof status, ours: string) {
  const workflowId = nextId();
  const body = workflow(state, workflowId, { data: { status: ours } });
  const event = await eventOf(workflowId, body);
  expect([event.type, event.data.status]).toEqual([`workflow.${state}`, ours]);
  return event;
}

states("workflow.created – your request was accepted and queued. status is pending.", async () => {
  await workflowEvent("created", "pending");
});

states("workflow.started – the workflow actually started running. status is running.", async () => {
  await workflowEvent("started", "running");
});

states(
  "workflow.completed – the workflow reached a terminal state. status is completed or failed.",
  async () => {
    expect((await workflowEvent("completed", "completed")).data).not.toHaveProperty("error");
    expect((await workflowEvent("completed", "failed")).data.error).toEqual({
      code: "WORKFLOW_FAILED",
      message: "The workflow failed",
    });
  },
);

states(
  "data.result is included only on workflow.completed, and only in fat payload mode.",
  async () => {
    const workflowId = nextId();
    const states = ["created", "started", "completed"] as const;
    const bodies = states.map((state) =>
      workflow(state, workflowId, { data: { result: { n: 1 } } }),
    );
    for (const { type, data } of await eventsOf(workflowId, bodies)) {
      expect([type, "result" in data]).toEqual([type, type === "workflow.completed"]);
    }
  },
);

states("Cancelled workflows do not emit a webhook.", async () => {
  const workflowId = nextId();
  for (const name of ["created", "started"] as const) {
    expect((await post(workflow(name, workflowId))).status).toBe(200);
  }
  // A webhook for a cancelled workflow is not published as the end of a workflow.
  const cancelled = workflow("completed", workflowId, { data: { status: "cancelled" } });
  expect((await post(cancelled)).status).toBe(200);
  const isOfIt = ({ detail }: BusMessage) => JSON.stringify(detail).includes(workflowId);
  const events = await inbound.events(isOfIt, 3);
  expect(typesOf(events.map(({ detail }) => detail))).toEqual([
    "event.unrecognised",
    "workflow.created",
    "workflow.started",
  ]);
});

states(
  "data carries accountId and status, emitted when a connected LinkedIn account changes status.",
  async () => {
    const id = "account.active:acc-known";
    const body = account("account.active", "active", { id, data: { accountId, status: "active" } });
    expect((await post(body)).status).toBe(200);
    const isIt = ({ detail }: BusMessage) =>
      detail.type === "account.active" && detail.data.accountId === accountId;
    const [event] = await inbound.events(isIt);
    expect(event?.detail.data).toEqual({
      accountId,
      provider: "linked-api",
      status: "active",
      eventType: "UNKNOWN",
      payload: body,
    });
    const without = account("account.active", "active", { id: "no-account", data: {} });
    expect((await post(without)).status).toBe(200);
    const [unrecognised] = await inbound.events(({ detail }) =>
      JSON.stringify(detail).includes("no-account"),
    );
    expect(unrecognised?.detail.type).toBe("event.unrecognised");
  },
);

/** Sends the same account status at two times, and one of these webhooks twice. */
async function accountEvent(type: string, ours: string) {
  const first = account(type, ours);
  const again = account(type, ours, { createdAt: "2026-07-01T00:00:00.000Z" });
  const events = await eventsOf(`acc-${type}`, [first, again, first], 2);
  for (const event of events) {
    expect([event.type, event.data.status]).toEqual([type, ours]);
    // The account is not registered, and Linked API does not sign its webhooks.
    expect(event.data.accountUnknown).toBe(true);
  }
  expect(new Set(events.map(({ id }) => id)).size).toBe(2);
}

states(
  "account.reconnectionRequired – the account needs the user to reconnect. status is reconnection_required.",
  () => accountEvent("account.reconnectionRequired", "reconnection_required"),
);
states("account.active – the account (re)connected and is operational. status is active.", () =>
  accountEvent("account.active", "active"),
);
states(
  "account.frozen – the account was frozen, for example due to an unpaid subscription. status is frozen.",
  () => accountEvent("account.frozen", "frozen"),
);
states("account.deleted – the account was deleted. status is deleted.", () =>
  accountEvent("account.deleted", "deleted"),
);

const completion = { actionType: "st.openPersonPage", success: true, data: { name: "Jane" } };

states("The payload mode controls how much data workflow.completed carries:", async () => {
  const [fat, thin] = [nextId(), nextId()];
  const withResult = workflow("completed", fat, { data: { result: completion } });
  const { result, action, ...rest } = (await eventOf(fat, withResult)).data;
  const { data } = await eventOf(thin, workflow("completed", thin));
  expect([result, action]).toEqual([completion, "st.openPersonPage"]);
  const ids = { workflowId: thin, providerRequestId: thin, eventType: "PROFILE_DATA" };
  // Only the result contains the action.
  expect({ ...data, eventType: "PROFILE_DATA" }).toEqual({ ...rest, ...ids });
});

states("fat (default) – the full workflow result is inlined in data.result.", async () => {
  const results = [completion, [completion, completion], { completion, failure: null }, {}];
  for (const result of results) {
    const workflowId = nextId();
    const body = workflow("completed", workflowId, { data: { result } });
    expect((await eventOf(workflowId, body)).data.result).toEqual(result);
  }
});

states(
  "thin – data.result is omitted; fetch the result via the workflow API using data.workflowId.",
  async () => {
    const workflowId = nextId();
    const { data } = await eventOf(workflowId, workflow("completed", workflowId));
    expect(data).toEqual({
      workflowId,
      providerRequestId: workflowId,
      accountId,
      provider: "linked-api",
      status: "completed",
      eventType: "UNKNOWN",
    });
  },
);

states("You can switch the mode at any time when managing the webhook.", async () => {
  const workflowId = nextId();
  const fat = workflow("completed", workflowId, { data: { result: completion } });
  // A retry after a switch has the new mode, and is a duplicate of the first delivery.
  await eventsOf(workflowId, [fat, workflow("completed", workflowId)], 1);
});

states("Read the JSON body and branch on type.", async () => {
  const workflowId = nextId();
  // Only `type` determines the event type, not the status or the id.
  const body = workflow("created", workflowId, {
    data: { status: "completed" },
    frame: { id: `workflow.completed:${workflowId}` },
  });
  const event = await eventOf(workflowId, body);
  expect([event.type, event.data.status]).toEqual(["workflow.created", "pending"]);
});

states("Respond 2xx quickly to acknowledge.", async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => post(workflow("created", nextId()))),
  );
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
});

states("Do heavy work asynchronously – a slow endpoint will time out and be retried.", async () => {
  const settings = { verifyByFetch: true };
  const asking = await inbound.connect({ provider: "linked-api", settings });
  const workflowId = nextId();
  const body = JSON.stringify(workflow("completed", workflowId));
  // The ack does not wait for the confirmation by the provider, which is unreachable here.
  expect((await postTo(asking.url, body)).status).toBe(200);
  expect(await inbound.events(isAbout(workflowId), 0)).toEqual([]);
});

states("Deduplicate on the envelope id.", async () => {
  const workflowId = nextId();
  const first = workflow("completed", workflowId, { data: { result: { n: 1 } } });
  const other = workflow("completed", workflowId, { data: { result: { n: 2 } } });
  const [event] = await eventsOf(workflowId, [first], 1);
  expect((await post(other)).status).toBe(200);
  expect(event?.data.result).toEqual({ n: 1 });
});

states("Deliveries are at-least-once, so the same event can arrive more than once.", async () => {
  const workflowId = nextId();
  const body = workflow("completed", workflowId);
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)));
  expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
});

test("Every expected event is published once, and no other event is", () => inbound.nothingMore());
everySentenceHasItsTest();
