import type { Resource, Template } from "../../../local/template/resource.ts";

const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

const resources: Resource[] = [
  { logicalId: "Work", type: "AWS::SQS::Queue", properties: { VisibilityTimeout: 600 } },
  { logicalId: "Seen", type: "AWS::SQS::Queue", properties: {} },
  { logicalId: "Due", type: "AWS::SQS::Queue", properties: {} },
  { logicalId: "Bodies", type: "AWS::S3::Bucket", properties: {} },
  { logicalId: "Bus", type: "AWS::Events::EventBus", properties: { Name: "pipeline" } },
  { logicalId: "Timer", type: "AWS::IAM::Role", properties: {} },
  {
    logicalId: "TimerPolicy",
    type: "AWS::IAM::Policy",
    properties: {
      Roles: ["Timer"],
      PolicyDocument: {
        Statement: { Effect: "Allow", Action: "sqs:SendMessage", Resource: queueArn("Due") },
      },
    },
  },
  {
    logicalId: "Events",
    type: "AWS::DynamoDB::Table",
    properties: {
      TableName: "events",
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "outboxShard", AttributeType: "S" },
      ],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "outbox",
          KeySchema: [{ AttributeName: "outboxShard", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    },
  },
];

/**
 * A template with every kind of resource that has state, for the tests that
 * restart the endpoint.
 */
export const durableTemplate: Template = {
  resources: (type) => resources.filter((resource) => resource.type === type),
  resource(logicalId) {
    const found = resources.find((resource) => resource.logicalId === logicalId);
    if (!found) throw new Error(`no ${logicalId}`);
    return found;
  },
  outputs: {},
  assetDirectory: (s3Key) => s3Key,
};
