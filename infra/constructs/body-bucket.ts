import { Duration, type RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Binding, Permission } from "./binding.ts";

/** The parts of the bucket; keys begin with one of them and a slash. */
export type BodyArea = "inbound" | "quarantine" | "events" | "requests" | "deliveries";

export interface BodyBucketProps {
  /** Days after which an object of each area is deleted. */
  retentionDays: Record<BodyArea, number>;
  /** Applies when the stack is deleted. CloudFormation never deletes a bucket that holds objects. */
  removalPolicy: RemovalPolicy;
  /** @default - S3's own key */
  encryptionKey?: IKey | undefined;
}

/** Bodies that are too large for a message or an item. */
export class BodyBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: BodyBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, "Bucket", {
      ...(props.encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : {
            encryption: BucketEncryption.KMS,
            encryptionKey: props.encryptionKey,
            // One call to KMS for many objects.
            bucketKeyEnabled: true,
          }),
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        // One for each area: of two that match, S3 takes the one that deletes first.
        ...Object.entries(props.retentionDays).map(([area, days]) => ({
          id: `forget-${area}`,
          prefix: `${area}/`,
          expiration: Duration.days(days),
        })),
        { id: "abort-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: props.removalPolicy,
    });
    Validations.of(this.bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Bodies/Bucket: only functions of this stack have access, and log what they do; access logs would need a bucket of their own.",
    });
  }

  /** The bucket's name, for a function that reads, writes and deletes objects of these areas. */
  access(areas: {
    read?: readonly BodyArea[];
    write?: readonly BodyArea[];
    delete?: readonly BodyArea[];
  }): Binding {
    const permissions: Permission[] = [];
    if (areas.read) {
      permissions.push(this.#permission("s3:GetObject", areas.read), this.#listing(areas.read));
    }
    if (areas.write) permissions.push(this.#permission("s3:PutObject", areas.write));
    if (areas.delete) permissions.push(this.#permission("s3:DeleteObject", areas.delete));
    return { value: this.bucket.bucketName, permissions };
  }

  /** Without it S3 answers 403 for a key that does not exist, so that a deleted body cannot be recognised. */
  #listing(areas: readonly BodyArea[]): Permission {
    return {
      actions: ["s3:ListBucket"],
      resource: this.bucket.bucketArn,
      conditions: { StringLike: { "s3:prefix": areas.map((area) => `${area}/*`) } },
    };
  }

  #permission(action: string, areas: readonly BodyArea[]): Permission {
    return {
      actions: [action],
      resource: areas.map((area) => this.bucket.arnForObjects(`${area}/*`)),
      acknowledged: areas.map((area) => ({
        id: `AwsSolutions-IAM5[Resource::<${this.#logicalId}.Arn>/${area}/*]`,
        reason: `Bodies/Bucket: the keys below ${area}/ are digests, known only when a body comes.`,
      })),
    };
  }

  get #logicalId(): string {
    return Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnBucket);
  }
}
