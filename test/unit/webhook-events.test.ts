import { expect, test } from "vitest";
import { type WebhookEvent, type WebhookEventType, webhookEventTypes } from "../../client/index.ts";
import {
  type DeliverableType,
  deliverableTypes,
  producerSchema,
} from "../../shared/contracts/events.ts";

/** Each list holds the other, or this does not compile. */
type Same<One, Other> = [One, Other] extends [Other, One] ? true : never;
const isSame: Same<WebhookEventType, DeliverableType> = true;

test("the client package lists the types of all deliverable events, and no others", () => {
  expect(isSame).toBe(true);
  expect([...webhookEventTypes].sort()).toEqual([...deliverableTypes].sort());
});

const subject = {
  provider: "we-link",
  eventType: "UNKNOWN",
  accountId: "a",
  action: "connect",
  numbersAsText: true,
  accountUnknown: true,
  resultTruncated: true,
  unverified: true,
  createdAtReplaced: true,
} as const;
const workflow = { ...subject, requestId: "r", workflowId: "r", providerRequestId: "p" };
const payload = { n: 1 };
const error = { code: "C", message: "m" };

/** Every member that each event can have, as the client's types define them. */
const data: {
  [Type in WebhookEventType]: Required<Extract<WebhookEvent, { type: Type }>["data"]>;
} = {
  "workflow.created": { ...workflow, status: "pending", payload },
  "workflow.started": { ...workflow, status: "running", payload },
  "workflow.actionRequired": { ...workflow, status: "action_required", payload },
  "workflow.completed": { ...workflow, status: "completed", result: payload, error },
  "workflow.lateResult": { ...workflow, status: "failed", result: payload, error },
  "account.active": { ...subject, status: "active", payload },
  "account.reconnectionRequired": { ...subject, status: "reconnection_required", payload },
  "account.frozen": { ...subject, status: "frozen", payload },
  "account.deleted": { ...subject, status: "deleted", payload },
  "message.reply": { ...workflow, payload },
  "message.sent": { ...workflow, payload },
  "connection.accepted": { ...workflow, payload },
  "connection.added": { ...workflow, payload },
  "connection.requestReceived": { ...workflow, payload },
  "webhook.test": { ...subject, message: "hello", payload },
  "event.unrecognised": { ...workflow, payload },
};

test.each(webhookEventTypes)("%s has the members of its definition", (type) => {
  const schema = producerSchema(type);
  const event = { id: `${type}:r`, type, createdAt: "2026-06-25T12:00:00.000Z", data: data[type] };
  expect(() => schema.parse(event)).not.toThrow();
  const { shape } = schema.def.shape.data.def as { shape: object };
  expect(Object.keys(data[type]).sort()).toEqual(Object.keys(shape).sort());
});
