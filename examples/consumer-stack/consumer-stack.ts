import { join } from "node:path";
import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import { EventBus, type EventPattern, type IRuleTarget, Match, Rule } from "aws-cdk-lib/aws-events";
import {
  EventBus as BusTarget,
  LambdaFunction,
  SfnStateMachine,
  SqsQueue,
} from "aws-cdk-lib/aws-events-targets";
import { Code, Function as Lambda, Runtime } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { DefinitionBody, JsonPath, Pass, StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import type { Construct } from "constructs";

export interface ConsumerStackProps extends StackProps {
  /** The output `BusName` of the Ackwire stack, which is in the same account and region. */
  busName: string;
  /** The ARN of a bus of another account, which must allow this account to put events. */
  otherBusArn: string;
  /** Whose events are consumed. @default - those of all clients */
  clientIds?: readonly string[];
}

/** EventBridge's most, after which it moves an event to the dead-letter queue of the target. */
const retries = { maxEventAge: Duration.hours(24), retryAttempts: 185 };

/**
 * Consumes the events of an Ackwire stack by rules on its bus. EventBridge delivers at least once:
 * every consumer detects duplicates by `detail.id`.
 */
export class ConsumerStack extends Stack {
  readonly #props: ConsumerStackProps;

  constructor(scope: Construct, id: string, props: ConsumerStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { otherBusArn } = props;
    this.#rule("Results", { detailType: ["workflow.completed", "workflow.lateResult"] }, (dead) =>
      this.#queue(dead),
    );
    this.#rule("Accounts", { detailType: Match.prefix("account.") }, (dead) => this.#lambda(dead));
    this.#rule("Failures", { detailType: ["delivery.failed"] }, (dead) => this.#workflow(dead));
    // With a role of its own, by which the other account sees who sends.
    this.#rule("Everything", {}, (deadLetterQueue) => {
      const other = EventBus.fromEventBusArn(this, "OtherBus", otherBusArn);
      return new BusTarget(other, { deadLetterQueue });
    });
  }

  /** A rule for events of Ackwire, with a queue for those that its target does not take. */
  #rule(id: string, pattern: EventPattern, target: (deadLetters: Queue) => IRuleTarget): void {
    const { busName, clientIds } = this.#props;
    const deadLetters = new Queue(this, `${id}DeadLetters`, {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    new Rule(this, id, {
      eventBus: EventBus.fromEventBusName(this, `${id}Bus`, busName),
      eventPattern: {
        source: ["ackwire"],
        ...pattern,
        ...(clientIds && { detail: { clientId: [...clientIds] } }),
      },
      targets: [target(deadLetters)],
    });
  }

  #queue(deadLetterQueue: Queue): IRuleTarget {
    const queue = new Queue(this, "ResultsQueue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.minutes(5),
    });
    return new SqsQueue(queue, { deadLetterQueue, ...retries });
  }

  #lambda(deadLetterQueue: Queue): IRuleTarget {
    const lambda = new Lambda(this, "CountAccountEvents", {
      runtime: Runtime.NODEJS_24_X,
      handler: "index.handler",
      code: Code.fromAsset(join(import.meta.dirname, "count-account-events")),
    });
    return new LambdaFunction(lambda, { deadLetterQueue, ...retries });
  }

  /** The execution's name is not the event's id: a duplicate starts a second execution. */
  #workflow(deadLetterQueue: Queue): IRuleTarget {
    const machine = new StateMachine(this, "FailedDelivery", {
      definitionBody: DefinitionBody.fromChainable(
        new Pass(this, "Describe", {
          parameters: {
            client: JsonPath.stringAt("$.detail.clientId"),
            delivery: JsonPath.stringAt("$.detail.data.deliveryId"),
          },
        }),
      ),
    });
    return new SfnStateMachine(machine, { deadLetterQueue, ...retries });
  }
}
