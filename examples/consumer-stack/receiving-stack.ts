import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { AccountPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

export interface ReceivingStackProps extends StackProps {
  /** The account of the Ackwire stack. */
  sendingAccount: string;
}

/** The bus of another account, which takes events of the Ackwire stack's account and no others. */
export class ReceivingStack extends Stack {
  constructor(scope: Construct, id: string, props: ReceivingStackProps) {
    super(scope, id, props);
    const bus = new EventBus(this, "Bus", { eventBusName: "ackwire-events" });
    bus.addToResourcePolicy(
      new PolicyStatement({
        sid: "AckwireOfTheOtherAccount",
        principals: [new AccountPrincipal(props.sendingAccount)],
        actions: ["events:PutEvents"],
        resources: [bus.eventBusArn],
        conditions: { StringEquals: { "events:source": "ackwire" } },
      }),
    );
    new CfnOutput(this, "BusArn", { value: bus.eventBusArn });
  }
}
