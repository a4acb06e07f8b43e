import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import type { IEventBus } from "aws-cdk-lib/aws-events";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { EARLY_RETRY_SECONDS } from "../../shared/contracts/fanout-retries.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import {
  auditTable,
  configTable,
  deliveriesTable,
  eventsTable,
  requestsTable,
} from "../../shared/contracts/tables.ts";
import { bodyRetentionDays } from "../retention.ts";
import { timing } from "../timing.ts";
import { BodyBucket } from "./body-bucket.ts";
import { servicesMayUse } from "./encryption.ts";
import { EventBus } from "./event-bus.ts";
import { MasterSecret } from "./master-secret.ts";
import { OneTimeSchedules } from "./one-time-schedules.ts";
import { Table } from "./table.ts";
import { WorkQueue } from "./work-queue.ts";

export interface StoresProps {
  settings: Settings;
  removalPolicy: RemovalPolicy;
  /** Of tables, queues, the bucket and the secret. @default - the services' own keys */
  encryptionKey?: IKey | undefined;
  /** @default - a new bus */
  eventBus?: IEventBus | undefined;
}

/**
 * Everything that holds data: tables, queues, the bus, the bucket and the secret.
 *
 * Its parts are children of `scope`, not of a construct of their own: that would
 * change their logical ids, and CloudFormation would replace the resources.
 */
export class Stores {
  readonly config: Table<"byClient">;
  readonly masterSecret: MasterSecret;
  readonly inbound: WorkQueue;
  readonly events: Table<"byClient" | "outbox">;
  readonly requests: Table<"byClient" | "byGroup" | "due" | "sweep", "queue">;
  readonly submit: WorkQueue;
  readonly schedules: OneTimeSchedules;
  readonly deliveries: Table<"byClient" | "due" | "sweep">;
  readonly fanout: WorkQueue;
  readonly attempts: WorkQueue;
  readonly retries: WorkQueue;
  readonly bodies: BodyBucket;
  readonly eventBus: EventBus;
  /** What persons have changed. */
  readonly audit: Table<never>;

  constructor(scope: Construct, { settings, removalPolicy, encryptionKey, eventBus }: StoresProps) {
    if (encryptionKey) servicesMayUse(encryptionKey);
    const kept = { removalPolicy, encryptionKey };
    const attemptsVisibility = timing.attemptVisibility(
      settings,
      Duration.seconds(settings.deliverBatchWindowSeconds),
    );
    const retriesVisibility = timing.attemptVisibility(settings, timing.retriesBatchWindow);
    this.submit = new WorkQueue(scope, "Submissions", {
      ...kept,
      visibilityTimeout: timing.submitVisibility(),
    });
    this.config = new Table(scope, "Config", {
      ...kept,
      contract: configTable,
      projections: { byClient: "ALL" },
    });
    this.masterSecret = new MasterSecret(scope, "MasterSecret", kept);
    this.inbound = new WorkQueue(scope, "Inbound", {
      ...kept,
      visibilityTimeout: timing.inboundVisibility(settings),
    });
    this.events = new Table(scope, "Events", {
      ...kept,
      contract: eventsTable,
      // A sweep and a list read the items themselves: an index may be behind them.
      projections: { byClient: "KEYS_ONLY", outbox: "KEYS_ONLY" },
    });
    this.requests = new Table(scope, "Requests", {
      ...kept,
      contract: requestsTable,
      projections: {
        // DynamoDB counts an item and its entry in a local index together, so that a full copy
        // would halve the maximum item size.
        queue: "KEYS_ONLY",
        // What a list is filtered by; the page itself reads the items.
        byClient: ["accountId", "status"],
        // What a group's counts and times are made of, so that no item is read for them.
        byGroup: ["accountId", "status", "submittedMs", "finishedMs"],
        due: "KEYS_ONLY",
        sweep: "KEYS_ONLY",
      },
    });
    this.schedules = new OneTimeSchedules(scope, "Schedules", {
      ...kept,
      target: this.submit.queue,
    });
    this.deliveries = new Table(scope, "Deliveries", {
      ...kept,
      contract: deliveriesTable,
      projections: {
        // What a list is filtered by; the page itself reads the items.
        byClient: ["status", "eventType", "eventId", "webhookId"],
        // What a message names, so that a sweep reads no item.
        due: ["clientId", "webhookId", "requestId", "nextMs"],
        sweep: "KEYS_ONLY",
      },
    });
    this.fanout = new WorkQueue(scope, "Fanout", {
      ...kept,
      visibilityTimeout: timing.fanoutVisibility(settings),
      earlyRetries: EARLY_RETRY_SECONDS.length,
    });
    this.attempts = new WorkQueue(scope, "Attempts", {
      ...kept,
      visibilityTimeout: attemptsVisibility,
      outage: timing.attemptOutage,
    });
    this.retries = new WorkQueue(scope, "Retries", {
      ...kept,
      visibilityTimeout: retriesVisibility,
      outage: timing.attemptOutage,
    });
    this.bodies = new BodyBucket(scope, "Bodies", {
      ...kept,
      retentionDays: bodyRetentionDays(settings),
    });
    this.audit = new Table(scope, "Audit", { ...kept, contract: auditTable, projections: {} });
    this.eventBus = new EventBus(scope, "EventBus", {
      removalPolicy,
      existing: eventBus,
      archiveRetentionDays: settings.archiveRetentionDays,
    });
  }
}
