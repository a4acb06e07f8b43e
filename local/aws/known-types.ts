import type { Resource } from "../template/resource.ts";

/** Resource types that the AWS endpoint creates. */
const emulatedTypes = [
  "AWS::DynamoDB::Table",
  "AWS::Events::EventBus",
  "AWS::Events::Rule",
  "AWS::S3::Bucket",
  "AWS::SNS::Subscription",
  "AWS::SNS::Topic",
  "AWS::SQS::Queue",
  "AWS::Scheduler::Schedule",
  "AWS::Scheduler::ScheduleGroup",
  "AWS::SecretsManager::Secret",
];

/**
 * Resource types that other parts read (the Lambda runner, the HTTP API, the role
 * check), or that have no effect locally.
 */
const otherTypes = [
  "AWS::ApiGatewayV2::",
  "AWS::CDK::Metadata",
  "AWS::CloudWatch::",
  "AWS::CodeDeploy::",
  "AWS::Events::Archive",
  "AWS::Events::EventBusPolicy",
  "AWS::IAM::",
  "AWS::KMS::",
  "AWS::Lambda::Alias",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::EventSourceMapping",
  "AWS::Lambda::Function",
  "AWS::Lambda::Permission",
  "AWS::Lambda::Version",
  "AWS::Logs::",
  "AWS::S3::BucketPolicy",
  "AWS::SNS::TopicPolicy",
  "AWS::SQS::QueuePolicy",
  "AWS::SecretsManager::ResourcePolicy",
];

/**
 * @throws Error for a resource type that the local run would silently ignore; the
 *   message names the resource and its type
 */
export function assertKnownTypes(resources: Pick<Resource, "logicalId" | "type">[]): void {
  for (const { logicalId, type } of resources) {
    const isKnown =
      emulatedTypes.includes(type) ||
      otherTypes.some((known) => (known.endsWith("::") ? type.startsWith(known) : type === known));
    if (!isKnown) {
      throw new Error(
        `${logicalId}: the local run does not support ${type}; emulate it, or list it among the other types of local/aws/known-types.ts`,
      );
    }
  }
}
