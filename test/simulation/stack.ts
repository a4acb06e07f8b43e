import { EARLY_RETRY_SECONDS } from "../../shared/contracts/fanout-retries.ts";
import { type ProviderId, providerId } from "../../shared/contracts/providers.ts";
import { type Settings, settingsSchema } from "../../shared/contracts/settings.ts";
import {
  auditTable,
  configTable,
  deliveriesTable,
  eventsTable,
  requestsTable,
} from "../../shared/contracts/tables.ts";
import { noTracing } from "../../shared/contracts/tracing.ts";
import type { Timeouts } from "./engine/lambda.ts";
import type { Environment } from "./functions.ts";
import type { QueueDefinition } from "./services/sqs.ts";
import type { TableDefinition } from "./services/table.ts";

/**
 * The stack as `infra` makes it, with shorter waits, so that a run ends within some hours, and with
 * four workers of a queue at most. `--outage` has as many as the product.
 */

/** When each run starts: a Monday, ten minutes before the hours of an account begin. */
export const START_MS: number = Date.parse("2026-03-02T08:50:00Z");

export const settings: Settings = settingsSchema.parse({
  queueTimeoutSeconds: 10_800,
  laneHoldSeconds: 300,
  resultTimeoutSeconds: 1_800,
  pendingCapDays: 1,
  unknownHoldSeconds: 120,
  unknownTimeoutSeconds: 900,
  firstPollSeconds: 180,
  scheduleLeadSeconds: 0,
  paceMinSeconds: 2,
  paceMaxSeconds: 6,
  defaultPreset: "off",
  rateLimitPauseSeconds: 30,
  deliveryDelaysSeconds: "5,20,40,60,120,240,1000",
});

export const tables: Readonly<Record<string, TableDefinition>> = {
  config: { ...configTable, projections: { byClient: "ALL" } },
  events: { ...eventsTable, projections: {} },
  requests: {
    ...requestsTable,
    projections: {
      byClient: ["accountId", "status"],
      byGroup: ["accountId", "status", "submittedMs", "finishedMs"],
    },
  },
  deliveries: {
    ...deliveriesTable,
    projections: {
      byClient: ["status", "eventType", "eventId", "webhookId"],
      due: ["clientId", "webhookId", "requestId", "nextMs"],
    },
  },
  audit: { ...auditTable, projections: {} },
};

/** As in `infra/timing.ts`, in milliseconds. */
export const timeoutsMs: Timeouts = {
  ingest: 5_000,
  api: 28_000,
  consume: 10_000,
  submit: 30_000,
  reconcile: 50_000,
  deliver: 40_000,
};

const queueOf = (
  functionName: string,
  of: Partial<Pick<QueueDefinition, "batchSize" | "batchWindowMs">> & {
    earlyRetries?: number;
  } = {},
): QueueDefinition => {
  const { batchSize = 10, batchWindowMs = 0, earlyRetries = 0 } = of;
  const visibilityMs = 6 * (timeoutsMs[functionName] ?? 0) + batchWindowMs;
  return {
    functionName,
    batchSize,
    batchWindowMs,
    visibilityMs,
    maxReceives: 8 + earlyRetries,
    maxConcurrency: 4,
  };
};

export const queues: Readonly<Record<string, QueueDefinition>> = {
  inbound: queueOf("consume"),
  submit: queueOf("submit"),
  fanout: queueOf("deliver", { earlyRetries: EARLY_RETRY_SECONDS.length }),
  attempts: queueOf("deliver"),
  retries: queueOf("deliver", { batchSize: 100, batchWindowMs: 1_000 }),
};

const urlOf = (queue: string) => `https://sqs.us-east-1.amazonaws.com/000000000000/${queue}`;
export const arnOf = (queue: string): string => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

export const MASTER_SECRET: string = JSON.stringify({ current: "k1", k1: "k".repeat(48) });

export const environment: Environment = {
  BUSINESS_CLOCK: { realMs: 0, businessMs: 0, speed: 1 },
  SETTINGS: settings,
  STACK: "simulation",
  LOG_LEVEL: "INFO",
  TRACING: noTracing,
  CONFIG_TABLE: "config",
  EVENTS_TABLE: "events",
  REQUESTS_TABLE: "requests",
  DELIVERIES_TABLE: "deliveries",
  AUDIT_TABLE: "audit",
  MASTER_SECRET_ID: "master",
  BODIES_BUCKET: "bodies",
  EVENT_BUS_NAME: "bus",
  INBOUND_QUEUE_URL: urlOf("inbound"),
  SUBMIT_QUEUE_URL: urlOf("submit"),
  SUBMIT_QUEUE_ARN: arnOf("submit"),
  FANOUT_QUEUE_URL: urlOf("fanout"),
  ATTEMPTS_QUEUE_URL: urlOf("attempts"),
  RETRIES_QUEUE_URL: urlOf("retries"),
  PROVIDER_BASE_URLS: Object.fromEntries(
    providerId.options.map((id) => [id, `https://${id}.test`]),
  ) as Record<ProviderId, string>,
  SCHEDULE_GROUP: "schedules",
  SCHEDULE_ROLE_ARN: "arn:aws:iam::000000000000:role/schedules",
  SCHEDULE_DLQ_ARN: arnOf("schedule-dead-letters"),
  WEBHOOK_TARGETS: { ports: [443, 8443], allowsLocal: false, refusedPorts: [] },
  CONSOLE_URL: "off",
  QUEUES: "inbound,,x",
  ALARM_PREFIX: "off",
};

/** The outputs of the stack by which `composeAdministration` finds its parts. */
export const outputs: Readonly<Record<string, string>> = {
  MasterSecretArn: "master",
  ConfigTableName: "config",
  RequestsTableName: "requests",
  SubmitQueueUrl: urlOf("submit"),
};
