import { arnOf, refOf } from "../physical-name.ts";

/** The parts of a resource that `Ref` and `Fn::GetAtt` need. */
export interface Referenced {
  type: string;
  name: string;
}

/**
 * Attributes whose value is the physical name. Rules and schedules have compound
 * physical names and therefore no such attribute.
 */
const nameAttributes: Record<string, string[]> = {
  "AWS::ApiGatewayV2::Api": ["ApiId"],
  "AWS::Events::EventBus": ["Name"],
  "AWS::IAM::Role": ["RoleId"],
  "AWS::SNS::Topic": ["TopicName"],
  "AWS::SQS::Queue": ["QueueName"],
};

const refAttributes: Record<string, string[]> = {
  "AWS::SQS::Queue": ["QueueUrl"],
  "AWS::SecretsManager::Secret": ["Id"],
};

/** @throws Error for an attribute that has no value in the local run */
export function attributeOf(
  { type, name }: Referenced,
  attribute: string,
  urls: { awsUrl: string; apiUrl: string },
): string {
  if (attribute === "Arn" || (type === "AWS::SNS::Topic" && attribute === "TopicArn")) {
    return arnOf(type, name);
  }
  if (type === "AWS::Lambda::Version" && attribute === "Version") {
    return name.slice(name.lastIndexOf(":") + 1);
  }
  if (nameAttributes[type]?.includes(attribute)) return name;
  if (refAttributes[type]?.includes(attribute)) return refOf(type, name, urls.awsUrl);
  if (type === "AWS::ApiGatewayV2::Api" && attribute === "ApiEndpoint") return urls.apiUrl;
  throw new Error(`the local run does not support the attribute "${attribute}" of ${type}`);
}
