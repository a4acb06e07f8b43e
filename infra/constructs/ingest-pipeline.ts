import type { Construct } from "constructs";
import { configKey } from "../../shared/contracts/config-items.ts";
import { CORRELATION_PREFIX } from "../../shared/contracts/tables.ts";
import { timing } from "../timing.ts";
import type { HttpPipelineProps } from "./pipeline.ts";
import { PipelineFunction } from "./pipeline-function.ts";

/**
 * The path of a webhook: API, `ingest`, inbound queue, `consume`, bus.
 *
 * Its parts are children of `scope`, not of a construct of their own: that would
 * change their logical ids, which are frozen.
 */
export class IngestPipeline {
  readonly ingest: PipelineFunction<"ingest">;
  readonly consume: PipelineFunction<"consume">;

  constructor(scope: Construct, props: HttpPipelineProps) {
    this.ingest = this.#ingest(scope, props);
    this.consume = this.#consume(scope, props);
  }

  #ingest(scope: Construct, { stores, logs, variables, settings, publicApi }: HttpPipelineProps) {
    const { config, masterSecret, inbound, requests, bodies } = stores;
    const ingest = new PipelineFunction(scope, "Ingest", {
      ...logs,
      name: "ingest",
      description: "Verifies a provider's webhook, queues it, and acks it",
      timeout: timing.ingestTimeout,
      memoryMib: settings.ingestMemoryMib,
      reservedConcurrency: settings.ingestReservedConcurrency || undefined,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING,
        CONFIG_TABLE: config.accessAndSet(["GetItem"], {
          below: configKey.connection(""),
          attributes: ["settledForm", "refused"],
        }),
        MASTER_SECRET_ID: masterSecret.reader(),
        INBOUND_QUEUE_URL: inbound.producer(),
        BODIES_BUCKET: bodies.access({ write: ["inbound", "quarantine"] }),
        REQUESTS_TABLE: requests.writesBelow(CORRELATION_PREFIX),
      },
    });
    publicApi.publicRoutes("Ingest", ingest.live, [
      {
        method: "POST",
        path: "/v1/in/{provider}/{connectionId}/{token}",
        noAuthorizerReason:
          "a provider's webhook proves itself by the 256-bit token in its path and by its signature, which the ingest function checks.",
      },
    ]);
    return ingest;
  }

  #consume(scope: Construct, { stores, logs, variables, settings }: HttpPipelineProps) {
    const { config, masterSecret, inbound, events, requests, submit, bodies, eventBus } = stores;
    const consume = new PipelineFunction(scope, "Consume", {
      ...logs,
      name: "consume",
      description: "Dedupes webhooks and publishes each as one event",
      timeout: timing.consumeTimeout,
      memoryMib: settings.consumeMemoryMib,
      // A webhook that comes before the answer to its submission is sent back to wait.
      feedsItself: true,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING_WITH_SPANS,
        CONFIG_TABLE: config.access(["GetItem"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["inbound", "events", "requests"],
          write: ["events", "requests"],
        }),
        PROVIDER_BASE_URLS: variables.PROVIDER_BASE_URLS,
        INBOUND_QUEUE_URL: inbound.requeuer(),
        REQUESTS_TABLE: requests.access([
          ...(["GetItem", "BatchGetItem", "Query"] as const),
          ...(["PutItem", "UpdateItem", "BatchWriteItem"] as const),
        ]),
        SUBMIT_QUEUE_URL: submit.producer(),
        EVENTS_TABLE: events.access(["PutItem", "UpdateItem", "BatchWriteItem"]),
        EVENT_BUS_NAME: eventBus.publisher(),
      },
    });
    inbound.feed(consume.live, {
      batchSize: settings.consumeBatchSize,
      batchWindowSeconds: settings.consumeBatchWindowSeconds,
      maxConcurrency: settings.consumeMaxConcurrency,
    });
    return consume;
  }
}
