/** Members that every event has. */
interface Subject {
  provider: string;
  /** The specification's event name (`CONNECTION_SENT` …), or `UNKNOWN`. */
  eventType: string;
  accountId?: string;
  action?: string;
  /** Numbers that JavaScript cannot represent exactly are strings. */
  numbersAsText?: true;
  /** The provider does not sign its webhooks, and the account is not registered by you. */
  accountUnknown?: true;
  /** The result is too large for a webhook: fetch it. */
  resultTruncated?: true;
  /** The event should be confirmed by a call to the provider, which has no such call. */
  unverified?: true;
  /** The provider's time is missing or wrong: `createdAt` is the time of receipt. */
  createdAtReplaced?: true;
}

interface Workflow extends Subject {
  /** Your request; absent if the workflow was not started through Ackwire. */
  requestId?: string;
  /** The same as `requestId`, or the provider's id if that is absent. */
  workflowId: string;
  providerRequestId?: string;
}

/** The body of the provider's webhook, without its signature. */
type Payload = Record<string, unknown>;

interface Account<Status extends string> extends Subject {
  accountId: string;
  status: Status;
  payload: Payload;
}

/** What happened to an account without a request. Some providers name no workflow. */
interface Unsolicited extends Omit<Workflow, "workflowId"> {
  workflowId?: string;
  payload: Payload;
}

interface Outcome {
  status: "completed" | "failed";
  /** If completed, or what a failed workflow has done; absent from a thin webhook. */
  result?: unknown;
  /** If failed. */
  error?: { code: string; message: string };
}

/** The type of `data` for each event type. */
interface DataByType {
  "workflow.created": Workflow & { status: "pending"; payload?: Payload };
  "workflow.started": Workflow & { status: "running"; payload?: Payload };
  /** A person must act, for example enter a login PIN. */
  "workflow.actionRequired": Workflow & { status: "action_required"; payload?: Payload };
  "workflow.completed": Workflow & Outcome;
  /** Another outcome than `workflow.completed` has told, for example after a time limit. */
  "workflow.lateResult": Workflow & Outcome;
  "account.active": Account<"active">;
  "account.reconnectionRequired": Account<"reconnection_required">;
  "account.frozen": Account<"frozen">;
  "account.deleted": Account<"deleted">;
  "message.reply": Unsolicited;
  "message.sent": Unsolicited;
  "connection.accepted": Unsolicited;
  "connection.added": Unsolicited;
  "connection.requestReceived": Unsolicited;
  /** A test of yours has a `message`, a test of a provider has its `payload`. */
  "webhook.test": Subject & { message?: string; payload?: Payload };
  /** A report of a provider that Ackwire does not recognise; a request that it names goes on. */
  "event.unrecognised": Subject & Partial<Workflow> & { payload: Payload };
}

export type WebhookEventType = keyof DataByType;

/** The event in a webhook. `switch (event.type)` narrows the type of `data`. */
export type WebhookEvent = {
  [Type in WebhookEventType]: {
    /** The same at every attempt and resend: use it to detect duplicates. */
    id: string;
    type: Type;
    /** ISO 8601, UTC. */
    createdAt: string;
    /** The trace that the event belongs to (W3C Trace Context); absent where there is none. */
    traceparent?: string;
    data: DataByType[Type];
  };
}[WebhookEventType];

/** Events about deliveries. They are on the bus and in `events.list`, and never in a webhook. */
interface OperationalDataByType {
  /** A delivery to a webhook failed permanently; it can be resent. */
  "delivery.failed": {
    deliveryId: string;
    eventId: string;
    /** The type of the event that was not delivered. */
    eventType: string;
    webhookId: string;
    /** 1 at first; each resend opens the next. */
    cycle: number;
    /** Attempts of this cycle. */
    attempts: number;
    reason: string;
  };
  /** A webhook was disabled: by its client, or because its endpoint answered 410. */
  "webhook.disabled": { webhookId: string; reason: string };
}

type OperationalEvent = {
  [Type in keyof OperationalDataByType]: {
    id: string;
    type: Type;
    createdAt: string;
    data: OperationalDataByType[Type];
  };
}[keyof OperationalDataByType];

export type AckwireEventType = WebhookEventType | keyof OperationalDataByType;

/** An event of any type, in a webhook, on the bus or in `events.list`. */
export type AckwireEvent = WebhookEvent | OperationalEvent;

/** `detail` of an EventBridge event: the event, and the client whose event it is. */
export type BusDetail = AckwireEvent & { clientId: string };

/** What a rule of the bus passes to its target, for example to a Lambda function. */
export type BusEvent = {
  [Type in AckwireEventType]: {
    version: string;
    /** EventBridge's own id, another one for each publish: detect duplicates by `detail.id`. */
    id: string;
    "detail-type": Type;
    source: "ackwire";
    account: string;
    time: string;
    region: string;
    resources: string[];
    detail: Extract<BusDetail, { type: Type }>;
  };
}[AckwireEventType];

const known: Readonly<Record<WebhookEventType, true>> = {
  "workflow.created": true,
  "workflow.started": true,
  "workflow.actionRequired": true,
  "workflow.completed": true,
  "workflow.lateResult": true,
  "account.active": true,
  "account.reconnectionRequired": true,
  "account.frozen": true,
  "account.deleted": true,
  "message.reply": true,
  "message.sent": true,
  "connection.accepted": true,
  "connection.added": true,
  "connection.requestReceived": true,
  "webhook.test": true,
  "event.unrecognised": true,
};

/** The types of a webhook's events. Types may be added: answer 2xx to an unknown one. */
export const webhookEventTypes = Object.keys(known) as readonly WebhookEventType[];

const operational: Readonly<Record<keyof OperationalDataByType, true>> = {
  "delivery.failed": true,
  "webhook.disabled": true,
};

/** All event types: those of webhooks, and those about deliveries. */
export const eventTypes = Object.keys({ ...known, ...operational }) as readonly AckwireEventType[];

/** Whether an event has this type. Narrows its `data`. */
export function isEvent<Type extends AckwireEventType>(
  event: { type: string },
  type: Type,
): event is Extract<AckwireEvent, { type: Type }> {
  return event.type === type;
}

/** Whether this version of the package knows the event's type. */
export function isKnownEvent(event: { type: string }): event is AckwireEvent {
  return (eventTypes as readonly string[]).includes(event.type);
}
