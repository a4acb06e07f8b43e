import { type RemovalPolicy, Validations } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { Binding } from "./binding.ts";

/**
 * The versioned master key: `{"current":"k1","k1":"<64 characters>"}`. Signing
 * secrets are derived from it and credentials are sealed with it; a new version
 * is added beside the old ones, and `current` names it.
 */
export class MasterSecret extends Construct {
  readonly secret: Secret;

  constructor(
    scope: Construct,
    id: string,
    props: { removalPolicy: RemovalPolicy; encryptionKey?: IKey | undefined },
  ) {
    super(scope, id);
    this.secret = new Secret(this, "Secret", {
      description: "Ackwire's versioned master key",
      // Frozen: a change makes CloudFormation write a new value over every version of the key.
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ current: "k1" }),
        generateStringKey: "k1",
        passwordLength: 64,
        excludePunctuation: true,
      },
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey && { encryptionKey: props.encryptionKey }),
    });
    Validations.of(this.secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "MasterSecret: a key version is added by hand, because what was sealed with the old one must stay readable; a rotation on a timer would replace it.",
    });
  }

  /** The secret's ARN, for a function that reads it. */
  reader(): Binding {
    return {
      value: this.secret.secretArn,
      permissions: [
        { actions: ["secretsmanager:GetSecretValue"], resource: this.secret.secretArn },
      ],
    };
  }
}
