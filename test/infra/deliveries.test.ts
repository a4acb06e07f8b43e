import { describe, expect, test } from "vitest";
import { functionEnv } from "../../shared/contracts/env.ts";
import { deliverableTypes, EVENT_SOURCE } from "../../shared/contracts/events.ts";
import { OPERATOR_SOURCE } from "../../shared/contracts/operator-action.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import {
  type DeliveryRules,
  deliveryRulesOf,
} from "../../shared/core/deliveries/state/delivery-rules.ts";
import { CONSUME_LOGICAL_ID } from "../support/fakes/publisher.ts";
import { all, find, liveAliasOf, synth } from "./synth.ts";

type Resources = ReturnType<typeof synth>["resources"];

const { resources } = synth({ stage: "prod" });
const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
const queueOf = (of: Resources, name: string) =>
  find(of, "AWS::SQS::Queue", `Ackwire${name}Queue`).Properties;
const arnOf = (idStart: string) => ({
  "Fn::GetAtt": [expect.stringMatching(new RegExp(`^${idStart}`)), "Arn"],
});

/** Returns the values of a variable in all functions that have it. */
function variableIn(of: Resources, name: string): string[] {
  return all(of, "AWS::Lambda::Function").flatMap(([, { Properties }]) => {
    const { Variables } = Properties.Environment as { Variables: Record<string, string> };
    return Variables[name] ?? [];
  });
}

/** Returns the delivery rules that `deliver` reads from its settings. */
function rulesOf(of: Resources): DeliveryRules {
  const { Variables } = find(of, "AWS::Lambda::Function", "AckwireDeliver").Properties
    .Environment as { Variables: Record<string, string> };
  return deliveryRulesOf(functionEnv.deliver.shape.SETTINGS.parse(Variables.SETTINGS));
}

test("The deliveries table has numeric sort keys for the sweeps, and the due index has the fields of a message", () => {
  const { Properties } = find(resources, "AWS::DynamoDB::Table", "AckwireDeliveries");
  expect(Properties).toMatchObject({
    KeySchema: [key("id", "HASH")],
    TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    AttributeDefinitions: expect.arrayContaining([
      { AttributeName: "dueAt", AttributeType: "N" },
      { AttributeName: "sweepAt", AttributeType: "N" },
    ]),
  });
  expect(Properties.GlobalSecondaryIndexes).toEqual([
    {
      IndexName: "byClient",
      KeySchema: [key("clientId", "HASH"), key("listedAs", "RANGE")],
      Projection: {
        ProjectionType: "INCLUDE",
        NonKeyAttributes: ["status", "eventType", "eventId", "webhookId"],
      },
    },
    {
      IndexName: "due",
      KeySchema: [key("dueShard", "HASH"), key("dueAt", "RANGE")],
      Projection: {
        ProjectionType: "INCLUDE",
        NonKeyAttributes: ["clientId", "webhookId", "requestId", "nextMs"],
      },
    },
    {
      IndexName: "sweep",
      KeySchema: [key("sweepShard", "HASH"), key("sweepAt", "RANGE")],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ]);
});

describe("The rule that feeds deliveries", () => {
  const rule = find(resources, "AWS::Events::Rule").Properties;

  test("The rule matches every event that a webhook can receive, and no event about deliveries", () => {
    expect(rule).toMatchObject({
      Name: "deliveries",
      EventBusName: { Ref: "AckwireEventBus0D81332B" },
      EventPattern: { source: ["ackwire"], "detail-type": deliverableTypes },
    });
    expect(JSON.stringify(rule.EventPattern)).not.toMatch(/delivery\.failed|webhook\.disabled/);
  });

  test("The rule sends the whole event to the fan-out queue, retries for a day, and then uses the dead-letter queue (B24)", () => {
    expect(rule.Targets).toEqual([
      {
        Id: "Target0",
        Arn: arnOf("AckwireFanoutQueue"),
        DeadLetterConfig: { Arn: arnOf("AckwireFanoutDeadLetters") },
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      },
    ]);
  });

  test.each(["Queue", "DeadLetters"])(
    "Only the rule may send to Fanout/%s by its queue policy",
    (part) => {
      const policy = find(resources, "AWS::SQS::QueuePolicy", `AckwireFanout${part}`).Properties;
      const { Statement } = policy.PolicyDocument as { Statement: { Effect: string }[] };
      expect(Statement.filter(({ Effect }) => Effect === "Allow")).toEqual([
        {
          Sid: "AllowThisRule",
          Effect: "Allow",
          Action: "sqs:SendMessage",
          Principal: { Service: "events.amazonaws.com" },
          Resource: arnOf(`AckwireFanout${part}`),
          Condition: { ArnEquals: { "aws:SourceArn": arnOf("AckwireEventFeedRule") } },
        },
      ]);
    },
  );
});

describe("The function deliver", () => {
  const lambda = find(resources, "AWS::Lambda::Function", "AckwireDeliver").Properties;
  const fed = synth({ deliverMaxConcurrency: 7, deliverBatchWindowSeconds: 2 }).resources;

  test.each([
    ["Fanout", 10, 2],
    ["Attempts", 10, 2],
    ["Retries", 100, 1],
  ])(
    "The function deliver is fed from %s and reports failures per message",
    (name, batchSize, windowSeconds) => {
      const mapping = find(fed, "AWS::Lambda::EventSourceMapping", `Ackwire${name}`);
      expect(mapping.Properties).toMatchObject({
        EventSourceArn: arnOf(`Ackwire${name}Queue`),
        FunctionName: liveAliasOf("Deliver"),
        BatchSize: batchSize,
        MaximumBatchingWindowInSeconds: windowSeconds,
        ScalingConfig: { MaximumConcurrency: 7 },
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      });
    },
  );

  test.each(["Fanout", "Attempts"])(
    "The batch window lengthens the visibility timeout of %s",
    (name) => {
      const before = Number(queueOf(resources, name).VisibilityTimeout);
      expect(queueOf(fed, name).VisibilityTimeout).toBe(before + 2);
    },
  );

  test.each(["Fanout", "Attempts", "Retries"])(
    "The timeout of a POST < the timeout of deliver < an attempt's lease < the visibility timeout of %s",
    (name) => {
      const { deliveryTimeoutSeconds: longest } = settingsSchema.parse({});
      const rules = rulesOf(resources);
      const times = [
        longest * 1_000,
        Number(lambda.Timeout) * 1_000,
        rules.leaseMs,
        Number(queueOf(resources, name).VisibilityTimeout) * 1_000,
      ];
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    },
  );

  test.each([
    ["Fanout", 240, 10],
    ["Attempts", 90, 22],
    ["Retries", 91, 22],
  ])(
    "Messages of %s come back after %d s, and are dead letters after 32 minutes",
    (name, visibility, maxReceiveCount) => {
      expect(queueOf(resources, name)).toMatchObject({
        VisibilityTimeout: visibility,
        RedrivePolicy: { maxReceiveCount },
      });
      expect(visibility * maxReceiveCount).toBeGreaterThanOrEqual(32 * 60);
    },
  );

  test("The visibility timeout of the queues of attempts follows the lease", () => {
    const { resources: of } = synth({ deliveryLeaseSeconds: 41 });
    expect(queueOf(of, "Attempts")).toMatchObject({
      VisibilityTimeout: 56,
      RedrivePolicy: { maxReceiveCount: 35 },
    });
  });

  test("The functions deliver webhooks to public addresses on the ports of the settings", () => {
    const targets = variableIn(synth({ webhookPort: 444 }).resources, "WEBHOOK_TARGETS");
    expect(targets).toHaveLength(3);
    expect(new Set(targets)).toEqual(
      new Set(['{"ports":[444,8443],"allowsLocal":false,"refusedPorts":[]}']),
    );
  });
});

describe("Delivery rules", () => {
  test("The default delivery rules are the specification's eight attempts", () => {
    expect(rulesOf(resources)).toEqual({
      delaysMs: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
      jitter: 0.2,
      timeoutMs: 15_000,
      slowMs: 500,
      leaseMs: 75_000,
      breakerFailures: 5,
      workersPerEndpoint: 3,
      postsPerWorker: 10,
      retentionMs: 2_592_000_000,
      outboxGraceMs: 30_000,
    });
  });

  test("The delivery rules follow the settings", () => {
    const given = synth({
      deliveryDelaysSeconds: "1,2,3,4,5,6,0",
      deliveryTimeoutSeconds: 2,
      deliveryBreakerFailures: 9,
      deliveryWorkersPerEndpoint: 4,
      deliveryPostsPerWorker: 6,
      deliveryRetentionDays: 2,
      deliveryLeaseSeconds: 60,
      outboxGraceSeconds: 8,
    }).resources;
    expect(rulesOf(given)).toMatchObject({
      delaysMs: [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 0],
      timeoutMs: 2_000,
      leaseMs: 60_000,
      breakerFailures: 9,
      workersPerEndpoint: 4,
      postsPerWorker: 6,
      retentionMs: 172_800_000,
      outboxGraceMs: 8_000,
    });
  });
});

test("Only the functions that publish may put events with Ackwire's source on the bus", () => {
  const { Statement } = find(resources, "AWS::Events::EventBusPolicy", "Ackwire").Properties;
  expect(Statement).toMatchObject({
    Effect: "Deny",
    Principal: { AWS: "*" },
    Action: "events:PutEvents",
    Condition: {
      "ForAnyValue:StringEquals": { "events:source": [EVENT_SOURCE, OPERATOR_SOURCE] },
      ArnNotEquals: {
        "aws:PrincipalArn": ["Consume", "Submit", "Deliver", "Reconcile"].map((name) =>
          arnOf(`Ackwire${name}Role`),
        ),
      },
      // Replays from the archive have no principal.
      Null: { "aws:PrincipalArn": "false" },
    },
  });
  expect(Object.keys(resources)).toContain(CONSUME_LOGICAL_ID);
});
