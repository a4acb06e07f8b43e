import { App, CfnResource, NestedStack, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { EventBus, type IEventBus } from "aws-cdk-lib/aws-events";
import { ManagedPolicy, PermissionsBoundary } from "aws-cdk-lib/aws-iam";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import { Source } from "aws-cdk-lib/aws-s3-deployment";
import { Topic } from "aws-cdk-lib/aws-sns";
import { expect, test } from "vitest";
import type { AckwireProps } from "../../infra/ackwire-props.ts";
import { Ackwire } from "../../infra/constructs/ackwire.ts";
import { functionEnv } from "../../shared/contracts/env.ts";
import { all, cdkContext, type Resource } from "./synth.ts";

const functionCount = Object.keys(functionEnv).length;

function makeStack(): Stack {
  // The functions have no code.
  const app = new App({ context: cdkContext({ "aws:cdk:bundling-stacks": [] }) });
  return new Stack(app, "shop");
}

interface Synthesised {
  Resources: Record<string, Resource>;
  Outputs: Record<string, unknown>;
}

function resourcesOf(stack: Stack): Record<string, Resource> {
  return (Template.fromStack(stack).toJSON() as Synthesised).Resources;
}

/** Returns the resources of a stack that contains one construct called `Ackwire`. */
function synthWith(props: (stack: Stack) => AckwireProps): Record<string, Resource> {
  const stack = makeStack();
  new Ackwire(stack, "Ackwire", props(stack));
  return resourcesOf(stack);
}

const propertiesOf = (resources: Record<string, Resource>, type: string) =>
  all(resources, type).map(([, { Properties }]) => Properties);

function variablesOf(resources: Record<string, Resource>, name: string): unknown[] {
  return propertiesOf(resources, "AWS::Lambda::Function").flatMap(({ Environment }) => {
    const { Variables } = (Environment ?? { Variables: {} }) as { Variables: object };
    return name in Variables ? (Variables as Record<string, unknown>)[name] : [];
  });
}

/** Types whose names an account and region may contain only once. */
const namedTypes = [
  ["AWS::CloudWatch::Alarm", "AlarmName"],
  ["AWS::CloudWatch::CompositeAlarm", "AlarmName"],
  ["AWS::Logs::QueryDefinition", "Name"],
  ["AWS::ApiGatewayV2::Api", "Name"],
] as const;

test("Two constructs in one stack have different names and outputs, made from their paths", () => {
  const stack = makeStack();
  // With the alarms of both, the stack would have more than the 500 resources that it may have.
  new Ackwire(stack, "Orders");
  new Ackwire(stack, "Returns", { alarms: "off" });
  const { Resources, Outputs } = Template.fromStack(stack).toJSON() as Synthesised;
  for (const [type, name] of namedTypes) {
    const names = propertiesOf(Resources, type).map((properties) => properties[name]);
    expect(names.length, type).toBeGreaterThan(1);
    expect(new Set(names).size, type).toBe(names.length);
    for (const one of names) expect(one).toMatch(/^shop_(Orders|Returns)/);
  }
  const keys = Object.keys(Outputs);
  expect(keys).toEqual(expect.arrayContaining(["OrdersApiUrl", "OrdersAlarmTopicArn"]));
  expect(keys).toEqual(expect.arrayContaining(["ReturnsApiUrl", "ReturnsBusName"]));
  expect(keys.filter((key) => !/^(Orders|Returns)[A-Z]/.test(key))).toEqual([]);
  const stacks = new Set(variablesOf(Resources, "STACK"));
  expect(stacks).toEqual(new Set(["shop_Orders", "shop_Returns"]));
});

test("Nested stacks have room for the alarms of both", () => {
  const stack = makeStack();
  const stacks = ["Orders", "Returns"].map((id) => {
    const nested = new NestedStack(stack, id);
    new Ackwire(nested, id, {
      rollout: "Canary10Percent5Minutes",
      console: { frameAncestors: [], files: Source.data("index.html", "") },
    });
    return nested;
  });
  for (const nested of stacks) {
    const { Resources, Outputs } = Template.fromStack(nested).toJSON() as Synthesised;
    expect(Object.keys(Resources).length).toBeLessThan(500);
    expect(Object.keys(Outputs)).toContain(`${nested.node.id}ApiUrl`);
    const names = propertiesOf(Resources, "AWS::CloudWatch::Alarm").map((one) => one.AlarmName);
    expect(names.length).toBeGreaterThan(50);
    // Made from the name that CloudFormation gives to the nested stack.
    for (const name of names) expect(JSON.stringify(name)).toContain('{"Ref":"AWS::StackName"}');
  }
});

test("A construct called Ackwire has the name of its stack, and outputs without a prefix", () => {
  const stack = makeStack();
  new Ackwire(stack, "Ackwire");
  const { Resources, Outputs } = Template.fromStack(stack).toJSON() as Synthesised;
  expect(propertiesOf(Resources, "AWS::ApiGatewayV2::Api")).toEqual([
    expect.objectContaining({ Name: "shop" }),
  ]);
  expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(["ApiUrl", "BusName"]));
});

test("An existing bus gets the archive, a statement and a rule with a name of its own", () => {
  const resources = synthWith((stack) => ({
    eventBus: EventBus.fromEventBusName(stack, "Bus", "company"),
  }));
  expect(all(resources, "AWS::Events::EventBus")).toEqual([]);
  expect(propertiesOf(resources, "AWS::Events::Archive")).toHaveLength(1);
  const [policy] = propertiesOf(resources, "AWS::Events::EventBusPolicy");
  expect(policy).toMatchObject({
    EventBusName: "company",
    StatementId: "OnlyAckwirePublishesItsEvents",
    Statement: { Effect: "Deny", Action: "events:PutEvents" },
  });
  const [rule] = propertiesOf(resources, "AWS::Events::Rule");
  expect(rule).toMatchObject({ EventBusName: "company", Name: expect.stringContaining("Feed") });
  expect(new Set(variablesOf(resources, "EVENT_BUS_NAME"))).toEqual(new Set(["company"]));
});

test("A bus of the same app can be passed too", () => {
  const resources = synthWith((stack) => ({
    eventBus: new EventBus(stack, "Bus") as IEventBus,
  }));
  expect(all(resources, "AWS::Events::EventBus")).toHaveLength(1);
  expect(all(resources, "AWS::Events::EventBusPolicy")).toHaveLength(1);
});

test("A key encrypts tables, queues, bucket, secret and topics, and every function may use it", () => {
  const resources = synthWith((stack) => ({
    encryptionKey: new Key(stack, "Key", { removalPolicy: RemovalPolicy.DESTROY }) as IKey,
  }));
  const key = { "Fn::GetAtt": [expect.stringMatching(/^Key/), "Arn"] };
  const encrypted = [
    ["AWS::DynamoDB::Table", { SSESpecification: { KMSMasterKeyId: key, SSEEnabled: true } }],
    ["AWS::SQS::Queue", { KmsMasterKeyId: key }],
    ["AWS::SecretsManager::Secret", { KmsKeyId: key }],
    ["AWS::SNS::Topic", { KmsMasterKeyId: key }],
  ] as const;
  for (const [type, properties] of encrypted) {
    const found = propertiesOf(resources, type);
    expect(found.length, type).toBeGreaterThan(0);
    for (const one of found) expect(one).toMatchObject(properties);
  }
  expect(JSON.stringify(propertiesOf(resources, "AWS::S3::Bucket"))).toContain("aws:kms");
  const users = propertiesOf(resources, "AWS::IAM::Policy").filter((policy) =>
    JSON.stringify(policy).includes('"kms:Decrypt"'),
  );
  // The functions, and the two roles with which Scheduler sends to encrypted queues.
  expect(users).toHaveLength(functionCount + 2);
  const policy = JSON.stringify(propertiesOf(resources, "AWS::KMS::Key"));
  expect(policy).toContain("events.amazonaws.com");
  expect(policy).toContain("cloudwatch.amazonaws.com");
});

test("Without a key, nothing names one", () => {
  const resources = synthWith(() => ({}));
  expect(JSON.stringify(resources)).not.toMatch(/KmsMasterKeyId|KMSMasterKeyId|"kms:/);
});

test("A network is that of deliver alone, whose role may join a VPC", () => {
  const resources = synthWith((stack) => ({
    deliverNetwork: { vpc: new Vpc(stack, "Vpc", { maxAzs: 2 }) as IVpc },
  }));
  const placed = all(resources, "AWS::Lambda::Function").filter(
    ([, { Properties }]) => "VpcConfig" in Properties,
  );
  expect(placed.map(([id]) => id)).toEqual([expect.stringMatching(/^AckwireDeliver/)]);
  const roles = all(resources, "AWS::IAM::Role").filter(([, role]) =>
    JSON.stringify(role).includes("AWSLambdaVPCAccessExecutionRole"),
  );
  expect(roles.map(([id]) => id)).toEqual([expect.stringMatching(/^AckwireDeliverRole/)]);
});

test("The log level, the memory, the tracing and the providers' URLs reach the functions", () => {
  const resources = synthWith(() => ({
    logLevel: "DEBUG",
    settings: { ingestMemoryMib: 1_024, apiMemoryMib: undefined },
    tracing: { exporter: "otlp", url: "http://localhost:4318/v1/traces" },
    providerBaseUrls: { "linked-api": "https://double.example.com" },
  }));
  const functions = propertiesOf(resources, "AWS::Lambda::Function");
  expect(functions).toHaveLength(functionCount);
  for (const one of functions) {
    expect(one).toMatchObject({ LoggingConfig: { ApplicationLogLevel: "DEBUG" } });
  }
  const memory = functions.map(({ MemorySize }) => MemorySize);
  expect(memory.filter((size) => size === 1_024)).toHaveLength(1);
  expect(memory.filter((size) => size === 512)).toHaveLength(functionCount - 1);
  expect(variablesOf(resources, "TRACING").join()).toContain("localhost:4318");
  expect(variablesOf(resources, "PROVIDER_BASE_URLS").join()).toContain("double.example.com");
});

test.each([
  ["TRACE", "TRACE"],
  ["DEBUG", "DEBUG"],
  ["INFO", "INFO"],
  ["WARN", "INFO"],
  ["ERROR", "INFO"],
  ["FATAL", "INFO"],
] as const)(
  "The functions log from the level %s, and Lambda lets lines of %s through, so that no metric is lost",
  (logLevel, ApplicationLogLevel) => {
    const resources = synthWith(() => ({ logLevel }));
    const functions = propertiesOf(resources, "AWS::Lambda::Function");
    expect(functions).toHaveLength(functionCount);
    for (const one of functions) {
      expect(one).toMatchObject({
        LoggingConfig: { ApplicationLogLevel },
        Environment: { Variables: { LOG_LEVEL: logLevel } },
      });
    }
  },
);

test("Pages and tickets go to topics of the account, with runbooks and thresholds of the user", () => {
  const resources = synthWith((stack) => ({
    alarms: {
      pageTopic: Topic.fromTopicArn(stack, "P", "arn:aws:sns:eu-west-1:111111111111:page"),
      ticketTopic: Topic.fromTopicArn(stack, "T", "arn:aws:sns:eu-west-1:111111111111:ticket"),
      runbookBaseUrl: "https://runbooks.example.com",
      thresholds: { "lane-age": 3_600 },
    },
  }));
  expect(all(resources, "AWS::SNS::Topic")).toEqual([]);
  const alarms = propertiesOf(resources, "AWS::CloudWatch::Alarm");
  const named = (name: string) => alarms.find(({ AlarmName }) => AlarmName === `shop-${name}`);
  expect(named("lane-age")).toMatchObject({
    Threshold: 3_600,
    AlarmActions: ["arn:aws:sns:eu-west-1:111111111111:ticket"],
    AlarmDescription: expect.stringContaining("https://runbooks.example.com/lane-age.md"),
  });
  expect(named("ingest-5xx")).toMatchObject({
    Threshold: 0,
    AlarmActions: ["arn:aws:sns:eu-west-1:111111111111:page"],
  });
});

test.each<[string, AckwireProps, string]>([
  ["alarm", { alarms: { thresholds: { "no-such": 1 } } }, "no alarm no-such; there are ingest-5xx"],
  ["threshold", { alarms: { thresholds: { "lane-age": Number.NaN } } }, "lane-age: got NaN"],
  ["provider", { providerBaseUrls: { other: "https://a.example" } }, "providerBaseUrls"],
  ["setting", { settings: { paceMinSeconds: -1 } }, "paceMinSeconds: got -1"],
])("A wrong %s is refused by name", (_what, props, message) => {
  expect(() => new Ackwire(makeStack(), "Ackwire", props)).toThrow(message);
});

test("A permissions boundary applies to every role", () => {
  const stack = makeStack();
  new Ackwire(stack, "Ackwire", { rollout: "Canary10Percent5Minutes" });
  const boundary = ManagedPolicy.fromManagedPolicyArn(
    stack,
    "Boundary",
    "arn:aws:iam::111111111111:policy/boundary",
  );
  PermissionsBoundary.of(stack).apply(boundary);
  const roles = propertiesOf(resourcesOf(stack), "AWS::IAM::Role");
  expect(roles.length).toBeGreaterThan(functionCount);
  for (const role of roles) expect(role).toHaveProperty("PermissionsBoundary");
  // Without a fixed name, which a boundary's policy often forbids and two stacks would share.
  for (const role of roles) expect(role).not.toHaveProperty("RoleName");
  const fixed = stack.node
    .findAll()
    .filter((one) => CfnResource.isCfnResource(one) && one.cfnResourceType === "AWS::IAM::User");
  expect(fixed).toEqual([]);
});
