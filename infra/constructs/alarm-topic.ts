import { Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";

/** A topic that receives alarms of the pipeline. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  /** @param props.email receives alarms after its owner has confirmed the subscription */
  constructor(
    scope: Construct,
    id: string,
    props: {
      displayName: string;
      email?: string | undefined;
      encryptionKey?: IKey | undefined;
    },
  ) {
    super(scope, id);
    const { displayName, encryptionKey } = props;
    this.topic = new Topic(this, "Topic", {
      displayName,
      enforceSSL: true,
      ...(encryptionKey && { masterKey: encryptionKey }),
    });
    // `enforceSSL` writes a policy, and a written policy replaces the default one that let alarms in.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarmsOfThisAccount",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    if (props.email !== undefined) this.topic.addSubscription(new EmailSubscription(props.email));
  }
}
