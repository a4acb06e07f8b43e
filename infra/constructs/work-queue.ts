import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { EventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Binding, Permission } from "./binding.ts";

/** SQS keeps a message this long at most; a dead letter must outlast a holiday. */
const DEAD_LETTER_RETENTION = Duration.days(14);

/**
 * A message keeps its age in the dead-letter queue: the shorter retention
 * here leaves at least 10 days there.
 */
const WORK_RETENTION = Duration.days(4);

/**
 * A dependency may be down for about 8 visibility timeouts before messages move to the
 * dead-letter queue: 8 minutes inbound, 24 for submissions, 32 for the fan-out.
 */
const MAX_RECEIVES = 8;

export interface WorkQueueProps {
  /** Real time for which a received message is hidden from other workers. */
  visibilityTimeout: Duration;
  /**
   * A dependency may be down for so long before messages move to the dead-letter queue. Default: 8
   * visibility timeouts.
   */
  outage?: Duration;
  /** So many receives are not counted towards the outage, because they follow early. Default: none. */
  earlyRetries?: number;
  /** Applies to the messages when the stack is deleted. */
  removalPolicy: RemovalPolicy;
  /** @default - SQS's own key */
  encryptionKey?: IKey | undefined;
}

/** A queue of work and its dead-letter queue. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, "DeadLetters", props);
    const { visibilityTimeout, outage, earlyRetries = 0 } = props;
    const receives = outage
      ? Math.ceil(outage.toSeconds() / visibilityTimeout.toSeconds())
      : MAX_RECEIVES;
    const maxReceiveCount = receives + earlyRetries;
    this.queue = new Queue(this, "Queue", {
      visibilityTimeout,
      removalPolicy: props.removalPolicy,
      retentionPeriod: WORK_RETENTION,
      ...encryption(props.encryptionKey),
      enforceSSL: true,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount },
    });
  }

  /** The queue's URL, for a function that sends messages to it. */
  producer(): Binding {
    return this.#bind("sqs:SendMessage");
  }

  /** The queue's URL, for a function that changes the visibility timeout of messages that it receives. */
  delayer(): Binding {
    return this.#bind("sqs:ChangeMessageVisibility");
  }

  /** The queue's URL, for a function that sends messages to it and changes the visibility timeout of those that it receives. */
  requeuer(): Binding {
    return this.#bind("sqs:SendMessage", "sqs:ChangeMessageVisibility");
  }

  /**
   * Has Lambda poll the queue for a function, in the function's name. The function
   * returns the failed messages, and only these are received again.
   */
  feed(
    target: IFunction,
    options: { batchSize: number; batchWindowSeconds: number; maxConcurrency: number },
  ): void {
    target.addToRolePolicy(
      new PolicyStatement({
        actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        resources: [this.queue.queueArn],
      }),
    );
    // Not SqsEventSource: it also grants sqs:GetQueueUrl, which no code calls.
    new EventSourceMapping(this, "Mapping", {
      target,
      eventSourceArn: this.queue.queueArn,
      batchSize: options.batchSize,
      maxBatchingWindow: Duration.seconds(options.batchWindowSeconds),
      maxConcurrency: options.maxConcurrency,
      reportBatchItemFailures: true,
    });
  }

  /** Permissions of a function that counts the messages, and moves dead letters back or deletes them. */
  mended(): readonly Permission[] {
    return [
      { actions: ["sqs:GetQueueAttributes", "sqs:SendMessage"], resource: this.queue.queueArn },
      ...mendedDeadLetters(this.deadLetters),
      { actions: ["sqs:StartMessageMoveTask"], resource: this.deadLetters.queueArn },
    ];
  }

  #bind(...actions: string[]): Binding {
    return {
      value: this.queue.queueUrl,
      permissions: [{ actions, resource: this.queue.queueArn }],
    };
  }
}

/** Permissions of a function that looks at dead letters, sends them again one by one, or deletes them. */
export function mendedDeadLetters({ queueArn }: Queue): readonly Permission[] {
  const actions = [
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
  ];
  return [{ actions, resource: queueArn }];
}

/** A queue that keeps failed messages for 14 days, for a person to inspect and redrive. */
export function deadLetterQueue(
  scope: Construct,
  id: string,
  { removalPolicy, encryptionKey }: Pick<WorkQueueProps, "removalPolicy" | "encryptionKey">,
): Queue {
  return new Queue(scope, id, {
    removalPolicy,
    retentionPeriod: DEAD_LETTER_RETENTION,
    ...encryption(encryptionKey),
    enforceSSL: true,
  });
}

function encryption(key: IKey | undefined) {
  return key === undefined
    ? { encryption: QueueEncryption.SQS_MANAGED }
    : { encryption: QueueEncryption.KMS, encryptionMasterKey: key };
}
