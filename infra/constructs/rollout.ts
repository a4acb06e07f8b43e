import { Duration, Validations } from "aws-cdk-lib";
import { Alarm, MathExpression, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import {
  LambdaApplication,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
} from "aws-cdk-lib/aws-codedeploy";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { FunctionName } from "../../shared/contracts/env.ts";
import { metricDimensions, metricNamespace, metrics } from "../../shared/contracts/metrics.ts";
import type { GradualRollout, Rollout } from "../ackwire-props.ts";
import type { PipelineFunction } from "./pipeline-function.ts";

const gradual = {
  Canary10Percent5Minutes: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
  Canary10Percent10Minutes: LambdaDeploymentConfig.CANARY_10PERCENT_10MINUTES,
  Canary10Percent15Minutes: LambdaDeploymentConfig.CANARY_10PERCENT_15MINUTES,
  Canary10Percent30Minutes: LambdaDeploymentConfig.CANARY_10PERCENT_30MINUTES,
  Linear10PercentEvery1Minute: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_1MINUTE,
  Linear10PercentEvery2Minutes: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_2MINUTES,
  Linear10PercentEvery3Minutes: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_3MINUTES,
  Linear10PercentEvery10Minutes: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_10MINUTES,
} satisfies Record<GradualRollout, unknown>;

export const rollouts: readonly Rollout[] = [
  "AllAtOnce",
  ...(Object.keys(gradual) as GradualRollout[]),
];

/** CloudWatch's finest period for metrics of Lambda. */
const period = Duration.minutes(1);

export interface GradualRolloutProps {
  /** Begins the names of the alarms, and is the dimension `stack` of the metrics. */
  name: string;
  rollout: GradualRollout;
  functions: { [Name in FunctionName]: PipelineFunction<Name> };
}

/**
 * Has CodeDeploy shift the invocations of each function from its old version to the new one, and
 * back when the new one fails.
 *
 * The alarms that trigger the way back are its own. Those of the catalogue are too slow for a
 * canary of five minutes, and count the old version as well: one that is raised would refuse the
 * very deployment that mends it.
 */
export class GradualRollouts extends Construct {
  constructor(scope: Construct, id: string, { name, rollout, functions }: GradualRolloutProps) {
    super(scope, id);
    const application = new LambdaApplication(this, "Application");
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("codedeploy.amazonaws.com"),
      description: "What CodeDeploy may do to shift invocations between versions",
    });
    const policy = "service-role/AWSCodeDeployRoleForLambdaLimited";
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(policy));
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
      reason: `${id}/Role: AWS keeps this policy in step with what CodeDeploy calls; it contains nothing but that.`,
    });
    for (const [of, target] of Object.entries(functions)) {
      new LambdaDeploymentGroup(this, of, {
        application,
        role,
        alias: target.live,
        deploymentConfig: gradual[rollout],
        alarms: [this.#alarm(name, of as FunctionName, target)],
        autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
      });
    }
  }

  /**
   * Raised within a minute or two when an invocation of the new version fails. It looks at five
   * minutes: the most recent one has no data yet, which `FILL` turns into 0, so that an alarm on
   * that minute alone would never be raised
   * (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>).
   */
  #alarm(
    stack: string,
    name: FunctionName,
    { lambda, live }: Pick<PipelineFunction<FunctionName>, "lambda" | "live">,
  ) {
    const errors = new Metric({
      namespace: "AWS/Lambda",
      metricName: "Errors",
      // Of the new version alone: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html>
      dimensionsMap: {
        FunctionName: lambda.functionName,
        Resource: `${lambda.functionName}:${live.aliasName}`,
        ExecutedVersion: lambda.currentVersion.version,
      },
      statistic: "Sum",
      period,
    });
    const bugs = new Metric({
      namespace: metricNamespace,
      metricName: metrics.InternalError,
      dimensionsMap: metricDimensions(stack, name),
      statistic: "Sum",
      period,
    });
    return new Alarm(this, `${name}-fails`, {
      alarmName: `${stack}-rollback-${name}`,
      alarmDescription: `The new version of ${name} fails: CodeDeploy rolls it back. Nobody is notified.`,
      metric: new MathExpression({
        label: "Failed invocations and bugs",
        expression: "FILL(errors, 0) + FILL(bugs, 0)",
        usingMetrics: { errors, bugs },
        period,
      }),
      threshold: 1,
      evaluationPeriods: 5,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
