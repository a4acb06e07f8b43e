import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { all, synth } from "./synth.ts";

interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: string | string[];
}

/** Two, because one would be larger than a managed policy may be. */
const policies = ["cloudformation-policy.json", "cloudformation-functions.json"].map(
  (file) =>
    JSON.parse(readFileSync(new URL(`../../docs/deployment/${file}`, import.meta.url), "utf8")) as {
      Statement: Statement[];
    },
);
const statements = policies.flatMap(({ Statement }) => Statement);
const actions = statements.flatMap(({ Action }) => Action);

const allowing = (action: string) =>
  statements.filter(({ Action }) => [Action].flat().includes(action));

const { resources } = synth({
  stage: "prod",
  rollout: "Canary10Percent5Minutes",
  alarmEmail: "ops@example.com",
  domainName: "hooks.example.com",
  certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
});

/** The action that creates a resource of each type. */
const creation: Record<string, string> = {
  "AWS::SQS::Queue": "sqs:CreateQueue",
  "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
  "AWS::Lambda::Function": "lambda:CreateFunction",
  "AWS::CodeDeploy::Application": "codedeploy:CreateApplication",
  "AWS::CodeDeploy::DeploymentGroup": "codedeploy:CreateDeploymentGroup",
  "AWS::Lambda::Alias": "lambda:CreateAlias",
  "AWS::Lambda::Version": "lambda:PublishVersion",
  "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
  "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
  "AWS::Lambda::Permission": "lambda:AddPermission",
  "AWS::DynamoDB::Table": "dynamodb:CreateTable",
  "AWS::SecretsManager::Secret": "secretsmanager:CreateSecret",
  "AWS::Scheduler::ScheduleGroup": "scheduler:CreateScheduleGroup",
  "AWS::Scheduler::Schedule": "scheduler:CreateSchedule",
  "AWS::IAM::Role": "iam:CreateRole",
  "AWS::IAM::Policy": "iam:PutRolePolicy",
  "AWS::S3::Bucket": "s3:CreateBucket",
  "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
  "AWS::Events::EventBus": "events:CreateEventBus",
  "AWS::Events::EventBusPolicy": "events:PutPermission",
  "AWS::Events::Archive": "events:CreateArchive",
  "AWS::Events::Rule": "events:PutRule",
  "AWS::ApiGatewayV2::Api": "apigateway:POST",
  "AWS::ApiGatewayV2::Integration": "apigateway:POST",
  "AWS::ApiGatewayV2::Route": "apigateway:POST",
  "AWS::ApiGatewayV2::Stage": "apigateway:POST",
  "AWS::ApiGatewayV2::DomainName": "apigateway:POST",
  "AWS::ApiGatewayV2::ApiMapping": "apigateway:POST",
  "AWS::Logs::LogGroup": "logs:CreateLogGroup",
  "AWS::Logs::QueryDefinition": "logs:PutQueryDefinition",
  "AWS::SNS::Topic": "sns:CreateTopic",
  "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
  "AWS::SNS::Subscription": "sns:Subscribe",
  "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
  "AWS::CloudWatch::CompositeAlarm": "cloudwatch:PutCompositeAlarm",
  "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
};

describe("The policies of the role with which CloudFormation deploys", () => {
  const types = [...new Set(Object.values(resources).map(({ Type }) => Type))].sort();

  test.each(types)("allow to create a resource of the type %s", (type) => {
    expect(actions).toContain(creation[type]);
  });

  test("have no action for a type that the template does not have", () => {
    expect(Object.keys(creation).filter((type) => !types.includes(type))).toEqual([]);
    const services = new Set(actions.map((action) => action.split(":")[0]));
    const used = new Set(types.map((type) => creation[type]?.split(":")[0]));
    // The parameter that says which version of the bootstrap there is.
    used.add("ssm");
    expect([...services].filter((service) => !used.has(service))).toEqual([]);
  });

  test("allow no service as a whole, and roles only by the stack's name, but for that of API Gateway", () => {
    expect(actions.filter((action) => action === "*" || action.endsWith(":*"))).toEqual([]);
    const ofApiGateway = allowing("iam:CreateServiceLinkedRole");
    for (const statement of statements) {
      const { Action, Resource, Sid } = statement;
      const isAboutRoles = [Action].flat().some((action) => action.startsWith("iam:"));
      if (!isAboutRoles || ofApiGateway.includes(statement)) continue;
      expect([Sid, Resource]).toEqual([Sid, "arn:aws:iam::*:role/ackwire-*"]);
    }
  });

  test("allow the first custom domain of an account, for which API Gateway creates its role", () => {
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
    const service = "ops.apigateway.amazonaws.com";
    expect(allowing("iam:CreateServiceLinkedRole")).toEqual([
      {
        Sid: "RoleOfApiGateway",
        Effect: "Allow",
        Action: "iam:CreateServiceLinkedRole",
        Resource: `arn:aws:iam::*:role/aws-service-role/${service}/*`,
        Condition: { StringEquals: { "iam:AWSServiceName": service } },
      },
    ]);
  });

  test.each(["cloudwatch:PutCompositeAlarm", "cloudwatch:DescribeAlarms"])(
    "allow %s on every resource, without which CloudWatch refuses it for composite alarms",
    (action) => {
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
      expect(allowing(action).map(({ Resource }) => Resource)).toEqual(["*"]);
    },
  );

  test("are small enough for managed policies", () => {
    for (const policy of policies) expect(JSON.stringify(policy).length).toBeLessThan(6_144);
  });

  test("cover the names that the template gives itself", () => {
    const names = [
      ...all(resources, "AWS::Events::EventBus").map(([, { Properties }]) => Properties.Name),
      ...all(resources, "AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties.AlarmName),
    ];
    for (const name of names) expect(JSON.stringify(name)).toMatch(/^"ackwire/);
  });
});
