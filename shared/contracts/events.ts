import * as z from "zod/mini";
import { TRACEPARENT_FORM } from "./traceparent.ts";

/** The EventBridge `source` of every event. */
export const EVENT_SOURCE = "ackwire";

/** An event id is sent in an HTTP header of webhooks: printable ASCII without spaces. */
const eventId = z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/));

/** The trace of the request or webhook, as W3C Trace Context; absent where there is none. */
const traceparent = z.optional(z.string().check(z.regex(TRACEPARENT_FORM)));

const text = z.string();
const optionalText = z.optional(text);

/** Members of every event that comes from a provider. */
const subject = {
  /** The provider's id. */
  provider: text,
  /** The specification's event name (`CONNECTION_SENT` …), or `UNKNOWN`. */
  eventType: text,
  accountId: optionalText,
  action: optionalText,
  /** A number that consumers could not read exactly is text. */
  numbersAsText: z.optional(z.literal(true)),
  /** The provider signs nothing, and the client has not registered the account. */
  accountUnknown: z.optional(z.literal(true)),
  /** The result is too large for the bus, and is stored whole in the bucket. */
  resultTruncated: z.optional(z.literal(true)),
  /** The connection verifies by asking the provider, which has no call for this event. */
  unverified: z.optional(z.literal(true)),
  /** The provider's time is missing, unreadable or impossible: `createdAt` is the time of receipt. */
  createdAtReplaced: z.optional(z.literal(true)),
};

/** Members of every event of a workflow. Without `requestId` it belongs to no request made here. */
const workflow = {
  ...subject,
  requestId: optionalText,
  workflowId: text,
  providerRequestId: optionalText,
};

/** Members of an event that no request asked for. A provider may name no workflow. */
const unsolicited = { ...workflow, workflowId: optionalText };

/** The provider's body without its signature. */
const payload = z.record(text, z.unknown());
const outcome = z.enum(["completed", "failed"]);
const failure = z.object({ code: text, message: text });
const ending = {
  status: outcome,
  result: z.optional(z.unknown()),
  error: z.optional(failure),
};

/**
 * One definition per event type. The producer's strict schema, the consumer's
 * loose schema, the JSON Schema, the AsyncAPI document and the EventBridge
 * pattern are derived from it. A released sample must parse in every later version.
 */
const definitions = {
  "workflow.created": {
    description: "a request was accepted, also one for later",
    data: { ...workflow, status: z.literal("pending"), payload: z.optional(payload) },
  },
  "workflow.started": {
    description: "the provider started the workflow",
    data: { ...workflow, status: z.literal("running"), payload: z.optional(payload) },
  },
  "workflow.actionRequired": {
    description: "a person must act, for example enter a login PIN",
    data: { ...workflow, status: z.literal("action_required"), payload: z.optional(payload) },
  },
  "workflow.completed": {
    description: "the workflow ended; it has `result` or `error`",
    data: { ...workflow, ...ending },
  },
  "workflow.lateResult": {
    description:
      "the provider reported a different outcome after `workflow.completed`, for example after a timeout; the request does not change",
    data: { ...workflow, ...ending },
  },
  "account.active": account("active", "the account is connected and operational"),
  "account.reconnectionRequired": account(
    "reconnection_required",
    "the user must reconnect the account",
  ),
  "account.frozen": account("frozen", "the account was frozen"),
  "account.deleted": account("deleted", "the account was deleted"),
  "message.reply": {
    description: "a reply was received that no request asked for",
    data: { ...unsolicited, payload },
  },
  "message.sent": {
    description: "a message was sent from the account, by a request or by its user",
    data: { ...unsolicited, payload },
  },
  "connection.accepted": {
    description: "an invitation was accepted",
    data: { ...unsolicited, payload },
  },
  "connection.added": {
    description: "the account has a new connection",
    data: { ...unsolicited, payload },
  },
  "connection.requestReceived": {
    description: "the account received an invitation",
    data: { ...unsolicited, payload },
  },
  "webhook.test": {
    description: "a provider sent a test webhook; a client's own test is not on the bus",
    data: { ...subject, message: optionalText, payload: z.optional(payload) },
  },
  "event.unrecognised": {
    description: "an authentic webhook has an unknown form; `payload` is its body",
    data: {
      ...subject,
      requestId: optionalText,
      workflowId: optionalText,
      providerRequestId: optionalText,
      payload,
    },
  },
  "delivery.failed": {
    description: "a delivery to a webhook failed permanently; it can be resent",
    data: {
      deliveryId: text,
      eventId: text,
      /** The type of the event that was not delivered. */
      eventType: text,
      webhookId: text,
      /** 1 at first; each resend opens the next. */
      cycle: z.number(),
      /** Attempts of this cycle. */
      attempts: z.number(),
      reason: text,
    },
  },
  "webhook.disabled": {
    description: "a webhook was disabled: by its client, or because its endpoint answered 410",
    data: { webhookId: text, reason: text },
  },
} as const;

function account(status: string, description: string) {
  const data = { ...subject, accountId: text, status: z.literal(status), payload };
  return { description, data } as const;
}

export type EventType = keyof typeof definitions;

export const eventTypes = Object.keys(definitions) as EventType[];

export const eventType = z.enum(eventTypes);

/** Events about deliveries, for the bus only: a webhook of one would cause more of them. */
const operationalTypes = ["delivery.failed", "webhook.disabled"] as const;

export type DeliverableType = Exclude<EventType, (typeof operationalTypes)[number]>;

/** The event types that a webhook can subscribe to. */
export const deliverableTypes = eventTypes.filter(
  (type): type is DeliverableType => !(operationalTypes as readonly string[]).includes(type),
);

export const deliverableType = z.enum(deliverableTypes);

/** Returns a clause that says when an event of this type is published. */
export function describeEvent(type: EventType): string {
  return definitions[type].description;
}

/** The envelope of one type as Ackwire publishes it; undefined members are rejected. */
export function producerSchema(type: EventType) {
  return z.strictObject({
    id: eventId,
    type: z.literal(type),
    createdAt: z.iso.datetime(),
    traceparent,
    data: z.strictObject(definitions[type].data),
  });
}

/** The envelope of one type as a consumer should parse it; members of later versions are accepted. */
export function consumerSchema(type: EventType) {
  return z.looseObject({
    id: eventId,
    type: z.literal(type),
    createdAt: z.iso.datetime(),
    traceparent,
    data: z.looseObject(definitions[type].data),
  });
}

/** The EventBridge pattern of these types; of every event of Ackwire when none is named. */
export function eventPattern(...types: EventType[]) {
  return { source: [EVENT_SOURCE], ...(types.length > 0 ? { "detail-type": types } : {}) };
}

/** EventBridge's `detail` of any type: the envelope and its client. */
export const eventDetail = z.looseObject({
  clientId: text,
  id: eventId,
  type: eventType,
  createdAt: z.iso.datetime(),
  traceparent,
  data: z.looseObject({
    ...subject,
    provider: optionalText,
    eventType: optionalText,
    workflowId: optionalText,
    status: optionalText,
  }),
});
