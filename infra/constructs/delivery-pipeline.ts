import type { Construct } from "constructs";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import type { Network } from "../ackwire-props.ts";
import { timing } from "../timing.ts";
import { EventFeed } from "./event-feed.ts";
import type { PipelineProps } from "./pipeline.ts";
import { PipelineFunction } from "./pipeline-function.ts";

/**
 * The path of a delivery: bus, events queue (`fanout`), `deliver`, one of the queues of attempts, `deliver`, subscriber.
 *
 * Its parts are children of `scope`, not of a construct of their own: that would
 * change their logical ids, which are frozen.
 */
export class DeliveryPipeline {
  readonly deliver: PipelineFunction<"deliver">;
  /** Puts events into the events queue (`fanout`). */
  readonly eventFeed: EventFeed;

  /** @param props.network where `deliver` runs; absent: in no VPC */
  constructor(scope: Construct, props: PipelineProps & { network: Network | undefined }) {
    this.deliver = this.#deliver(scope, props);
    this.eventFeed = this.#eventFeed(scope, props);
    this.#feed(props);
  }

  #deliver(
    scope: Construct,
    {
      stores,
      logs,
      variables,
      settings,
      network,
    }: PipelineProps & { network: Network | undefined },
  ) {
    const {
      config,
      masterSecret,
      events,
      requests,
      bodies,
      eventBus,
      deliveries,
      fanout,
      attempts,
      retries,
    } = stores;
    return new PipelineFunction(scope, "Deliver", {
      ...logs,
      name: "deliver",
      description: "Delivers events to the clients' webhooks, and tries again what fails",
      timeout: timing.deliverTimeout,
      memoryMib: settings.deliverMemoryMib,
      network,
      // A failed attempt sends the message of the next one, and a long job that of its next part.
      feedsItself: true,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING_WITH_SPANS,
        WEBHOOK_TARGETS: variables.WEBHOOK_TARGETS,
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
          write: ["deliveries"],
        }),
        ATTEMPTS_QUEUE_URL: attempts.producer(),
        RETRIES_QUEUE_URL: retries.producer(),
        FANOUT_QUEUE_URL: fanout.delayer(),
      },
    });
  }

  #eventFeed(scope: Construct, { stores }: PipelineProps) {
    return new EventFeed(scope, "EventFeed", {
      bus: stores.eventBus.bus,
      ruleName: stores.eventBus.isOwn ? "deliveries" : undefined,
      description: "Every event that a client's webhook may be told of",
      eventTypes: deliverableTypes,
      target: stores.fanout,
    });
  }

  #feed({ stores, settings }: PipelineProps) {
    const { fanout, attempts, retries } = stores;
    const { deliverMaxConcurrency: maxConcurrency, deliverBatchWindowSeconds } = settings;
    const fastQueueOptions = {
      batchSize: 10,
      batchWindowSeconds: deliverBatchWindowSeconds,
      maxConcurrency,
    };
    fanout.feed(this.deliver.live, fastQueueOptions);
    attempts.feed(this.deliver.live, fastQueueOptions);
    // Those of a failing endpoint are best decided on together.
    retries.feed(this.deliver.live, {
      batchSize: 100,
      batchWindowSeconds: timing.retriesBatchWindow.toSeconds(),
      maxConcurrency,
    });
  }
}
