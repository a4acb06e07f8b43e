import { RemovalPolicy, Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { EventBus as Bus } from "aws-cdk-lib/aws-events";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Settings } from "../../shared/contracts/settings.ts";
import { Monitoring } from "../monitoring/monitoring.ts";
import { providersOwnUrls } from "../provider-urls.ts";
import { functionSettingsText, resolveSettings } from "../settings.ts";
import { realTime } from "../timing.ts";
import { exportsSpans, type TracingProps, tracingText } from "../tracing.ts";
import { refuseLocalTargets, webhookTargetsOf } from "../webhook-targets.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { ConsoleSite, type ConsoleSiteProps } from "./console-site.ts";
import { DeliveryPipeline } from "./delivery-pipeline.ts";
import { IngestPipeline } from "./ingest-pipeline.ts";
import { OperatorApi } from "./operator-api.ts";
import type { SharedVariables } from "./pipeline.ts";
import { type CustomDomain, PublicApi } from "./public-api.ts";
import { Reconciliation } from "./reconciliation.ts";
import { GradualRollouts, type Rollout } from "./rollout.ts";
import { Stores } from "./stores.ts";
import { SubmissionPipeline } from "./submission-pipeline.ts";

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
  /** Who is notified by alarms; `off`: the stack has none. @default - topics without a subscription */
  alarms?: AlarmsProps | "off" | undefined;
  /**
   * How a new version of the functions takes over from the one before.
   *
   * @default "AllAtOnce" - a deployment takes a minute, and needs no rights for CodeDeploy
   */
  rollout?: Rollout | undefined;
  /** @default - the default execute-api hostname, which changes when the API is recreated */
  customDomain?: CustomDomain | undefined;
  /** Whether and where spans are recorded. @default - nothing is recorded */
  tracing?: TracingProps | undefined;
  /** The console, on a domain of CloudFront. @default - no console */
  console?: Omit<ConsoleSiteProps, "api"> | undefined;
  /** For the local run: the value of `BUSINESS_CLOCK`. @default - real time */
  businessClock?: string;
  /** The value of `PROVIDER_BASE_URLS`. @default - the providers' own URLs */
  providerBaseUrls?: string;
  /** For the local run: the value of `WEBHOOK_TARGETS`. @default - public addresses, https, on the settings' ports */
  webhookTargets?: string | undefined;
  /** Where the console is served, without a slash at its end: portal links lead there. @default - that of `console` */
  consoleUrl?: string | undefined;
}

export interface AlarmsProps {
  /**
   * Receives the alarms that need a person now. CloudWatch must be allowed to publish to it.
   *
   * @default - a new topic
   */
  pageTopic?: ITopic | undefined;
  /**
   * Receives the alarms that can wait for the working day. CloudWatch must be allowed to publish
   * to it.
   *
   * @default - a new topic
   */
  ticketTopic?: ITopic | undefined;
  /** Subscribed to the new topic, once its owner has confirmed. @default - no subscription */
  pageEmail?: string | undefined;
  /** Subscribed to the new topic, once its owner has confirmed. @default - no subscription */
  ticketEmail?: string | undefined;
  /**
   * The URL of the folder of runbooks, without a slash at its end: each alarm's description ends
   * with the address of its page.
   *
   * @default - `docs/runbooks`, the folder in the repository
   */
  runbookBaseUrl?: string | undefined;
}

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
  readonly bus: Bus;
  readonly api: HttpApi;
  /** The topics that receive alarms by severity; absent when alarms are off. */
  readonly alarmTopics: Record<"page" | "ticket", ITopic> | undefined;
  /** The resources that the stack's outputs name. */
  readonly parts: AckwireParts;

  constructor(scope: Construct, id: string, props: AckwireProps = {}) {
    super(scope, id);
    const settings = resolveSettings(props.settings);
    const removalPolicy =
      (props.retainData ?? true) ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    const logs = { removalPolicy, logRetentionDays: settings.logRetentionDays };
    const stores = new Stores(this, { settings, removalPolicy });
    const publicApi = new PublicApi(this, "PublicApi", {
      ...logs,
      throttleRate: settings.apiThrottleRate,
      throttleBurst: settings.apiThrottleBurst,
      customDomain: props.customDomain,
    });
    const site =
      props.console && new ConsoleSite(this, "Console", { ...props.console, api: publicApi.api });
    const consoleUrl = props.consoleUrl ?? site?.url;
    const variables = sharedVariables(this, settings, { ...props, consoleUrl });
    const parts = { settings, stores, logs, variables };
    const { ingest, consume } = new IngestPipeline(this, { ...parts, publicApi });
    const { api, submit } = new SubmissionPipeline(this, { ...parts, publicApi });
    const { deliver, eventFeed } = new DeliveryPipeline(this, parts);
    const hasAlarms = props.alarms !== "off";
    const { operator } = new OperatorApi(this, { ...parts, publicApi, hasAlarms });
    const { reconcile, deadLetters } = new Reconciliation(this, parts);

    const publishers = [consume, submit, deliver, reconcile];
    const functions = { ingest, consume, api, operator, submit, deliver, reconcile };
    const { rollout = "AllAtOnce" } = props;
    if (rollout !== "AllAtOnce") new GradualRollouts(this, "Rollout", { rollout, functions });

    stores.eventBus.reserveSource(publishers.map(({ lambda }) => lambda.role));

    const alarms = props.alarms === "off" ? undefined : (props.alarms ?? {});
    this.alarmTopics = alarms && this.#alarmTopics(alarms);
    new Monitoring(this, "Monitoring", {
      settings,
      notified: this.alarmTopics && {
        topics: this.alarmTopics,
        runbookBaseUrl: alarms?.runbookBaseUrl ?? "docs/runbooks",
      },
      monitored: {
        stack: Stack.of(this).stackName,
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
    this.parts = { stores, publicApi, consoleUrl: site?.url };
  }

  /** Makes the topics that are not given. */
  #alarmTopics(alarms: AlarmsProps): Record<"page" | "ticket", ITopic> {
    return {
      page:
        alarms.pageTopic ??
        new AlarmTopic(this, "AlarmTopic", {
          displayName: "Ackwire alarms, page",
          email: alarms.pageEmail,
        }).topic,
      ticket:
        alarms.ticketTopic ??
        new AlarmTopic(this, "TicketTopic", {
          displayName: "Ackwire alarms, ticket",
          email: alarms.ticketEmail,
        }).topic,
    };
  }
}

interface AckwireParts {
  stores: Stores;
  publicApi: PublicApi;
  consoleUrl: string | undefined;
}

/** @throws ConfigurationError when a deployed stack would post webhooks to this machine */
function sharedVariables(
  scope: Construct,
  settings: Settings,
  props: AckwireProps,
): SharedVariables {
  const { tracing = {} } = props;
  const webhookTargets = props.webhookTargets ?? webhookTargetsOf(settings);
  refuseLocalTargets(scope, webhookTargets);
  return {
    STACK: Stack.of(scope).stackName,
    BUSINESS_CLOCK: props.businessClock ?? realTime,
    SETTINGS: functionSettingsText(settings),
    PROVIDER_BASE_URLS: props.providerBaseUrls ?? providersOwnUrls,
    WEBHOOK_TARGETS: webhookTargets,
    TRACING: tracingText(tracing),
    TRACING_WITH_SPANS: exportsSpans(tracing),
    CONSOLE_URL: props.consoleUrl ?? "off",
  };
}
