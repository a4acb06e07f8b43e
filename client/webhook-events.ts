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
    data: DataByType[Type];
  };
}[WebhookEventType];

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

/** All event types. Types may be added: answer 2xx to an unknown one. */
export const webhookEventTypes = Object.keys(known) as readonly WebhookEventType[];
