import { CfnOutput, RemovalPolicy } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IEventBus } from "aws-cdk-lib/aws-events";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Settings } from "../../shared/contracts/settings.ts";
import type { AckwireProps, AlarmsProps } from "../ackwire-props.ts";
import type { AckwireSettings } from "../ackwire-settings.ts";
import { type Identity, identityOf } from "../identity.ts";
import { Monitoring } from "../monitoring/monitoring.ts";
import { providerUrlsText } from "../provider-urls.ts";
import { functionSettingsText, resolveSettings } from "../settings.ts";
import { realTime } from "../timing.ts";
import { exportsSpans, tracingText } from "../tracing.ts";
import { refuseLocalTargets, webhookTargetsOf } from "../webhook-targets.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { ConsoleSite } from "./console-site.ts";
import { DeliveryPipeline } from "./delivery-pipeline.ts";
import { IngestPipeline } from "./ingest-pipeline.ts";
import { OperatorApi } from "./operator-api.ts";
import type { SharedVariables } from "./pipeline.ts";
import { PublicApi } from "./public-api.ts";
import { Reconciliation } from "./reconciliation.ts";
import { GradualRollouts } from "./rollout.ts";
import { Stores } from "./stores.ts";
import { SubmissionPipeline } from "./submission-pipeline.ts";

/**
 * The pipeline. It accepts requests and submits them to their automation provider,
 * one at a time per account. It verifies the providers' webhooks, dedupes them,
 * joins them with their requests, and publishes each as one event on `bus`. It
 * delivers each event to its client's webhook.
 *
 * @throws ConfigurationError when a setting or a relation between settings is wrong; it names each
 */
export class Ackwire extends Construct {
  /** Receives every event of every client, with the source `ackwire`. */
  readonly bus: IEventBus;
  readonly api: HttpApi;
  /** The topics that receive alarms by severity; absent when alarms are off. */
  readonly alarmTopics: Record<"page" | "ticket", ITopic> | undefined;

  constructor(scope: Construct, id: string, props: AckwireProps = {}) {
    super(scope, id);
    const identity = identityOf(this);
    const { name } = identity;
    const settings = resolveSettings(given(props.settings));
    const removalPolicy =
      (props.retainData ?? true) ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    const { logLevel, encryptionKey, eventBus } = props;
    const { logRetentionDays } = settings;
    const logs = { removalPolicy, logRetentionDays, logLevel, encryptionKey };
    const stores = new Stores(this, { settings, removalPolicy, encryptionKey, eventBus });
    const publicApi = new PublicApi(this, "PublicApi", {
      name,
      ...logs,
      throttleRate: settings.apiThrottleRate,
      throttleBurst: settings.apiThrottleBurst,
      customDomain: props.customDomain,
    });
    const site =
      props.console &&
      new ConsoleSite(this, "Console", { ...props.console, name, api: publicApi.api });
    const consoleUrl = props.consoleUrl ?? site?.url;
    const variables = sharedVariables(this, { name, settings, props: { ...props, consoleUrl } });
    const parts = { settings, stores, logs, variables };
    const { ingest, consume } = new IngestPipeline(this, { ...parts, publicApi });
    const { api, submit } = new SubmissionPipeline(this, { ...parts, publicApi });
    const { deliver, eventFeed } = new DeliveryPipeline(this, {
      ...parts,
      network: props.deliverNetwork,
    });
    const hasAlarms = props.alarms !== "off";
    const { operator } = new OperatorApi(this, { ...parts, publicApi, hasAlarms });
    const { reconcile, deadLetters } = new Reconciliation(this, parts);

    const publishers = [consume, submit, deliver, reconcile];
    const functions = { ingest, consume, api, operator, submit, deliver, reconcile };
    const { rollout = "AllAtOnce" } = props;
    if (rollout !== "AllAtOnce") {
      new GradualRollouts(this, "Rollout", { name, rollout, functions });
    }

    stores.eventBus.reserveSource(publishers.map(({ lambda }) => lambda.role));

    const alarms = props.alarms === "off" ? undefined : (props.alarms ?? {});
    this.alarmTopics = alarms && this.#alarmTopics(alarms, encryptionKey);
    new Monitoring(this, "Monitoring", {
      settings,
      notified: this.alarmTopics && {
        topics: this.alarmTopics,
        runbookBaseUrl: alarms?.runbookBaseUrl ?? "docs/runbooks",
        thresholds: alarms?.thresholds ?? {},
      },
      monitored: {
        stack: name,
        inbound: stores.inbound,
        submit: stores.submit,
        fanout: stores.fanout,
        attempts: stores.attempts,
        retries: stores.retries,
        api: publicApi.api,
        functions: {
          ingest: ingest.lambda,
          consume: consume.lambda,
          api: api.lambda,
          operator: operator.lambda,
          submit: submit.lambda,
          deliver: deliver.lambda,
          reconcile: reconcile.lambda,
        },
        logGroups: {
          ingest: ingest.logGroup,
          consume: consume.logGroup,
          api: api.logGroup,
          operator: operator.logGroup,
          submit: submit.logGroup,
          deliver: deliver.logGroup,
          reconcile: reconcile.logGroup,
          access: publicApi.accessLog,
        },
        tables: {
          requests: stores.requests.table.tableName,
          events: stores.events.table.tableName,
          deliveries: stores.deliveries.table.tableName,
          config: stores.config.table.tableName,
        },
        eventFeed,
        scheduleDeadLetters: deadLetters,
        requestScheduleDeadLetters: stores.schedules.deadLetters,
      },
    });

    this.bus = stores.eventBus.bus;
    this.api = publicApi.api;
    this.#outputs(identity, { stores, publicApi, consoleUrl: site?.url });
  }

  /** Makes the topics that are not given. */
  #alarmTopics(
    alarms: AlarmsProps,
    encryptionKey: IKey | undefined,
  ): Record<"page" | "ticket", ITopic> {
    return {
      page:
        alarms.pageTopic ??
        new AlarmTopic(this, "AlarmTopic", {
          displayName: "Ackwire alarms, page",
          email: alarms.pageEmail,
          encryptionKey,
        }).topic,
      ticket:
        alarms.ticketTopic ??
        new AlarmTopic(this, "TicketTopic", {
          displayName: "Ackwire alarms, ticket",
          email: alarms.ticketEmail,
          encryptionKey,
        }).topic,
    };
  }

  /** The outputs that users, the CLI and the local run read. The keys are frozen. */
  #outputs({ outputPrefix }: Identity, { stores, publicApi, consoleUrl }: AckwireParts): void {
    const outputs = {
      ...namesOf(stores),
      ApiUrl: publicApi.url,
      ...(this.alarmTopics && {
        AlarmTopicArn: this.alarmTopics.page.topicArn,
        TicketTopicArn: this.alarmTopics.ticket.topicArn,
      }),
      ...(consoleUrl === undefined ? {} : { ConsoleUrl: consoleUrl }),
      ...(publicApi.domainTarget === undefined ? {} : { ApiDomainTarget: publicApi.domainTarget }),
    };
    const scope = new Construct(this, "Outputs");
    for (const [key, value] of Object.entries(outputs)) {
      new CfnOutput(scope, key, { value }).overrideLogicalId(`${outputPrefix}${key}`);
    }
  }
}

function namesOf(stores: Stores) {
  return {
    BusName: stores.eventBus.bus.eventBusName,
    InboundQueueUrl: stores.inbound.queue.queueUrl,
    InboundDlqUrl: stores.inbound.deadLetters.queueUrl,
    SubmitQueueUrl: stores.submit.queue.queueUrl,
    SubmitDlqUrl: stores.submit.deadLetters.queueUrl,
    RequestScheduleDlqUrl: stores.schedules.deadLetters.queueUrl,
    FanoutQueueUrl: stores.fanout.queue.queueUrl,
    FanoutDlqUrl: stores.fanout.deadLetters.queueUrl,
    AttemptsQueueUrl: stores.attempts.queue.queueUrl,
    AttemptsDlqUrl: stores.attempts.deadLetters.queueUrl,
    RetriesQueueUrl: stores.retries.queue.queueUrl,
    RetriesDlqUrl: stores.retries.deadLetters.queueUrl,
    RequestsTableName: stores.requests.table.tableName,
    EventsTableName: stores.events.table.tableName,
    DeliveriesTableName: stores.deliveries.table.tableName,
    BodiesBucketName: stores.bodies.bucket.bucketName,
    ConfigTableName: stores.config.table.tableName,
    AuditTableName: stores.audit.table.tableName,
    MasterSecretArn: stores.masterSecret.secret.secretArn,
  };
}

/** The settings that have a value: a user's object may have members that are `undefined`. */
function given(settings: AckwireSettings = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]: [string, unknown]) => value !== undefined),
  );
}

interface AckwireParts {
  stores: Stores;
  publicApi: PublicApi;
  consoleUrl: string | undefined;
}

/** @throws ConfigurationError when a deployed stack would post webhooks to this machine */
function sharedVariables(
  scope: Construct,
  { name, settings, props }: { name: string; settings: Settings; props: AckwireProps },
): SharedVariables {
  const { tracing = {} } = props;
  const webhookTargets = props.webhookTargets ?? webhookTargetsOf(settings);
  refuseLocalTargets(scope, webhookTargets);
  return {
    STACK: name,
    LOG_LEVEL: props.logLevel ?? "INFO",
    BUSINESS_CLOCK: props.businessClock ?? realTime,
    SETTINGS: functionSettingsText(settings),
    PROVIDER_BASE_URLS: providerUrlsText(props.providerBaseUrls),
    WEBHOOK_TARGETS: webhookTargets,
    TRACING: tracingText(tracing),
    TRACING_WITH_SPANS: exportsSpans(tracing),
    CONSOLE_URL: props.consoleUrl ?? "off",
  };
}
