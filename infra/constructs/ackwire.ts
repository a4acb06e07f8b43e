import { RemovalPolicy } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { ProjectionType } from "aws-cdk-lib/aws-dynamodb";
import type { EventBus as Bus } from "aws-cdk-lib/aws-events";
import type { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { operations } from "../../shared/contracts/http.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import { configTable, eventsTable } from "../../shared/contracts/tables.ts";
import { Monitoring } from "../monitoring/monitoring.ts";
import { providersOwnUrls } from "../provider-urls.ts";
import { resolveSettings } from "../settings.ts";
import { realTime, timing } from "../timing.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { BodyBucket } from "./body-bucket.ts";
import { EventBus } from "./event-bus.ts";
import { MasterSecret } from "./master-secret.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import { type CustomDomain, PublicApi } from "./public-api.ts";
import { RecurringTask } from "./recurring-task.ts";
import { Table } from "./table.ts";
import { WorkQueue } from "./work-queue.ts";

/** A body outlives its event by this much: a message may be redriven, and business time counts in days. */
const BODY_MARGIN_DAYS = 15;

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
}

/**
 * The pipeline: it verifies and acks the webhooks of automation providers,
 * dedupes them, and publishes each as one event on `bus`.
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
    const kept = { removalPolicy };
    const logs = { removalPolicy, logRetentionDays: settings.logRetentionDays };
    const BUSINESS_CLOCK = props.businessClock ?? realTime;
    const PROVIDER_BASE_URLS = props.providerBaseUrls ?? providersOwnUrls;

    // What the functions work with.
    const config = new Table(this, "Config", {
      ...kept,
      contract: configTable,
      projections: { byClient: ProjectionType.ALL },
    });
    const masterSecret = new MasterSecret(this, "MasterSecret", kept);
    const inbound = new WorkQueue(this, "Inbound", {
      ...kept,
      visibilityTimeout: timing.inboundVisibility(settings),
    });
    const events = new Table(this, "Events", {
      ...kept,
      contract: eventsTable,
      // A sweep and a list read the items themselves: an index may be behind them.
      projections: { byClient: ProjectionType.KEYS_ONLY, outbox: ProjectionType.KEYS_ONLY },
    });
    const bodies = new BodyBucket(this, "Bodies", {
      ...kept,
      retentionDays: settings.dedupeRetentionDays + BODY_MARGIN_DAYS,
    });
    const { archiveRetentionDays } = settings;
    const eventBus = new EventBus(this, "EventBus", { ...kept, archiveRetentionDays });

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
        CONFIG_TABLE: config.access(["GetItem"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        INBOUND_QUEUE_URL: inbound.producer(),
        BODIES_BUCKET: bodies.access({ write: ["inbound", "quarantine"] }),
        INBOUND_MAX_BODY_BYTES: settings.inboundMaxBodyBytes,
        INBOUND_DEADLINE_MS: settings.inboundDeadlineMs,
        CONNECTION_CACHE_SECONDS: settings.connectionCacheSeconds,
      },
    });
    publicApi.publicRoutes("Ingest", ingest.lambda, [
      {
        method: "POST",
        path: "/v1/in/{provider}/{connectionId}/{token}",
        publicBecause:
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
        CONFIG_TABLE: config.access(["GetItem"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({ read: ["inbound", "events"], write: ["events"] }),
        PROVIDER_BASE_URLS,
        INBOUND_QUEUE_URL: inbound.consumer(),
        EVENTS_TABLE: events.access(["PutItem", "UpdateItem"]),
        EVENT_BUS_NAME: eventBus.publisher(),
        CLAIM_LEASE_SECONDS: settings.claimLeaseSeconds,
        DEDUPE_RETENTION_DAYS: settings.dedupeRetentionDays,
      },
    });
    inbound.feed(consume.lambda, {
      batchSize: settings.consumeBatchSize,
      batchWindowSeconds: settings.consumeBatchWindowSeconds,
      maxConcurrency: settings.consumeMaxConcurrency,
    });

    // What people and programs ask.
    const api = new PipelineFunction(this, "Api", {
      ...logs,
      name: "api",
      description: "Answers for events, connections and API keys",
      timeout: timing.apiTimeout,
      environment: {
        BUSINESS_CLOCK,
        CONFIG_TABLE: config.access(
          ["GetItem", "PutItem", "UpdateItem", "DeleteItem"],
          ["byClient"],
        ),
        EVENTS_TABLE: events.access(["GetItem", "BatchGetItem"], ["byClient"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({ read: ["events"] }),
      },
    });
    publicApi.publicRoutes(
      "Api",
      api.lambda,
      Object.values(operations).map(({ method, path, isPublic }) => ({
        method,
        path,
        publicBecause: isPublic
          ? "it tells what everyone may know."
          : "requests are authenticated by API key, in the api function.",
      })),
    );

    // Every minute: what a crash left behind.
    const reconcile = new PipelineFunction(this, "Reconcile", {
      ...logs,
      name: "reconcile",
      description: "Publishes the events that their writer could not",
      timeout: timing.reconcileTimeout,
      environment: {
        BUSINESS_CLOCK,
        EVENTS_TABLE: events.access(["UpdateItem"], ["outbox"]),
        BODIES_BUCKET: bodies.access({ read: ["events"] }),
        EVENT_BUS_NAME: eventBus.publisher(),
        CLAIM_LEASE_SECONDS: settings.claimLeaseSeconds,
        OUTBOX_GRACE_SECONDS: settings.outboxGraceSeconds,
        DEDUPE_RETENTION_DAYS: settings.dedupeRetentionDays,
      },
    });
    const sweep = new RecurringTask(this, "Sweep", {
      ...kept,
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
          reconcile: reconcile.lambda,
        },
        inboundQueue: inbound.queue,
        inboundDeadLetters: inbound.deadLetters,
        scheduleDeadLetters: sweep.deadLetters,
      },
    });

    this.bus = eventBus.bus;
    this.api = publicApi.api;
    this.alarmTopic = topic;
    this.parts = { publicApi, inbound, events, config, bodies, masterSecret };
  }
}

interface AckwireParts {
  publicApi: PublicApi;
  inbound: WorkQueue;
  events: Table<"byClient" | "outbox">;
  config: Table<"byClient">;
  bodies: BodyBucket;
  masterSecret: MasterSecret;
}
