import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { EventBus as Bus, CfnEventBusPolicy, type IEventBus } from "aws-cdk-lib/aws-events";
import { AnyPrincipal, Effect, type IRole, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../../shared/contracts/events.ts";
import { OPERATOR_SOURCE } from "../../shared/contracts/operator-action.ts";
import type { Binding } from "./binding.ts";

/** The sources that only functions of the stack may publish. */
const ownSources = [EVENT_SOURCE, OPERATOR_SOURCE];

export interface EventBusProps {
  /** Takes the place of a new bus. */
  existing?: IEventBus | undefined;
  /** Days for which events can be replayed. */
  archiveRetentionDays: number;
  /** Applies to the bus and its archive when the stack is deleted. */
  removalPolicy: RemovalPolicy;
}

/**
 * The bus that every event reaches, and its archive.
 *
 * It has no dead-letter queue of its own: EventBridge uses one only where it
 * cannot decrypt with a customer's key, and a new bus has none. Targets have theirs.
 */
export class EventBus extends Construct {
  readonly bus: IEventBus;
  /** The new bus; absent where an existing one is used. */
  readonly #own: Bus | undefined;

  constructor(scope: Construct, id: string, props: EventBusProps) {
    super(scope, id);
    this.#own = props.existing ? undefined : this.#newBus(props);
    // The CDK declares `EventBus` without `exactOptionalPropertyTypes`.
    this.bus = (props.existing ?? this.#own) as IEventBus;
    this.bus
      .archive("Archive", {
        description: "Every event of Ackwire, for a replay",
        eventPattern: { source: ownSources },
        retention: Duration.days(props.archiveRetentionDays),
      })
      .applyRemovalPolicy(props.removalPolicy);
  }

  /** Whether the bus is new, so that nothing else is on it. */
  get isOwn(): boolean {
    return this.#own !== undefined;
  }

  #newBus({ removalPolicy }: EventBusProps): Bus {
    const bus = new Bus(this, "Bus", { description: "Events of Ackwire, of every client" });
    bus.applyRemovalPolicy(removalPolicy);
    return bus;
  }

  /**
   * Reserves our sources for these roles: what carries the first is signed and delivered to webhooks, so
   * that nobody else may publish it, whatever their own policies allow. A call without a principal's
   * ARN is EventBridge itself, which replays from the archive.
   */
  reserveSource(roles: readonly (IRole | undefined)[]): void {
    const arns = roles.flatMap((role) => role?.roleArn ?? []);
    const sid = "OnlyAckwirePublishesItsEvents";
    const statement = new PolicyStatement({
      sid,
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ["events:PutEvents"],
      resources: [this.bus.eventBusArn],
      conditions: {
        "ForAnyValue:StringEquals": { "events:source": ownSources },
        ArnNotEquals: { "aws:PrincipalArn": arns },
        Null: { "aws:PrincipalArn": "false" },
      },
    });
    if (this.#own) {
      this.#own.addToResourcePolicy(statement);
      return;
    }
    // One statement beside those that the bus has. An imported bus cannot be given one otherwise.
    const { eventBusName } = this.bus;
    const text = statement.toStatementJson();
    new CfnEventBusPolicy(this, "Policy", { eventBusName, statementId: sid, statement: text });
  }

  /** The bus's name, for a function that publishes. */
  publisher(): Binding {
    return {
      value: this.bus.eventBusName,
      permissions: [{ actions: ["events:PutEvents"], resource: this.bus.eventBusArn }],
    };
  }
}
