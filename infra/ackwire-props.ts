import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { IEventBus } from "aws-cdk-lib/aws-events";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ISource } from "aws-cdk-lib/aws-s3-deployment";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { AckwireSettings } from "./ackwire-settings.ts";

/** Properties of the construct `Ackwire`. */
export interface AckwireProps {
  /**
   * Times, limits, sizes and memory.
   *
   * @default - the default of each setting
   */
  readonly settings?: AckwireSettings | undefined;

  /**
   * Keeps tables, queues, the bus, the master secret and the logs when the stack is deleted, and
   * protects the tables from deletion.
   *
   * @default true
   */
  readonly retainData?: boolean | undefined;

  /**
   * The bus that receives the events, in this account and region. Its archive and one statement of
   * its policy are added: only Ackwire's functions may publish with the source `ackwire`. A bus
   * serves one Ackwire.
   *
   * @default - a new bus
   */
  readonly eventBus?: IEventBus | undefined;

  /**
   * A symmetric key that encrypts the tables, the queues, the bucket of bodies, the master secret
   * and the alarm topics. Its policy gets a statement for EventBridge and CloudWatch; the policy of
   * an imported key cannot be changed and must contain it. A new bus and the logs are encrypted with
   * keys that AWS owns: pass `eventBus` to choose the bus's key.
   *
   * The key cannot be changed later without data being encrypted anew: tables are re-encrypted by
   * DynamoDB, and messages and objects keep the key that they were stored with.
   *
   * @default - keys that AWS owns
   */
  readonly encryptionKey?: IKey | undefined;

  /**
   * The VPC of `deliver`, the function that POSTs webhooks: for a fixed address behind a NAT
   * gateway, for example. It must reach DynamoDB, SQS, S3, EventBridge and Secrets Manager, and
   * X-Ray or the collector with `tracing`. Webhooks to private addresses are refused all the same.
   *
   * @default - no VPC
   */
  readonly deliverNetwork?: Network | undefined;

  /**
   * Who is notified by alarms, and when they are raised. `off`: there are no alarms.
   *
   * @default - new topics without a subscription, and the thresholds of the catalogue
   */
  readonly alarms?: AlarmsProps | "off" | undefined;

  /**
   * The least severe lines that the functions log. The metrics are written at every level.
   *
   * @default "INFO"
   */
  readonly logLevel?: LogLevel | undefined;

  /**
   * Whether and where spans are recorded.
   *
   * @default - nothing is recorded
   */
  readonly tracing?: TracingProps | undefined;

  /**
   * How a new version of the functions takes over from the one before.
   *
   * @default "AllAtOnce" - a deployment takes a minute, and needs no rights for CodeDeploy
   */
  readonly rollout?: Rollout | undefined;

  /**
   * The domain of the API, so that the inbound URLs outlive the stack.
   *
   * @default - the default execute-api hostname, which changes when the API is recreated
   */
  readonly customDomain?: CustomDomain | undefined;

  /**
   * The console, on a domain of CloudFront.
   *
   * @default - no console
   */
  readonly console?: ConsoleProps | undefined;

  /**
   * Where the console is served, without a slash at its end: portal links lead there.
   *
   * @default - the address of `console`
   */
  readonly consoleUrl?: string | undefined;

  /**
   * The base URL of providers by their id, without a slash at its end, for a double in tests.
   *
   * @default - each provider's own URL
   */
  readonly providerBaseUrls?: Readonly<Record<string, string>> | undefined;

  /** For the local run: the value of `BUSINESS_CLOCK`. @internal */
  readonly businessClock?: string | undefined;

  /** For the local run: the value of `WEBHOOK_TARGETS`. @internal */
  readonly webhookTargets?: string | undefined;
}

/** Who is notified by alarms, and when they are raised. */
export interface AlarmsProps {
  /**
   * Receives the alarms that need a person now. CloudWatch must be allowed to publish to it.
   *
   * @default - a new topic
   */
  readonly pageTopic?: ITopic | undefined;

  /**
   * Receives the alarms that can wait for the working day. CloudWatch must be allowed to publish to
   * it.
   *
   * @default - a new topic
   */
  readonly ticketTopic?: ITopic | undefined;

  /**
   * Subscribed to the new page topic, once its owner has confirmed.
   *
   * @default - no subscription
   */
  readonly pageEmail?: string | undefined;

  /**
   * Subscribed to the new ticket topic, once its owner has confirmed.
   *
   * @default - no subscription
   */
  readonly ticketEmail?: string | undefined;

  /**
   * The URL of the folder of runbooks, without a slash at its end: each alarm's description ends
   * with the address of its page.
   *
   * @default - `docs/runbooks`, the folder in the repository
   */
  readonly runbookBaseUrl?: string | undefined;

  /**
   * Thresholds by the alarm's id, such as `{ "lane-age": 3600 }`. The alarm is raised above its
   * threshold, in the unit of its metric. The ids are the names of the runbooks.
   *
   * @default - the threshold of the catalogue
   */
  readonly thresholds?: Readonly<Record<string, number>> | undefined;
}

/** Where a function runs. */
export interface Network {
  /** The VPC. */
  readonly vpc: IVpc;

  /** @default - the private subnets, or the isolated ones if there are no others */
  readonly subnets?: SubnetSelection | undefined;

  /** @default - a new one, which allows every outbound connection */
  readonly securityGroups?: readonly ISecurityGroup[] | undefined;
}

/** A level of the functions' log lines, in Lambda's terms. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";

/** Whether and where spans are recorded. */
export interface TracingProps {
  /**
   * `otlp`: spans go to a collector, as OTLP in JSON over HTTP. `xray`: to the OTLP endpoint of
   * X-Ray in the stack's region, for which Transaction Search must be on. `off`: a caller's trace is
   * passed on, and nothing is recorded.
   *
   * @default "off"
   */
  readonly exporter?: "off" | "otlp" | "xray" | undefined;

  /**
   * The URL of the collector, such as `http://localhost:4318/v1/traces`; only with `otlp`.
   *
   * @default - none
   */
  readonly url?: string | undefined;

  /**
   * Providers get the header `traceparent` with each submission.
   *
   * @default false
   */
  readonly tracesProviders?: boolean | undefined;
}

/** CodeDeploy's predefined configurations, each of which shifts the invocations in time. */
export type GradualRollout =
  | "Canary10Percent5Minutes"
  | "Canary10Percent10Minutes"
  | "Canary10Percent15Minutes"
  | "Canary10Percent30Minutes"
  | "Linear10PercentEvery1Minute"
  | "Linear10PercentEvery2Minutes"
  | "Linear10PercentEvery3Minutes"
  | "Linear10PercentEvery10Minutes";

/** How a new version of the functions takes over; `AllAtOnce` needs no CodeDeploy. */
export type Rollout = GradualRollout | "AllAtOnce";

/** A custom domain of the API. */
export interface CustomDomain {
  /** For example `ackwire.example.com`. */
  readonly domainName: string;

  /** In the stack's region. */
  readonly certificate: ICertificate;
}

/** The console and who may embed it. */
export interface ConsoleProps {
  /** Origins of the pages that may embed the console, such as `https://app.example.com`. */
  readonly frameAncestors: readonly string[];

  /**
   * The files of the console.
   *
   * @default - those of this version
   */
  readonly files?: ISource | undefined;
}
