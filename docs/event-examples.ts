import type { EventType } from "../shared/contracts/events.ts";

const at = "2026-06-25T12:00:00.000Z";
const requestId = "rq_1f6c29d1b6e04f7a9c55aa13-7d3e0b52";
const accountId = "1234ab5678290";
const connectionId = "cn_0f9e8d7c6b5a4321";
const webhookId = "wh_6ef3707b099fbe90";
const deliveryId = "dl_21b871b884e6b00a666a1feec780e3b1";

const ofRequest = {
  requestId,
  workflowId: requestId,
  ...{ provider: "we-link", accountId, action: "connect", eventType: "CONNECTION_SENT" },
};
const result = { connected: true, profile_id: "ACoABC1d2f" };
const ofWorkflow = { ...ofRequest, providerRequestId: "wl-8841" };
const ofLinkedApi = { provider: "linked-api", eventType: "UNKNOWN", accountId };

/** The `data` of an event of each type, as a consumer gets it. */
const dataOf: Readonly<Record<EventType, object>> = {
  "workflow.created": { ...ofRequest, status: "pending" },
  "workflow.started": { ...ofWorkflow, status: "running" },
  "workflow.actionRequired": {
    ...ofWorkflow,
    ...{ action: "login_v2", eventType: "PIN_REQUIRED", status: "action_required" },
    payload: { status: "PIN_REQUIRED", message: "Enter the PIN that was sent by email" },
  },
  "workflow.completed": { ...ofWorkflow, status: "completed", result },
  "workflow.lateResult": { ...ofWorkflow, status: "completed", result },
  "account.active": {
    ...ofLinkedApi,
    status: "active",
    payload: { accountId, status: "active" },
  },
  "account.reconnectionRequired": {
    ...ofLinkedApi,
    status: "reconnection_required",
    payload: { accountId, status: "reconnection_required" },
  },
  "account.frozen": { ...ofLinkedApi, status: "frozen", payload: { accountId, status: "frozen" } },
  "account.deleted": {
    ...ofLinkedApi,
    status: "deleted",
    payload: { accountId, status: "deleted" },
  },
  "message.reply": {
    ...{ provider: "we-link", eventType: "MESSAGE_REPLY", accountId },
    payload: { event_type: "MESSAGE_REPLY", profile_id: "ACoABC1d2f", message: "Yes, on Tuesday" },
  },
  "message.sent": {
    ...ofLinkedApi,
    payload: { accountId, personUrl: "https://www.linkedin.com/in/jane", text: "Hello Jane" },
  },
  "connection.accepted": {
    ...{ provider: "we-link", eventType: "CONNECTION_ACCEPTED", accountId },
    payload: { event_type: "CONNECTION_ACCEPTED", profile_id: "ACoABC1d2f" },
  },
  "connection.added": {
    ...ofLinkedApi,
    payload: { accountId, personUrl: "https://www.linkedin.com/in/jane" },
  },
  "connection.requestReceived": {
    ...ofLinkedApi,
    payload: { accountId, personUrl: "https://www.linkedin.com/in/jane" },
  },
  "webhook.test": { provider: "linked-api", eventType: "UNKNOWN", message: "It works" },
  "event.unrecognised": {
    ...{ provider: "we-link", eventType: "UNKNOWN" },
    payload: { event_type: "PROFILE_VIEWED", profile_id: "ACoABC1d2f" },
  },
  "delivery.failed": {
    deliveryId,
    eventId: `workflow.completed:${requestId}`,
    eventType: "workflow.completed",
    ...{ webhookId, cycle: 1, attempts: 8, reason: "attempts_used" },
  },
  "webhook.disabled": { webhookId, reason: "endpoint_answered_410" },
};

/** Of one request there may be several events of these types, which are numbered from 1 on. */
const numbered: readonly EventType[] = ["workflow.actionRequired", "workflow.lateResult"];

/** The part of an event's id after its type: what it is about. */
function subjectOf(type: EventType): string {
  if (type === "webhook.disabled") return `${webhookId}:${Date.parse(at)}`;
  if (type === "delivery.failed") return `${deliveryId}:1`;
  if (!("requestId" in dataOf[type])) return `${connectionId}:0d3f6c1b9a`;
  return numbered.includes(type) ? `${requestId}:1` : requestId;
}

/** An event of a type, as a consumer gets it. */
export const exampleOf = (type: EventType) => ({
  id: `${type}:${subjectOf(type)}`,
  type,
  createdAt: at,
  data: dataOf[type],
});
