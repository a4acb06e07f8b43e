import { RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type Binding, grant } from "./binding.ts";
import { mayUse } from "./encryption.ts";
import { deadLetterQueue } from "./work-queue.ts";

export interface OneTimeSchedulesProps {
  /** Receives the message of each schedule. */
  target: Queue;
  /** Applies to the dead letters when the stack is deleted. */
  removalPolicy: RemovalPolicy;
  /** Of the dead letters, and of the target where that is a queue. @default - the services' own keys */
  encryptionKey?: IKey | undefined;
}

/**
 * A group for schedules that functions create at run time, each of which sends one
 * message at its time, and the role through which they do.
 */
export class OneTimeSchedules extends Construct {
  /** Holds firings that Scheduler could not deliver. */
  readonly deadLetters: Queue;
  readonly #group: ScheduleGroup;
  readonly #role: Role;

  constructor(scope: Construct, id: string, props: OneTimeSchedulesProps) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, "DeadLetters", props);
    Validations.of(this.deadLetters).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: `${id}/DeadLetters: it is itself the dead-letter queue, of schedules instead of a queue.`,
    });
    // Schedules are deleted with the stack in every stage: they need the role.
    this.#group = new ScheduleGroup(this, "Group", { removalPolicy: RemovalPolicy.DESTROY });
    this.#role = new Role(this, "Role", {
      description: "What Ackwire's scheduled requests may do when they are due",
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: {
            "aws:SourceAccount": Stack.of(this).account,
            "aws:SourceArn": this.#group.scheduleGroupArn,
          },
        },
      }),
    });
    if (props.encryptionKey) mayUse(this.#role, props.encryptionKey);
    grant(this.#role, {
      value: "",
      permissions: [
        {
          actions: ["sqs:SendMessage"],
          resource: [props.target.queueArn, this.deadLetters.queueArn],
        },
      ],
    });
  }

  /** The group's name, for a function that creates and deletes schedules in it. */
  creator(): Binding {
    const name = this.#group.scheduleGroupName;
    const { partition, region, account } = Stack.of(this);
    const schedules = (...[of, where, whose]: string[]) =>
      `arn:${of}:scheduler:${where}:${whose}:schedule/${name}/*`;
    return {
      value: name,
      permissions: [
        {
          actions: [
            "scheduler:CreateSchedule",
            "scheduler:UpdateSchedule",
            "scheduler:DeleteSchedule",
          ],
          resource: schedules(partition, region, account),
          acknowledged: [
            {
              id: `AwsSolutions-IAM5[Resource::${schedules("<AWS::Partition>", "<AWS::Region>", "<AWS::AccountId>")}]`,
              reason: `${this.node.id}/Group: a schedule is named after its request or its recurring request, which is known only when it comes.`,
            },
          ],
        },
      ],
    };
  }

  /** The role's ARN, for a function that passes it to Scheduler. */
  passedRole(): Binding {
    const { roleArn } = this.#role;
    return {
      value: roleArn,
      permissions: [
        {
          actions: ["iam:PassRole"],
          resource: roleArn,
          conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
        },
      ],
    };
  }
}
