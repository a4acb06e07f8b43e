import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { EventBus as Bus } from "aws-cdk-lib/aws-events";
import { AnyPrincipal, Effect, type IRole, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../../shared/contracts/events.ts";
import { OPERATOR_SOURCE } from "../../shared/contracts/operator-action.ts";
import type { Binding } from "./binding.ts";

/** The sources that only functions of the stack may publish. */
const ownSources = [EVENT_SOURCE, OPERATOR_SOURCE];

export interface EventBusProps {
  /** Days for which events can be replayed. */
  archiveRetentionDays: number;
  /** Applies to the bus and its archive when the stack is deleted. */
  removalPolicy: RemovalPolicy;
}

/**
 * The bus that every event reaches, and its archive.
 *
 * It has no dead-letter queue of its own: EventBridge uses one only where it
 * cannot decrypt with a customer's key, and there is none. Targets have theirs.
 */
export class EventBus extends Construct {
  readonly bus: Bus;

  constructor(scope: Construct, id: string, props: EventBusProps) {
    super(scope, id);
    this.bus = new Bus(this, "Bus", { description: "Events of Ackwire, of every client" });
    this.bus.applyRemovalPolicy(props.removalPolicy);
    this.bus
      .archive("Archive", {
        description: "Every event of Ackwire, for a replay",
        eventPattern: { source: ownSources },
        retention: Duration.days(props.archiveRetentionDays),
      })
      .applyRemovalPolicy(props.removalPolicy);
  }

  /**
   * Reserves our sources for these roles: what carries the first is signed and delivered to webhooks, so
   * that nobody else may publish it, whatever their own policies allow. A call without a principal's
   * ARN is EventBridge itself, which replays from the archive.
   */
  reserveSource(roles: readonly (IRole | undefined)[]): void {
    const arns = roles.flatMap((role) => role?.roleArn ?? []);
    this.bus.addToResourcePolicy(
      new PolicyStatement({
        sid: "OnlyAckwirePublishesItsEvents",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["events:PutEvents"],
        resources: [this.bus.eventBusArn],
        conditions: {
          "ForAnyValue:StringEquals": { "events:source": ownSources },
          ArnNotEquals: { "aws:PrincipalArn": arns },
          Null: { "aws:PrincipalArn": "false" },
        },
      }),
    );
  }

  /** The bus's name, for a function that publishes. */
  publisher(): Binding {
    return {
      value: this.bus.eventBusName,
      permissions: [{ actions: ["events:PutEvents"], resource: this.bus.eventBusArn }],
    };
  }
}
