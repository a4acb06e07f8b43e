import type { RemovalPolicy } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import { timing } from "../timing.ts";
import { EventFeed } from "./event-feed.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import type { Stores } from "./stores.ts";

export interface DeliverProps {
  logs: { removalPolicy: RemovalPolicy; logRetentionDays: number };
  settings: Settings;
  stores: Stores;
  /** As other functions have them too. */
  variables: { BUSINESS_CLOCK: string; SETTINGS: string; WEBHOOK_TARGETS: string };
}

/**
 * The function that makes deliveries of events and sends them to webhooks, and
 * the rule and the three queues that feed it. Ids are those of `scope`.
 */
export function makeDeliver(scope: Construct, { logs, settings, stores, variables }: DeliverProps) {
  const { config, masterSecret, events, requests, bodies, eventBus } = stores;
  const { deliveries, fanout, attempts, retries } = stores;
  const deliver = new PipelineFunction(scope, "Deliver", {
    ...logs,
    name: "deliver",
    description: "Delivers events to the clients' webhooks, and tries again what fails",
    timeout: timing.deliverTimeout,
    environment: {
      ...variables,
      CONFIG_TABLE: config.access(["GetItem", "BatchGetItem", "PutItem"]),
      DELIVERIES_TABLE: deliveries.access(
        ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
        ["byClient"],
      ),
      REQUESTS_TABLE: requests.access(["BatchGetItem"]),
      EVENTS_TABLE: events.access(["GetItem", "PutItem", "UpdateItem", "BatchWriteItem"]),
      EVENT_BUS_NAME: eventBus.publisher(),
      MASTER_SECRET_ID: masterSecret.reader(),
      BODIES_BUCKET: bodies.access({
        read: ["deliveries", "events"],
        write: ["deliveries", "events"],
      }),
      ATTEMPTS_QUEUE_URL: attempts.producer(),
      RETRIES_QUEUE_URL: retries.producer(),
    },
  });
  const eventFeed = new EventFeed(scope, "EventFeed", {
    bus: eventBus.bus,
    ruleName: "deliveries",
    description: "Every event that a client's webhook may be told of",
    eventTypes: deliverableTypes,
    target: fanout,
  });
  const { deliverMaxConcurrency: maxConcurrency, deliverBatchWindowSeconds } = settings;
  const fastQueueOptions = {
    batchSize: 10,
    batchWindowSeconds: deliverBatchWindowSeconds,
    maxConcurrency,
  };
  fanout.feed(deliver.lambda, fastQueueOptions);
  attempts.feed(deliver.lambda, fastQueueOptions);
  // Those of a failing endpoint are best decided on together.
  retries.feed(deliver.lambda, {
    batchSize: 100,
    batchWindowSeconds: timing.retriesBatchWindow.toSeconds(),
    maxConcurrency,
  });
  return { deliver, eventFeed };
}
