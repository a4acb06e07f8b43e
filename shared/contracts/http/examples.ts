import { providerId } from "../providers.ts";

const [provider] = providerId.options;
const at = "2026-06-25T12:00:00.000Z";
const connectionId = "cn_6f1e0c2a94d84b37";
const requestId = "rq_4b1f0a9c7d2e45f88c3aee01";

const connection = {
  connectionId,
  provider,
  createdAt: at,
  status: "active",
  signature: "enforce",
  hashForms: ["json"],
  allowUnboundJwt: false,
  verifyByFetch: false,
};

const webhook = {
  id: "wh_51c2d7",
  url: "https://example.com/hooks",
  status: "active",
  payloadMode: "fat",
  format: "standard",
  createdAt: at,
};

const hours = {
  timeZone: "Europe/Berlin",
  days: ["mon", "tue", "wed", "thu", "fri"],
  from: "09:00",
  to: "18:00",
};
const event = {
  id: `workflow.completed:${requestId}`,
  type: "workflow.completed",
  createdAt: at,
  data: {
    requestId,
    workflowId: requestId,
    provider,
    accountId: "1234ab5678290",
    action: "connect",
    eventType: "CONNECTION_SENT",
    status: "completed",
    result: { invitation: "sent" },
  },
};

/** An example of each named schema of the OpenAPI document, by its name. */
export const schemaExamples: Readonly<Record<string, unknown>> = {
  Request: {
    requestId,
    status: "SUCCEEDED",
    provider,
    accountId: "1234ab5678290",
    action: "connect",
    group: "spring campaign",
    priority: "normal",
    createdAt: at,
    joinedAt: at,
    submittedAt: at,
    finishedAt: at,
    providerRequestId: "req-1",
    attempts: 1,
    result: { invitation: "sent" },
  },
  Dependency: {
    requestId,
    on: "event",
    event: "connection.accepted",
    until: at,
    afterSeconds: 259_200,
    unless: "message.reply",
  },
  RecurringRequest: {
    recurringId: "weekly-profile",
    status: "active",
    provider,
    accountId: "1234ab5678290",
    connectionId,
    action: "get_profile_details",
    priority: "normal",
    every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" },
    createdAt: at,
    changedAt: at,
  },
  Group: {
    group: "spring campaign",
    total: 40,
    counts: {
      ...{ SCHEDULED: 0, QUEUED: 11, SUBMITTING: 0, RUNNING: 1, ACTION_REQUIRED: 0 },
      ...{ UNKNOWN: 0, SUCCEEDED: 26, FAILED: 2, CANCELLED: 0 },
    },
    isComplete: true,
    firstCreatedAt: at,
    lastCreatedAt: at,
    firstSubmittedAt: at,
    lastSubmittedAt: at,
    lastFinishedAt: at,
  },
  GroupCancellation: {
    group: "spring campaign",
    cancelled: 500,
    tooLate: 3,
    failed: 0,
    remaining: 120,
    nextCursor: "WyI4ZjE0ZTQ1Zm",
  },
  Account: {
    accountId: "1234ab5678290",
    provider,
    connectionId,
    createdAt: at,
    status: "active",
    pace: { minSeconds: 60, maxSeconds: 240 },
    preset: "careful",
    hours,
  },
  Budget: {
    limits: [
      { category: "stConnectionRequests", per: "day", max: 20, used: 7, left: 13, availableAt: at },
    ],
    categories: [{ category: "stConnectionRequests", nextAt: at, waitsFor: "pace" }],
    hours,
    isOpen: true,
    nextSubmissionNotBefore: at,
  },
  Connection: connection,
  ConnectionWithInboundUrl: {
    ...connection,
    inboundUrl: `https://api.example.com/v1/in/${provider}/${connectionId}/secret`,
  },
  ApiKey: { keyId: "key3f9c", createdAt: at },
  Event: { ...event, publishedAt: at },
  EventWithBytes: { ...event, publishedAt: at },
  WorkflowCompletedEvent: event,
  WorkflowLateResultEvent: {
    ...event,
    id: `workflow.lateResult:${requestId}:1`,
    type: "workflow.lateResult",
  },
  Webhook: webhook,
  WebhookWithSecret: { ...webhook, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  Delivery: {
    id: "dl_8d3c",
    webhookId: webhook.id,
    eventId: event.id,
    eventType: event.type,
    status: "delivered",
    cycle: 1,
    attempts: [{ cycle: 1, n: 1, at, httpStatus: 204, durationMs: 84 }],
    createdAt: at,
  },
  Recovery: {
    recoveryId: "rc_77a1",
    status: "done",
    since: at,
    until: at,
    examined: 3,
    recovered: 3,
    skipped: 0,
    createdAt: at,
    finishedAt: at,
  },
  Problem: {
    type: "about:blank",
    title: "The request is not valid",
    status: 400,
    detail: "accountId: is missing",
    code: "REQUEST_INVALID",
    errors: [{ field: "accountId", message: "is missing" }],
  },
  GatewayMessage: { message: "Too Many Requests" },
};

/** Further examples of some of these schemas. */
export const furtherExamples: Readonly<Record<string, readonly unknown[]>> = {
  Request: [
    {
      requestId,
      status: "RUNNING",
      priority: "normal",
      provider,
      accountId: "1234ab5678290",
      action: "connect",
      createdAt: at,
      joinedAt: at,
      submittedAt: at,
      providerRequestId: "req-1",
      pendingReason: "outsideWorkingHours",
      attempts: 1,
    },
  ],
};

/** An example of a body that callers send, by operation id. */
export const bodyExamples: Readonly<Record<string, unknown>> = {
  createRequest: {
    provider,
    accountId: "1234ab5678290",
    action: "connect",
    params: { profile_id: "ACoABC1d2f", message: "Hi Jane, great connecting with you!" },
  },
  createBatch: {
    group: "spring campaign",
    requests: [
      {
        provider,
        accountId: "1234ab5678290",
        action: "connect",
        params: { profile_id: "ACoABC1d2f" },
        idempotencyKey: "lead-4711",
      },
      { provider, accountId: "1234ab5678290", action: "connect", params: { profile_id: "ACoXYZ" } },
    ],
  },
  continueRequest: { input: "123456" },
  resolveRequest: { as: "submitted", providerRequestId: "req-1" },
  putRecurringRequest: {
    every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" },
    request: {
      provider,
      accountId: "1234ab5678290",
      action: "get_profile_details",
      params: { profile_url: "https://www.linkedin.com/in/jane-doe" },
    },
  },
  putAccount: { provider, preset: "careful", hours },
  createConnection: { provider, webhookSecret: "the Secret Code" },
  updateConnection: { status: "paused" },
  rotateConnectionSecret: { webhookSecret: "the new Secret Code" },
  putWebhook: { url: "https://example.com/hooks", eventTypes: ["workflow.completed"] },
  updateWebhook: { payloadMode: "thin" },
  recoverDeliveries: { since: at },
};
