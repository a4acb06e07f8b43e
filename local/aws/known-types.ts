import type { Resource } from "../template/resource.ts";

/** What the AWS endpoint makes of a template. */
const madeHere = [
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

/** What others read (the Lambda runner, the HTTP API, the role check) or what changes nothing locally. */
const harmless = [
  "AWS::ApiGatewayV2::",
  "AWS::CDK::Metadata",
  "AWS::CloudWatch::",
  "AWS::Events::Archive",
  "AWS::IAM::",
  "AWS::KMS::",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::EventSourceMapping",
  "AWS::Lambda::Function",
  "AWS::Lambda::Permission",
  "AWS::Logs::",
  "AWS::S3::BucketPolicy",
  "AWS::SNS::TopicPolicy",
  "AWS::SQS::QueuePolicy",
  "AWS::SecretsManager::ResourcePolicy",
];

/** @throws when a resource would be missing locally without anyone noticing; names it and its type */
export function assertKnownTypes(resources: Pick<Resource, "logicalId" | "type">[]): void {
  for (const { logicalId, type } of resources) {
    const isKnown =
      madeHere.includes(type) ||
      harmless.some((known) => (known.endsWith("::") ? type.startsWith(known) : type === known));
    if (!isKnown) {
      throw new Error(
        `${logicalId}: the local run knows no ${type}; it must be emulated, or be listed as harmless in local/aws/known-types.ts`,
      );
    }
  }
}
