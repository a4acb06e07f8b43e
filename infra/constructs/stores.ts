import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Settings } from "../../shared/contracts/settings.ts";
import {
  configTable,
  deliveriesTable,
  eventsTable,
  requestsTable,
} from "../../shared/contracts/tables.ts";
import { bodyRetentionDays } from "../retention.ts";
import { timing } from "../timing.ts";
import { BodyBucket } from "./body-bucket.ts";
import { EventBus } from "./event-bus.ts";
import { MasterSecret } from "./master-secret.ts";
import { OneTimeSchedules } from "./one-time-schedules.ts";
import { Table } from "./table.ts";
import { WorkQueue } from "./work-queue.ts";

export type Stores = ReturnType<typeof makeStores>;

/**
 * What the functions work with: everything that holds data. The ids are frozen;
 * a change would replace what they stand for.
 */
export function makeStores(
  scope: Construct,
  { settings, removalPolicy }: { settings: Settings; removalPolicy: RemovalPolicy },
) {
  const kept = { removalPolicy };
  const deliverWindow = Duration.seconds(settings.deliverBatchWindowSeconds);
  const submit = new WorkQueue(scope, "Submissions", {
    ...kept,
    visibilityTimeout: timing.submitVisibility(),
  });
  return {
    config: new Table(scope, "Config", {
      ...kept,
      contract: configTable,
      projections: { byClient: "ALL" },
    }),
    masterSecret: new MasterSecret(scope, "MasterSecret", kept),
    inbound: new WorkQueue(scope, "Inbound", {
      ...kept,
      visibilityTimeout: timing.inboundVisibility(settings),
    }),
    events: new Table(scope, "Events", {
      ...kept,
      contract: eventsTable,
      // A sweep and a list read the items themselves: an index may be behind them.
      projections: { byClient: "KEYS_ONLY", outbox: "KEYS_ONLY" },
    }),
    requests: new Table(scope, "Requests", {
      ...kept,
      contract: requestsTable,
      projections: {
        // DynamoDB counts an item and its local entry together: a whole copy would halve what an item holds.
        queue: "KEYS_ONLY",
        // What a list is filtered by; the page itself reads the items.
        byClient: ["accountId", "status"],
        due: "KEYS_ONLY",
        sweep: "KEYS_ONLY",
      },
    }),
    submit,
    schedules: new OneTimeSchedules(scope, "Schedules", { ...kept, target: submit.queue }),
    deliveries: new Table(scope, "Deliveries", {
      ...kept,
      contract: deliveriesTable,
      projections: {
        byClient: ["status"],
        // What a message names, so that a sweep reads no item.
        due: ["clientId", "webhookId", "requestId", "nextMs"],
        sweep: "KEYS_ONLY",
      },
    }),
    fanout: new WorkQueue(scope, "Fanout", {
      ...kept,
      visibilityTimeout: timing.deliverVisibility(deliverWindow),
    }),
    attempts: new WorkQueue(scope, "Attempts", {
      ...kept,
      visibilityTimeout: timing.deliverVisibility(deliverWindow),
    }),
    retries: new WorkQueue(scope, "Retries", {
      ...kept,
      visibilityTimeout: timing.deliverVisibility(timing.retriesBatchWindow),
    }),
    bodies: new BodyBucket(scope, "Bodies", {
      ...kept,
      retentionDays: bodyRetentionDays(settings),
    }),
    eventBus: new EventBus(scope, "EventBus", {
      ...kept,
      archiveRetentionDays: settings.archiveRetentionDays,
    }),
  };
}
