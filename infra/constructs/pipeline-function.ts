import { type Duration, type RemovalPolicy, Validations } from "aws-cdk-lib";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  Alias,
  ApplicationLogLevel,
  Architecture,
  type IFunction,
  type IVersion,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
  type Version,
} from "aws-cdk-lib/aws-lambda";
import { type ILogGroup, LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { EnvironmentOf, FunctionName } from "../../shared/contracts/env.ts";
import type { LogLevel, Network } from "../ackwire-props.ts";
import { type Binding, grant } from "./binding.ts";
import { bundle } from "./bundle.ts";
import { mayUse } from "./encryption.ts";

export interface PipelineFunctionProps<Name extends FunctionName> {
  /** Its folder in `functions/`. */
  name: Name;
  description: string;
  timeout: Duration;
  memoryMib: number;
  /** Days; one of the values that CloudWatch Logs allows. */
  logRetentionDays: number;
  /** Applies to the logs when the stack is deleted. */
  removalPolicy: RemovalPolicy;
  /** The least severe lines that are written: `LOG_LEVEL`. @default - that of Lambda, "INFO" */
  logLevel?: LogLevel | undefined;
  /** Of the data that the function reads and writes. */
  encryptionKey?: IKey | undefined;
  /** @default - in no VPC */
  network?: Network | undefined;
  /**
   * Exactly the variables of the function's contract: one too few or too many
   * does not compile. A binding brings its permissions along.
   */
  environment: { [Variable in keyof EnvironmentOf<Name>]: Binding | string };
  /**
   * True for a function that sends messages to a queue that feeds it. By default, Lambda ends such
   * a chain after about 16 invocations and moves the message to the dead-letter queue
   * (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>).
   *
   * @default false
   */
  feedsItself?: boolean;
  /** Concurrent invocations that no other function of the account can take. @default - none */
  reservedConcurrency?: number | undefined;
}

/** The alias through which everything invokes a function. */
const LIVE = "live";

/**
 * A function of the pipeline: its code, its own role with exactly the actions
 * that its environment implies, and its own log group.
 *
 * Lambda updates the code and the environment of a function in two steps. A version contains both,
 * and is published when both are there: an invocation of `live` never meets the new code with the
 * old variables.
 */
export class PipelineFunction<Name extends FunctionName> extends Construct {
  /** The function itself, for metrics. Invoke `live`. */
  readonly lambda: LambdaFunction;
  readonly logGroup: ILogGroup;
  /** Through which everything invokes the function. The CDK declares `Alias` without `exactOptionalPropertyTypes`. */
  readonly live: Alias & IFunction;

  constructor(scope: Construct, id: string, props: PipelineFunctionProps<Name>) {
    super(scope, id);
    const { name, description, timeout, memoryMib, logRetentionDays, removalPolicy } = props;
    const { feedsItself, reservedConcurrency, logLevel, encryptionKey, network } = props;
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `What Ackwire's ${name} function may do`,
    });
    const logGroup = new LogGroup(this, "Logs", { retention: logRetentionDays, removalPolicy });
    logGroup.grantWrite(role);
    this.logGroup = logGroup;
    if (encryptionKey) mayUse(role, encryptionKey);
    if (network) mayJoinVpc(role);

    const variables = Object.entries<Binding | string>(props.environment);
    for (const [, value] of variables) if (typeof value === "object") grant(role, value);

    this.lambda = new LambdaFunction(this, "Function", {
      description,
      code: bundle(name),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMib,
      timeout,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      ...(logLevel === undefined ? {} : { applicationLogLevelV2: lambdaFilterOf(logLevel) }),
      ...(network === undefined ? {} : placedIn(network)),
      ...(reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: reservedConcurrency }),
      ...(feedsItself ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      environment: Object.fromEntries(
        variables.map(([key, value]) => [key, typeof value === "object" ? value.value : value]),
      ),
    });
    this.live = new Alias(this, "Live", {
      aliasName: LIVE,
      version: this.lambda.currentVersion as Version & IVersion,
    }) as Alias & IFunction;
  }
}

/**
 * Lambda takes a line without a level for INFO. The metrics are such lines: with a stricter filter
 * there would be none, and no alarm on them. The function itself leaves out what is less severe
 * than `LOG_LEVEL`.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
function lambdaFilterOf(level: LogLevel): ApplicationLogLevel {
  return ApplicationLogLevel[level === "TRACE" || level === "DEBUG" ? level : "INFO"];
}

function placedIn({ vpc, subnets, securityGroups }: Network) {
  return {
    vpc,
    ...(subnets && { vpcSubnets: subnets }),
    ...(securityGroups && { securityGroups: [...securityGroups] }),
  };
}

/** Lambda connects a function to a VPC in the name of the function's role. */
function mayJoinVpc(role: Role): void {
  const policy = "service-role/AWSLambdaVPCAccessExecutionRole";
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(policy));
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
    reason: "Deliver/Role: AWS keeps this policy in step with what Lambda calls to join a VPC.",
  });
}
