import { arnOf, refOf } from "../physical-name.ts";

/** A resource as far as `Ref` and `Fn::GetAtt` need it. */
export interface Referenced {
  type: string;
  name: string;
}

/** Attributes that are the physical name. A rule's and a schedule's physical names are compound, so they have none. */
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

/** @throws for an attribute that has no value here */
export function attributeOf(
  { type, name }: Referenced,
  attribute: string,
  urls: { awsUrl: string; apiUrl: string },
): string {
  if (attribute === "Arn" || (type === "AWS::SNS::Topic" && attribute === "TopicArn")) {
    return arnOf(type, name);
  }
  if (nameAttributes[type]?.includes(attribute)) return name;
  if (refAttributes[type]?.includes(attribute)) return refOf(type, name, urls.awsUrl);
  if (type === "AWS::ApiGatewayV2::Api" && attribute === "ApiEndpoint") return urls.apiUrl;
  throw new Error(`the local run knows no attribute "${attribute}" of ${type}`);
}
