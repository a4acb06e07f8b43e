import { type Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule, ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { grant } from "./binding.ts";
import { mayUse } from "./encryption.ts";
import { deadLetterQueue } from "./work-queue.ts";

/** Scheduler retries a failed start, but not beyond the next start. */
const MAX_RETRIES = 2;

export interface RecurringTaskProps {
  description: string;
  /** Whole minutes, the finest rate of Scheduler. */
  every: Duration;
  target: IFunction;
  /** Applies to the dead letters when the stack is deleted. */
  removalPolicy: RemovalPolicy;
  /** Of the dead letters, and of the target where that is a queue. @default - the services' own keys */
  encryptionKey?: IKey | undefined;
}

/** A function that EventBridge Scheduler invokes at a fixed rate, with a role of its own. */
export class RecurringTask extends Construct {
  /** Holds starts that Scheduler could not make. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: RecurringTaskProps) {
    super(scope, id);
    const { description, every, target } = props;
    this.deadLetters = deadLetterQueue(this, "DeadLetters", props);
    Validations.of(this.deadLetters).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: `${id}/DeadLetters: it is itself the dead-letter queue, of a schedule instead of a queue.`,
    });
    // The group holds only this schedule, which is recreated with the stack.
    const group = new ScheduleGroup(this, "Group", { removalPolicy: RemovalPolicy.DESTROY });
    const role = new Role(this, "Role", {
      description,
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: {
            "aws:SourceAccount": Stack.of(this).account,
            "aws:SourceArn": group.scheduleGroupArn,
          },
        },
      }),
    });
    if (props.encryptionKey) mayUse(role, props.encryptionKey);
    grant(role, {
      value: "",
      permissions: [
        { actions: ["lambda:InvokeFunction"], resource: target.functionArn },
        { actions: ["sqs:SendMessage"], resource: this.deadLetters.queueArn },
      ],
    });
    // Not the L2 target: it grants every version and alias of the function too.
    const schedule = new CfnSchedule(this, "Schedule", {
      description,
      groupName: group.scheduleGroupName,
      scheduleExpression: rate(every),
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        deadLetterConfig: { arn: this.deadLetters.queueArn },
        retryPolicy: {
          maximumRetryAttempts: MAX_RETRIES,
          maximumEventAgeInSeconds: every.toSeconds(),
        },
      },
    });
    // The group is named, not referenced, and the first start must wait for the role's policy.
    schedule.node.addDependency(group, role);
    // A failed start is not repeated: the next start does the same work.
    target.configureAsyncInvoke({ maxEventAge: every, retryAttempts: 0 });
  }
}

function rate(every: Duration): string {
  const minutes = every.toMinutes();
  return minutes === 1 ? "rate(1 minute)" : `rate(${minutes} minutes)`;
}
