/** On the event of whatever it is about. */
interface Subject {
  provider: string;
  /** The specification's event name (`CONNECTION_SENT` …), or `UNKNOWN`. */
  eventType: string;
  accountId?: string;
  action?: string;
  /** A number that JavaScript and others cannot read exactly stands as text. */
  numbersAsText?: true;
  /** The provider signs nothing, and the account is none that you registered. */
  accountUnknown?: true;
  /** The result was too large to be sent: fetch it. */
  resultTruncated?: true;
  /** The provider was to be asked whether it is so, and has no call that tells. */
  unverified?: true;
}

interface Workflow extends Subject {
  /** Of the request that you made; absent where it was made elsewhere. */
  requestId?: string;
  /** The same as `requestId`; where that is absent, the provider's id. */
  workflowId: string;
  providerRequestId?: string;
}

/** The provider's own body, without its signature. */
type Payload = Record<string, unknown>;

interface Account<Status extends string> extends Subject {
  accountId: string;
  status: Status;
  payload: Payload;
}

/** What `data` holds, by the event's type. */
interface DataByType {
  "workflow.created": Workflow & { status: "pending"; payload?: Payload };
  "workflow.started": Workflow & { status: "running"; payload?: Payload };
  /** A person must do something: enter a login PIN. */
  "workflow.actionRequired": Workflow & { status: "action_required"; payload?: Payload };
  "workflow.completed": Workflow & {
    status: "completed" | "failed";
    /** Of a success; absent from a thin webhook. */
    result?: unknown;
    /** Of a failure. */
    error?: { code: string; message: string };
  };
  "account.active": Account<"active">;
  "account.reconnectionRequired": Account<"reconnection_required">;
  "account.frozen": Account<"frozen">;
  "account.deleted": Account<"deleted">;
  "message.reply": Workflow & { payload: Payload };
  "connection.accepted": Workflow & { payload: Payload };
  /** Yours has a `message`, a provider's the `payload`. */
  "webhook.test": Subject & { message?: string; payload?: Payload };
  /** The provider sent it, and Ackwire did not understand it. */
  "event.unrecognised": Subject & { payload: Payload };
}

export type WebhookEventType = keyof DataByType;

/** An event as a webhook brings it. `switch (event.type)` tells what `data` holds. */
export type WebhookEvent = {
  [Type in WebhookEventType]: {
    /** The same at each attempt and each resend: what has been handled once has this id. */
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
  "account.active": true,
  "account.reconnectionRequired": true,
  "account.frozen": true,
  "account.deleted": true,
  "message.reply": true,
  "connection.accepted": true,
  "webhook.test": true,
  "event.unrecognised": true,
};

/** Every type that a webhook can have. More may come: let what you do not know pass with 2xx. */
export const webhookEventTypes = Object.keys(known) as readonly WebhookEventType[];
