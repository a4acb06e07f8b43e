import * as z from "zod/mini";

/** What every consumer of the bus matches on: EventBridge `source`. */
export const EVENT_SOURCE = "ackwire";

/** Event ids go into HTTP headers of webhooks, so they are printable ASCII without spaces. */
const eventId = z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/));

const text = z.string();
const optionalText = z.optional(text);

/** On every event. */
const subject = {
  /** The provider's id. */
  provider: text,
  /** The specification's event name (`CONNECTION_SENT` …), or `UNKNOWN`. */
  eventType: text,
  accountId: optionalText,
  action: optionalText,
  /** True where a number that no consumer could read exactly stands as text. */
  numbersAsText: z.optional(z.literal(true)),
  /** True where the provider signs nothing and the account is none that the client registered. */
  accountUnknown: z.optional(z.literal(true)),
  /** True where the result is larger than the bus carries; it is kept whole in the bucket. */
  resultTruncated: z.optional(z.literal(true)),
  /** True where the connection verifies by asking the provider, which has no call that tells this. */
  unverified: z.optional(z.literal(true)),
};

/** On every event of a workflow. Without `requestId` it belongs to no request made here. */
const workflow = {
  ...subject,
  requestId: optionalText,
  workflowId: text,
  providerRequestId: optionalText,
};

/** The provider's body without its signature. */
const payload = z.record(text, z.unknown());
const outcome = z.enum(["completed", "failed"]);
const failure = z.object({ code: text, message: text });

/**
 * One definition per event: from it come the producer's strict schema, the
 * consumer's loose one, the JSON Schema, the AsyncAPI document and the
 * EventBridge pattern. A sample that was once released must parse for ever.
 */
const definitions = {
  "workflow.created": {
    when: "a request was accepted, scheduled ones too",
    data: { ...workflow, status: z.literal("pending"), payload: z.optional(payload) },
  },
  "workflow.started": {
    when: "the provider began to work on it",
    data: { ...workflow, status: z.literal("running"), payload: z.optional(payload) },
  },
  "workflow.actionRequired": {
    when: "a person must do something: a login PIN",
    data: { ...workflow, status: z.literal("action_required"), payload: z.optional(payload) },
  },
  "workflow.completed": {
    when: "it reached its end; `result` or `error` says which",
    data: {
      ...workflow,
      status: outcome,
      result: z.optional(z.unknown()),
      error: z.optional(failure),
    },
  },
  "account.active": account("active", "the account is connected and operational"),
  "account.reconnectionRequired": account("reconnection_required", "the user must reconnect it"),
  "account.frozen": account("frozen", "the account was frozen"),
  "account.deleted": account("deleted", "the account was deleted"),
  "message.reply": {
    when: "a reply came in, unasked",
    data: { ...workflow, payload },
  },
  "connection.accepted": {
    when: "an invitation was accepted, unasked",
    data: { ...workflow, payload },
  },
  "webhook.test": {
    when: "a provider sent a test; a client's own test send is not on the bus",
    data: { ...subject, message: optionalText, payload: z.optional(payload) },
  },
  "event.unrecognised": {
    when: "an authentic webhook was not understood: it is kept as it came",
    data: { ...subject, payload },
  },
  "delivery.failed": {
    when: "a delivery to a webhook failed for good; it stays resendable",
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
    when: "a webhook was disabled: by its client, or because its endpoint answered 410",
    data: { webhookId: text, reason: text },
  },
} as const;

function account(status: string, when: string) {
  const data = { ...subject, accountId: text, status: z.literal(status), payload };
  return { when, data } as const;
}

export type EventType = keyof typeof definitions;

export const eventTypes = Object.keys(definitions) as EventType[];

export const eventType = z.enum(eventTypes);

/** What is told of deliveries themselves, on the bus only: a webhook of it would cause more of it. */
const operationalTypes = ["delivery.failed", "webhook.disabled"] as const;

export type DeliverableType = Exclude<EventType, (typeof operationalTypes)[number]>;

/** What a subscriber's webhook can be told of. */
export const deliverableTypes = eventTypes.filter(
  (type): type is DeliverableType => !(operationalTypes as readonly string[]).includes(type),
);

export const deliverableType = z.enum(deliverableTypes);

/** When an event of this type is published, in a sentence. */
export function describeEvent(type: EventType): string {
  return definitions[type].when;
}

/** What we produce: the envelope of one type, with nothing in it that is not defined. */
export function producerSchema(type: EventType) {
  return z.strictObject({
    id: eventId,
    type: z.literal(type),
    createdAt: z.iso.datetime(),
    data: z.strictObject(definitions[type].data),
  });
}

/** What a consumer should ask for: members that come later do not make it fail. */
export function consumerSchema(type: EventType) {
  return z.looseObject({
    id: eventId,
    type: z.literal(type),
    createdAt: z.iso.datetime(),
    data: z.looseObject(definitions[type].data),
  });
}

/** What selects the events of these types on the bus; all of ours where none is named. */
export function eventPattern(...types: EventType[]) {
  return { source: [EVENT_SOURCE], ...(types.length > 0 ? { "detail-type": types } : {}) };
}

/** What EventBridge carries as `detail`, of any type: the envelope and whose it is. */
export const eventDetail = z.looseObject({
  clientId: text,
  id: eventId,
  type: eventType,
  createdAt: z.iso.datetime(),
  data: z.looseObject({
    ...subject,
    provider: optionalText,
    eventType: optionalText,
    workflowId: optionalText,
    status: optionalText,
  }),
});
