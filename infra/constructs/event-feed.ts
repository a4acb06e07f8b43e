import { Duration, Names } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { EVENT_SOURCE, type EventType } from "../../shared/contracts/events.ts";
import type { WorkQueue } from "./work-queue.ts";

/** EventBridge's most; after that it parks the event. <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html> */
const MAX_EVENT_AGE = Duration.hours(24);
const MAX_RETRIES = 185;

export interface EventFeedProps {
  bus: IEventBus;
  /**
   * The rule's name on the bus. Frozen: its alarm and its runbook look for it.
   *
   * @default - a name that other rules of an existing bus do not have
   */
  ruleName?: string | undefined;
  description: string;
  eventTypes: readonly EventType[];
  /**
   * Receives each event as one message. Events that EventBridge cannot deliver go to its
   * dead-letter queue.
   */
  target: WorkQueue;
}

/** A rule that sends every event of some types to a queue. */
export class EventFeed extends Construct {
  readonly #rule: Rule;
  readonly #bus: IEventBus;
  readonly #ruleName: string;

  constructor(scope: Construct, id: string, props: EventFeedProps) {
    super(scope, id);
    const { bus, description, eventTypes, target } = props;
    this.#bus = bus;
    this.#ruleName = props.ruleName ?? Names.uniqueResourceName(this, { maxLength: 64 });
    const { queue, deadLetters } = target;
    this.#rule = new Rule(this, "Rule", {
      ruleName: this.#ruleName,
      description,
      eventBus: bus,
      eventPattern: { source: [EVENT_SOURCE], detailType: [...eventTypes] },
    });
    this.#rule.addTarget({
      // Not the L2 target: it grants sqs:GetQueueUrl and sqs:GetQueueAttributes too.
      bind: () => ({
        arn: queue.queueArn,
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: {
          maximumEventAgeInSeconds: MAX_EVENT_AGE.toSeconds(),
          maximumRetryAttempts: MAX_RETRIES,
        },
      }),
    });
    for (const one of [queue, deadLetters]) this.#mayBeSentTo(one);
  }

  /** Counts events that EventBridge could not deliver. */
  metricFailedInvocations(options: { period: Duration }): Metric {
    return new Metric({
      ...options,
      namespace: "AWS/Events",
      metricName: "FailedInvocations",
      // The dimensions of a rule on a custom bus; the rule's `Ref` would be `bus|rule`.
      dimensionsMap: { EventBusName: this.#bus.eventBusName, RuleName: this.#ruleName },
      statistic: "Sum",
    });
  }

  #mayBeSentTo(queue: Queue): void {
    queue.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowThisRule",
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
        conditions: { ArnEquals: { "aws:SourceArn": this.#rule.ruleArn } },
      }),
    );
  }
}
