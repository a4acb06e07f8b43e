import { Stack } from "aws-cdk-lib";
import { PolicyStatement, type Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { grant } from "./binding.ts";

/** Lets a role use what is encrypted with the key: tables, queues, the bucket and the secret. */
export function mayUse(role: Role, key: IKey): void {
  const actions = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
  ];
  grant(role, { value: "", permissions: [{ actions, resource: key.keyArn }] });
}

/**
 * Lets EventBridge send events to an encrypted queue, and CloudWatch send alarms to an encrypted
 * topic. The policy of an imported key cannot be changed: it must contain this statement already.
 */
export function servicesMayUse(key: IKey): void {
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: "AckwireServices",
      principals: [
        new ServicePrincipal("events.amazonaws.com"),
        new ServicePrincipal("cloudwatch.amazonaws.com"),
      ],
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: ["*"],
      conditions: { StringEquals: { "aws:SourceAccount": Stack.of(key).account } },
    }),
  );
}
