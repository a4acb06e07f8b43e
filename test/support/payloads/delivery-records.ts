import { randomBytes } from "node:crypto";
import { configKey, type WebhookItem } from "../../../shared/contracts/config-items.ts";
import type {
  DeliveryJob,
  DeliveryRecord,
  EndpointHealth,
} from "../../../shared/core/deliveries/state/record.ts";

const newId = (kind: string) => `${kind}_${randomBytes(8).toString("hex")}`;

const createdMs = Date.UTC(2026, 5, 25, 12);
const expiresMs = createdMs + 30 * 86_400_000;

/** Returns a delivery of a new client that waits for its first attempt, with overrides. */
export function deliveryRecord(overrides: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    deliveryId: newId("dl"),
    clientId: newId("cl"),
    webhookId: newId("wh"),
    eventId: "workflow.created:rq_1",
    eventType: "workflow.created",
    createdMs,
    body: { inline: '{"id":"workflow.created:rq_1"}' },
    status: "waiting",
    cycle: 1,
    attemptsInCycle: 0,
    claimsOfAttempt: 0,
    attemptHistory: [],
    nextMs: createdMs,
    unpublishedFailures: [],
    expiresMs,
    version: 1,
    ...overrides,
  };
}

export function deliveryJob(overrides: Partial<DeliveryJob> = {}): DeliveryJob {
  return {
    jobId: newId("job"),
    clientId: newId("cl"),
    kind: "recover",
    sinceMs: 1,
    untilMs: 2,
    status: "running",
    examined: 0,
    changed: 0,
    skipped: 0,
    createdMs,
    expiresMs,
    version: 1,
    ...overrides,
  };
}

export function endpointHealth(overrides: Partial<EndpointHealth> = {}): EndpointHealth {
  return {
    clientId: newId("cl"),
    webhookId: newId("wh"),
    endpointNumber: 1,
    isFast: true,
    fastSuccessesNeeded: 0,
    consecutiveFailures: 0,
    slots: {},
    version: 0,
    ...overrides,
  };
}

/** Returns a webhook that is not stored yet, with overrides. */
export function webhookRecord(overrides: Partial<WebhookItem> = {}): WebhookItem {
  const clientId = overrides.clientId ?? newId("cl");
  return {
    pk: configKey.webhook(clientId),
    clientId,
    createdAt: new Date(createdMs).toISOString(),
    webhookId: newId("wh"),
    url: "https://hooks.example.com/ackwire",
    endpointNumber: 1,
    status: "active",
    payloadMode: "fat",
    format: "standard",
    hashFormat: "hmac-hex",
    secrets: [{ version: 1, masterKeyId: "1" }],
    previousWebhooks: [],
    version: 0,
    ...overrides,
  };
}
