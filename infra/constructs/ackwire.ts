import { RemovalPolicy } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { EventBus as Bus } from "aws-cdk-lib/aws-events";
import type { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { operations } from "../../shared/contracts/http/operations.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import { Monitoring } from "../monitoring/monitoring.ts";
import { providersOwnUrls } from "../provider-urls.ts";
import { functionSettingsText, resolveSettings } from "../settings.ts";
import { realTime, timing } from "../timing.ts";
import { refuseLocalTargets, webhookTargetsOf } from "../webhook-targets.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { makeDeliver } from "./deliver.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import { type CustomDomain, PublicApi } from "./public-api.ts";
import { RecurringTask } from "./recurring-task.ts";
import { makeStores, type Stores } from "./stores.ts";

export interface AckwireProps {
  /** @default - the default of each setting, see `shared/contracts/settings.ts` */
  settings?: Partial<Settings>;
  /**
   * Keeps tables, queues, the bus, the master secret and the logs when the stack
   * is deleted, and protects the tables from deletion.
   *
   * @default true
   */
  retainData?: boolean;
  /** Gets every alarm, once its owner has confirmed. @default - nobody is subscribed */
  alarmEmail?: string | undefined;
  /** @default - the API has AWS's own name, which changes when the API is made anew */
  customDomain?: CustomDomain | undefined;
  /** For the local run: business time as `BUSINESS_CLOCK` tells it. @default - real time */
  businessClock?: string;
  /** Where each provider's API is, as `PROVIDER_BASE_URLS` tells it. @default - the providers' own */
  providerBaseUrls?: string;
  /** For the local run: where webhooks go, as `WEBHOOK_TARGETS` tells it. @default - public addresses, https, on the settings' ports */
  webhookTargets?: string | undefined;
}

/**
 * The pipeline. It acks a product's requests and sends each to its automation
 * provider in its account's turn; it verifies and acks the providers' webhooks,
 * dedupes them, joins them with their requests, and publishes each as one event
 * on `bus`; and it delivers each to its client's webhook.
 *
 * @throws ConfigurationError where a setting, or a relation between two, is wrong; it names each
 */
export class Ackwire extends Construct {
  /** Every event of every client is published here, with the source `ackwire`. */
  readonly bus: Bus;
  readonly api: HttpApi;
  /** Subscribe here to be told of alarms. */
  readonly alarmTopic: Topic;
  /** What the stack's outputs name. */
  readonly parts: AckwireParts;

  constructor(scope: Construct, id: string, props: AckwireProps = {}) {
    super(scope, id);
    const settings = resolveSettings(props.settings);
    const removalPolicy = (props.retainData ?? true) ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const logs = { removalPolicy, logRetentionDays: settings.logRetentionDays };
    const BUSINESS_CLOCK = props.businessClock ?? realTime;
    const PROVIDER_BASE_URLS = props.providerBaseUrls ?? providersOwnUrls;
    const SETTINGS = functionSettingsText(settings);
    const WEBHOOK_TARGETS = props.webhookTargets ?? webhookTargetsOf(settings);
    refuseLocalTargets(this, WEBHOOK_TARGETS);

    const stores = makeStores(this, { settings, removalPolicy });
    const { config, masterSecret, inbound, events, requests, submit, schedules, bodies, eventBus } =
      stores;
    const { deliveries, fanout, attempts, retries } = stores;

    // The way of a webhook: API, ingest, inbound queue, consume, bus.
    const publicApi = new PublicApi(this, "PublicApi", {
      ...logs,
      throttleRate: settings.apiThrottleRate,
      throttleBurst: settings.apiThrottleBurst,
      customDomain: props.customDomain,
    });
    const ingest = new PipelineFunction(this, "Ingest", {
      ...logs,
      name: "ingest",
      description: "Verifies a provider's webhook, queues it, and acks it",
      timeout: timing.ingestTimeout,
      environment: {
        BUSINESS_CLOCK,
        SETTINGS,
        CONFIG_TABLE: config.access(["GetItem"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        INBOUND_QUEUE_URL: inbound.producer(),
        BODIES_BUCKET: bodies.access({ write: ["inbound", "quarantine"] }),
      },
    });
    publicApi.publicRoutes("Ingest", ingest.lambda, [
      {
        method: "POST",
        path: "/v1/in/{provider}/{connectionId}/{token}",
        noAuthorizerReason:
          "a provider's webhook proves itself by the 256-bit token in its path and by its signature, which the ingest function checks.",
      },
    ]);
    const consume = new PipelineFunction(this, "Consume", {
      ...logs,
      name: "consume",
      description: "Dedupes webhooks and publishes each as one event",
      timeout: timing.consumeTimeout,
      environment: {
        BUSINESS_CLOCK,
        SETTINGS,
        CONFIG_TABLE: config.access(["GetItem"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["inbound", "events", "requests"],
          write: ["events", "requests"],
        }),
        PROVIDER_BASE_URLS,
        INBOUND_QUEUE_URL: inbound.consumer(),
        REQUESTS_TABLE: requests.access(["GetItem", "BatchGetItem", "PutItem", "UpdateItem"]),
        SUBMIT_QUEUE_URL: submit.producer(),
        EVENTS_TABLE: events.access(["PutItem", "UpdateItem", "BatchWriteItem"]),
        EVENT_BUS_NAME: eventBus.publisher(),
      },
    });
    inbound.feed(consume.lambda, {
      batchSize: settings.consumeBatchSize,
      batchWindowSeconds: settings.consumeBatchWindowSeconds,
      maxConcurrency: settings.consumeMaxConcurrency,
    });

    // The way of a request: API, api, submit queue (at once, or from a schedule), submit, provider.
    const api = new PipelineFunction(this, "Api", {
      ...logs,
      name: "api",
      description:
        "Accepts requests; answers for requests, events, webhooks, deliveries, accounts, connections and keys",
      timeout: timing.apiTimeout,
      environment: {
        BUSINESS_CLOCK,
        SETTINGS,
        CONFIG_TABLE: config.access(
          ["GetItem", "PutItem", "UpdateItem", "DeleteItem"],
          ["byClient"],
        ),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
          ["byClient", "queue"],
        ),
        EVENTS_TABLE: events.access(["GetItem", "BatchGetItem"], ["byClient"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["events", "requests"],
          write: ["requests", "deliveries"],
        }),
        PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        DELIVERIES_TABLE: deliveries.access(["GetItem", "BatchGetItem", "PutItem"], ["byClient"]),
        RETRIES_QUEUE_URL: retries.producer(),
        WEBHOOK_TARGETS,
        SCHEDULE_GROUP: schedules.creator(),
        SCHEDULE_ROLE_ARN: schedules.passedRole(),
        SCHEDULE_DLQ_ARN: schedules.deadLetters.queueArn,
        SUBMIT_QUEUE_ARN: submit.queue.queueArn,
      },
    });
    publicApi.publicRoutes(
      "Api",
      api.lambda,
      operations.map(({ method, path, isPublic }) => ({
        method,
        path,
        noAuthorizerReason: isPublic
          ? "it tells what everyone may know."
          : "requests are authenticated by API key, in the api function.",
      })),
    );

    const submitter = new PipelineFunction(this, "Submit", {
      ...logs,
      name: "submit",
      description: "Sends each account's requests to its provider, one at a time",
      timeout: timing.submitTimeout,
      environment: {
        BUSINESS_CLOCK,
        SETTINGS,
        CONFIG_TABLE: config.access(["GetItem", "UpdateItem"]),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
          ["queue"],
        ),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({ read: ["requests"], write: ["events", "requests"] }),
        PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.consumer(),
        EVENTS_TABLE: events.access(["BatchWriteItem"]),
        EVENT_BUS_NAME: eventBus.publisher(),
      },
    });
    submit.feed(submitter.lambda, {
      batchSize: settings.submitBatchSize,
      // A waiting batch would make a continued login wait.
      batchWindowSeconds: 0,
      maxConcurrency: settings.submitMaxConcurrency,
    });

    // The way of a delivery: bus, fan-out queue, deliver, one of the queues of attempts, deliver, subscriber.
    const { deliver, eventFeed } = makeDeliver(this, {
      logs,
      settings,
      stores,
      variables: { BUSINESS_CLOCK, SETTINGS, WEBHOOK_TARGETS },
    });

    // Every minute: what a crash left behind, and what has come due without a message.
    const reconcile = new PipelineFunction(this, "Reconcile", {
      ...logs,
      name: "reconcile",
      description: "Takes up what a crash left behind, and ends what has waited too long",
      timeout: timing.reconcileTimeout,
      environment: {
        BUSINESS_CLOCK,
        SETTINGS,
        CONFIG_TABLE: config.access(["GetItem", "UpdateItem"]),
        REQUESTS_TABLE: requests.access(["GetItem", "PutItem", "UpdateItem"], ["due", "sweep"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["events", "requests"],
          write: ["events", "requests"],
        }),
        PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        DELIVERIES_TABLE: deliveries.access(["GetItem", "PutItem", "UpdateItem"], ["due", "sweep"]),
        RETRIES_QUEUE_URL: retries.producer(),
        EVENTS_TABLE: events.access(["UpdateItem", "BatchWriteItem"], ["outbox"]),
        EVENT_BUS_NAME: eventBus.publisher(),
      },
    });
    const sweep = new RecurringTask(this, "Sweep", {
      removalPolicy,
      description: "Starts Ackwire's reconcile function",
      every: timing.reconcileInterval,
      target: reconcile.lambda,
    });

    const { topic } = new AlarmTopic(this, "AlarmTopic", { email: props.alarmEmail });
    new Monitoring(this, "Monitoring", {
      topic,
      monitored: {
        api: publicApi.api,
        functions: {
          ingest: ingest.lambda,
          consume: consume.lambda,
          api: api.lambda,
          submit: submitter.lambda,
          deliver: deliver.lambda,
          reconcile: reconcile.lambda,
        },
        eventFeed,
        inbound,
        submit,
        fanout,
        attempts,
        retries,
        scheduleDeadLetters: sweep.deadLetters,
        requestScheduleDeadLetters: schedules.deadLetters,
      },
    });

    this.bus = eventBus.bus;
    this.api = publicApi.api;
    this.alarmTopic = topic;
    this.parts = { ...stores, publicApi };
  }
}

type AckwireParts = Stores & { publicApi: PublicApi };
