import type { DeliverableType } from "../../shared/contracts/events.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { type Sample, samples } from "./samples.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";

/** A webhook that becomes an event of its own. */
export interface EventSample {
  provider: SimulatedProvider;
  /** The type of its event. */
  type: DeliverableType;
  /** The provider's own name of the event. */
  name: string;
  /** @param id makes the event another one than those before; it is part of the event */
  body(of: { id: string; accountId: string; now: string }): JsonObject;
}

/** A sample of each event that a provider's webhook can become, and of each name that it has. */
export const eventSamples: readonly EventSample[] = [
  ...weLinkOutcomes(),
  weLink("workflow.started", "RUNNING", { status: "RUNNING" }),
  weLink("message.reply", "MESSAGE_REPLY", {
    status: "SUCCESS",
    event_type: "MESSAGE_REPLY",
    result: { thread_id: "thread-1", message_id: "message-1", text: "Yes, gladly." },
  }),
  weLink("connection.accepted", "CONNECTION_ACCEPTED", {
    status: "SUCCESS",
    event_type: "CONNECTION_ACCEPTED",
    result: { profile_id: "target-user-456" },
  }),
  weLink("event.unrecognised", "SOMETHING_NEW", { status: "SOMETHING_NEW" }),
  ...linkedApiSamples(),
];

function weLinkOutcomes(): EventSample[] {
  const documented = samples.filter(({ provider }) => provider === "we-link");
  const ofStatus = (wanted: string) => documented.filter(({ body }) => body.status === wanted);
  const completed = [...ofStatus("SUCCESS"), ...ofStatus("FAILED")];
  return [
    ...completed.map((sample) => ofSample("workflow.completed", sample)),
    ...ofStatus("PIN_REQUIRED").map((sample) => ofSample("workflow.actionRequired", sample)),
    ...["MESSAGE_SENT", "PROFILE_VIEWED", "PROFILE_DATA", "SEARCH_COMPLETED"].map((name) =>
      weLink("workflow.completed", name, { status: "SUCCESS", event_type: name, result: {} }),
    ),
    ...["LOGIN_FAILED", "CONNECTION_FAILED", "MESSAGE_FAILED"].map((name) =>
      weLink("workflow.completed", name, {
        status: "FAILED",
        event_type: name,
        error: "STATUS_429",
      }),
    ),
  ];
}

function ofSample(type: DeliverableType, { name, body }: Sample): EventSample {
  const { request_id: _, requestId: __, ...rest } = body;
  return weLink(type, name, rest);
}

function weLink(type: DeliverableType, name: string, body: JsonObject): EventSample {
  return { provider: "we-link", type, name, body: ({ id }) => ({ ...body, request_id: id }) };
}

function linkedApiSamples(): EventSample[] {
  const documented = samples.filter(({ provider }) => provider === "linked-api");
  const thread = { type: "st", threadId: "thread-1", messageId: "message-1", text: "Hello!" };
  const person = { name: "Jane Doe", publicUrl: "https://www.linkedin.com/in/jane-doe" };
  return [
    ...documented.map(({ name, body }) =>
      linkedApi(name as DeliverableType, name, body.data as JsonObject),
    ),
    linkedApi("message.reply", "inbox.messageReceived", thread),
    linkedApi("message.sent", "inbox.messageSent", thread),
    linkedApi("connection.accepted", "network.connectionAccepted", person),
    linkedApi("connection.added", "network.connectionAdded", person),
    linkedApi("connection.requestReceived", "network.connectionRequestReceived", person),
    linkedApi("webhook.test", "webhook.test", {}),
    linkedApi("event.unrecognised", "something.new", {}),
  ];
}

/** The id of a workflow's event is `<type>:<workflowId>`; every other event has one of its own. */
function linkedApi(type: DeliverableType, name: string, data: JsonObject): EventSample {
  const isWorkflow = name.startsWith("workflow.");
  return {
    provider: "linked-api",
    type,
    name,
    body: ({ id, accountId, now }) => ({
      id: `${name}:${id}`,
      type: name,
      createdAt: now,
      data: { ...data, accountId, ...(isWorkflow ? { workflowId: id } : {}) },
    }),
  };
}
