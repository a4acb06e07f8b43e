import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { EventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Binding } from "./binding.ts";

/** SQS keeps a message this long at most; a dead letter must outlast a holiday. */
const DEAD_LETTER_RETENTION = Duration.days(14);

/**
 * A message's age goes on counting in the dead-letter queue: the shorter stay
 * here leaves at least 10 days there.
 */
const WORK_RETENTION = Duration.days(4);

/** A dependency may be down for some 8 visibility timeouts before work is parked: 8 minutes inbound, 24 of submissions, 32 of deliveries. */
const MAX_RECEIVES = 8;

export interface WorkQueueProps {
  /** Real time for which a received message is hidden from other workers. */
  visibilityTimeout: Duration;
  /** What becomes of the messages with the stack. */
  removalPolicy: RemovalPolicy;
}

/** A queue of work and the dead-letter queue for what could not be done. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, "DeadLetters", props.removalPolicy);
    this.queue = new Queue(this, "Queue", {
      visibilityTimeout: props.visibilityTimeout,
      removalPolicy: props.removalPolicy,
      retentionPeriod: WORK_RETENTION,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
    });
  }

  /** The queue's URL, for a function that puts work into it. */
  producer(): Binding {
    return this.#bind("sqs:SendMessage");
  }

  /** The queue's URL, for a function that is `feed` from it and puts work off: it sends it anew, or hides it longer. */
  consumer(): Binding {
    return this.#bind("sqs:SendMessage", "sqs:ChangeMessageVisibility");
  }

  /**
   * Has Lambda poll the queue for a function, in the function's name. The function
   * answers with the messages that failed, and only these come again.
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
    // Not SqsEventSource: it grants sqs:GetQueueUrl too, which nobody calls.
    new EventSourceMapping(this, "Mapping", {
      target,
      eventSourceArn: this.queue.queueArn,
      batchSize: options.batchSize,
      maxBatchingWindow: Duration.seconds(options.batchWindowSeconds),
      maxConcurrency: options.maxConcurrency,
      reportBatchItemFailures: true,
    });
  }

  #bind(...actions: string[]): Binding {
    return {
      value: this.queue.queueUrl,
      permissions: [{ actions, resource: this.queue.queueArn }],
    };
  }
}

/** A queue that holds what failed, for 14 days, until a person has looked at it. */
export function deadLetterQueue(scope: Construct, id: string, removalPolicy: RemovalPolicy): Queue {
  return new Queue(scope, id, {
    removalPolicy,
    retentionPeriod: DEAD_LETTER_RETENTION,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
  });
}
