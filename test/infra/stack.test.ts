import { describe, expect, test } from "vitest";
import { operations, routeKeyOf } from "../../shared/contracts/http/operations.ts";
import { all, find, type Resource, synth } from "./synth.ts";

const dev = synth();
const prod = synth({ stage: "prod" });
const { resources } = prod;

/** Resources that contain data. A changed logical id would replace the resource. */
const stateful = {
  AckwireConfigTable094371C9: "AWS::DynamoDB::Table",
  AckwireEventsTable485E4F6E: "AWS::DynamoDB::Table",
  AckwireBodiesBucket1835B84A: "AWS::S3::Bucket",
  AckwireMasterSecret0E624839: "AWS::SecretsManager::Secret",
  AckwireInboundQueue23237C85: "AWS::SQS::Queue",
  AckwireInboundDeadLettersBD4A8CDF: "AWS::SQS::Queue",
  AckwireSweepDeadLettersF9F69FFB: "AWS::SQS::Queue",
  AckwireRequestsTable089CA6B8: "AWS::DynamoDB::Table",
  AckwireSubmissionsQueue1CBD13B0: "AWS::SQS::Queue",
  AckwireSubmissionsDeadLettersDDCF9EC5: "AWS::SQS::Queue",
  AckwireSchedulesDeadLetters7165B5F9: "AWS::SQS::Queue",
  AckwireDeliveriesTable014780B4: "AWS::DynamoDB::Table",
  AckwireFanoutQueue9EF78FB5: "AWS::SQS::Queue",
  AckwireFanoutDeadLetters0D942186: "AWS::SQS::Queue",
  AckwireAttemptsQueue29259C07: "AWS::SQS::Queue",
  AckwireAuditTableCF4B5ACA: "AWS::DynamoDB::Table",
  AckwireAttemptsDeadLettersA604E1C3: "AWS::SQS::Queue",
  AckwireRetriesQueue51BB7E4B: "AWS::SQS::Queue",
  AckwireRetriesDeadLetters17AFDAF1: "AWS::SQS::Queue",
  AckwireEventBus0D81332B: "AWS::Events::EventBus",
  AckwireEventBusArchive47A8DB9D: "AWS::Events::Archive",
};

describe("Stateful resources", () => {
  test("Stateful resources have their frozen logical ids", () => {
    const types = [...new Set(Object.values(stateful))];
    const found = types.flatMap((type) => all(resources, type).map(([id]) => [id, type]));
    expect(Object.fromEntries(found)).toEqual(stateful);
  });

  test.each(Object.keys(stateful))(
    "The resource %s is retained in prod, unless its creation is rolled back, and deleted in dev",
    (id) => {
      expect(resources[id]).toMatchObject({
        DeletionPolicy: "RetainExceptOnCreate",
        UpdateReplacePolicy: "Retain",
      });
      expect(dev.resources[id]).toMatchObject({ DeletionPolicy: "Delete" });
    },
  );

  test("Tables have point-in-time recovery and on-demand billing, and deletion protection in prod", () => {
    for (const stage of [dev, prod]) {
      for (const [, { Properties }] of all(stage.resources, "AWS::DynamoDB::Table")) {
        expect(Properties).toMatchObject({
          BillingMode: "PAY_PER_REQUEST",
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          DeletionProtectionEnabled: stage === prod,
        });
      }
    }
  });

  test("The events and config tables have the contract's keys, time to live and indexes", () => {
    const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
    expect(find(resources, "AWS::DynamoDB::Table", "AckwireEvents").Properties).toMatchObject({
      KeySchema: [key("id", "HASH")],
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      AttributeDefinitions: expect.arrayContaining([
        { AttributeName: "outboxAt", AttributeType: "N" },
      ]),
      GlobalSecondaryIndexes: [
        {
          IndexName: "byClient",
          KeySchema: [key("clientId", "HASH"), key("listedAs", "RANGE")],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
        {
          IndexName: "outbox",
          KeySchema: [key("outboxShard", "HASH"), key("outboxAt", "RANGE")],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    });
    expect(find(resources, "AWS::DynamoDB::Table", "AckwireConfig").Properties).toMatchObject({
      KeySchema: [key("pk", "HASH")],
      GlobalSecondaryIndexes: [
        { IndexName: "byClient", KeySchema: [key("clientId", "HASH"), key("pk", "RANGE")] },
      ],
    });
  });

  test("The master secret starts with one key that AWS generates", () => {
    expect(find(resources, "AWS::SecretsManager::Secret").Properties).toMatchObject({
      GenerateSecretString: {
        SecretStringTemplate: '{"current":"k1"}',
        GenerateStringKey: "k1",
        PasswordLength: 64,
        ExcludePunctuation: true,
      },
    });
  });

  test("The bucket is private, encrypted and requires TLS, and its objects outlive the items that refer to them", () => {
    const { resources: longer } = synth({ stage: "prod", dedupeRetentionDays: 40 });
    expect(find(longer, "AWS::S3::Bucket").Properties).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
        ],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const { Rules } = find(longer, "AWS::S3::Bucket").Properties.LifecycleConfiguration as {
      Rules: Record<string, unknown>[];
    };
    const day = 86_400;
    const limits = day + 14 * day + 900 + day;
    expect(Rules).toMatchObject([
      { Prefix: "inbound/", Status: "Enabled", ExpirationInDays: 40 + 15 },
      { Prefix: "quarantine/", Status: "Enabled", ExpirationInDays: 40 + 15 },
      { Prefix: "events/", Status: "Enabled", ExpirationInDays: 40 + 15 },
      {
        Prefix: "requests/",
        Status: "Enabled",
        ExpirationInDays: 365 + Math.ceil(limits / day) + 90 + 15,
      },
      // The longest total delay between the attempts, the retention after the last one, and a margin.
      { Prefix: "deliveries/", Status: "Enabled", ExpirationInDays: 2 + 30 + 15 },
      { Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
    ]);
    expect(find(longer, "AWS::S3::BucketPolicy").Properties.PolicyDocument).toMatchObject({
      Statement: [{ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }],
    });
  });

  test("No custom resource empties the bucket", () => {
    for (const stage of [dev, prod]) {
      const types = Object.values(stage.resources).map(({ Type }) => Type);
      expect(types.filter((type) => type.startsWith("Custom::"))).toEqual([]);
    }
  });

  test("The archive keeps Ackwire's events for the retention of the setting", () => {
    const archive = find(synth({ archiveRetentionDays: 7 }).resources, "AWS::Events::Archive");
    expect(archive.Properties).toMatchObject({
      EventPattern: { source: ["ackwire", "ackwire.operator"] },
      RetentionDays: 7,
    });
  });
});

describe("Queues", () => {
  const inbound = find(resources, "AWS::SQS::Queue", "AckwireInboundQueue").Properties;

  test("Every dead-letter queue keeps messages for 14 days, and every queue is encrypted", () => {
    for (const [id, { Properties }] of all(resources, "AWS::SQS::Queue")) {
      expect(Properties).toMatchObject({ SqsManagedSseEnabled: true });
      if (Properties.RedrivePolicy === undefined) {
        expect(Properties.MessageRetentionPeriod, id).toBe(14 * 24 * 60 * 60);
      }
    }
  });

  test("Every queue rejects calls without TLS", () => {
    const queues = all(resources, "AWS::SQS::Queue").map(([id]) => id);
    const refusing = all(resources, "AWS::SQS::QueuePolicy").flatMap(([, { Properties }]) =>
      JSON.stringify(Properties.PolicyDocument).includes('"aws:SecureTransport":"false"')
        ? (Properties.Queues as { Ref: string }[]).map(({ Ref }) => Ref)
        : [],
    );
    expect(refusing.sort()).toEqual(queues.sort());
  });

  test("An inbound message is received up to 8 times and is invisible for at least 6 timeouts of consume", () => {
    const consume = find(resources, "AWS::Lambda::Function", "AckwireConsume").Properties;
    expect(inbound.RedrivePolicy).toMatchObject({ maxReceiveCount: 8 });
    expect(inbound.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Number(consume.Timeout));
  });

  test("The batch window lengthens the visibility timeout of the inbound queue", () => {
    const longer = synth({ consumeBatchWindowSeconds: 30 }).resources;
    const queue = find(longer, "AWS::SQS::Queue", "AckwireInboundQueue");
    expect(queue.Properties.VisibilityTimeout).toBe(Number(inbound.VisibilityTimeout) + 30);
  });

  test("The function consume is fed by the settings and reports failures per message", () => {
    const settings = {
      consumeBatchSize: 3,
      consumeBatchWindowSeconds: 2,
      consumeMaxConcurrency: 7,
    };
    const fed = synth(settings).resources;
    const mapping = find(fed, "AWS::Lambda::EventSourceMapping", "AckwireInbound");
    expect(mapping.Properties).toMatchObject({
      EventSourceArn: { "Fn::GetAtt": ["AckwireInboundQueue23237C85", "Arn"] },
      BatchSize: 3,
      MaximumBatchingWindowInSeconds: 2,
      ScalingConfig: { MaximumConcurrency: 7 },
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
  });
});

describe("Functions", () => {
  const lambdas = all(resources, "AWS::Lambda::Function");

  test("Each function has the memory of its own setting", () => {
    const names = ["Ingest", "Consume", "Api", "Submit", "Deliver", "Reconcile"];
    const memory = names.map((name, index) => [`${name.toLowerCase()}MemoryMib`, 600 + index]);
    const changed = synth(Object.fromEntries(memory)).resources;
    for (const [index, name] of names.entries()) {
      const { Properties } = find(changed, "AWS::Lambda::Function", `Ackwire${name}Function`);
      expect(Properties.MemorySize).toBe(600 + index);
    }
  });

  test("Each function runs on Node.js 24 and arm64, and logs JSON into its own group", () => {
    expect(lambdas).toHaveLength(7);
    for (const [, { Properties }] of lambdas) {
      expect(Properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        MemorySize: 512,
        LoggingConfig: { LogFormat: "JSON", SystemLogLevel: "WARN" },
      });
    }
    const groups = lambdas.map(([, { Properties }]) => JSON.stringify(Properties.LoggingConfig));
    expect(new Set(groups).size).toBe(lambdas.length);
  });

  test("No function has reserved concurrency, so event sources can use their maximum", () => {
    for (const [id, { Properties }] of lambdas) {
      expect(Properties.ReservedConcurrentExecutions, id).toBeUndefined();
    }
  });

  test("Every log group has the retention of the setting", () => {
    for (const [, { Properties }] of all(
      synth({ logRetentionDays: 7 }).resources,
      "AWS::Logs::LogGroup",
    )) {
      expect(Properties.RetentionInDays).toBe(7);
    }
  });
});

describe("The HTTP API", () => {
  test("The HTTP API has the inbound route and one route for each operation, throttled by the settings", () => {
    const throttled = synth({ apiThrottleRate: 5, apiThrottleBurst: 6 }).resources;
    const routes = all(throttled, "AWS::ApiGatewayV2::Route").map(
      ([, { Properties }]) => Properties.RouteKey,
    );
    expect(routes.sort()).toEqual(
      [
        "$default",
        "ANY /v1/operator/{proxy+}",
        "POST /v1/in/{provider}/{connectionId}/{token}",
        ...operations.map(routeKeyOf),
      ].sort(),
    );
    expect(find(throttled, "AWS::ApiGatewayV2::Stage").Properties).toMatchObject({
      StageName: "$default",
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 6 },
    });
    const integrations = all(throttled, "AWS::ApiGatewayV2::Integration");
    expect(integrations).toHaveLength(3);
    for (const [, { Properties }] of integrations) {
      expect(Properties).toMatchObject({ PayloadFormatVersion: "2.0" });
    }
  });

  test("The access log of the HTTP API contains the sender, and no path, other header or body", () => {
    const stage = find(resources, "AWS::ApiGatewayV2::Stage").Properties;
    const { Format } = stage.AccessLogSettings as { Format: string };
    expect(Object.values(JSON.parse(Format)).sort()).toEqual([
      "$context.identity.sourceIp",
      "$context.identity.userAgent",
      "$context.integrationLatency",
      "$context.requestId",
      "$context.responseLatency",
      "$context.responseLength",
      "$context.routeKey",
      "$context.status",
    ]);
  });

  test("The HTTP API can have a custom domain", () => {
    const { resources: named, outputs } = synth({
      domainName: "hooks.example.com",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
    });
    expect(find(named, "AWS::ApiGatewayV2::DomainName").Properties).toMatchObject({
      DomainName: "hooks.example.com",
    });
    expect(find(named, "AWS::ApiGatewayV2::ApiMapping").Properties).toMatchObject({
      Stage: "$default",
    });
    expect(outputs.ApiUrl?.Value).toBe("https://hooks.example.com");
    expect(outputs.ApiDomainTarget?.Value).toMatchObject({ "Fn::GetAtt": expect.anything() });
  });
});

test("The function reconcile is started every minute by a schedule in its own group", () => {
  const schedule: Resource & { DependsOn?: string[] } = find(resources, "AWS::Scheduler::Schedule");
  expect(schedule.Properties).toMatchObject({
    ScheduleExpression: "rate(1 minute)",
    FlexibleTimeWindow: { Mode: "OFF" },
    GroupName: find(resources, "AWS::Scheduler::ScheduleGroup", "AckwireSweep").Properties.Name,
    Target: {
      Arn: { Ref: expect.stringMatching(/^AckwireReconcileLive/) },
      RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 2 },
      DeadLetterConfig: { Arn: { "Fn::GetAtt": ["AckwireSweepDeadLettersF9F69FFB", "Arn"] } },
    },
  });
  expect(schedule.DependsOn).toContainEqual(expect.stringMatching(/^AckwireSweepGroup/));
  const reconcile = find(resources, "AWS::Lambda::Function", "AckwireReconcile").Properties;
  expect(reconcile.Timeout).toBeLessThan(60);
});

test("The outputs have their frozen keys", () => {
  expect(Object.keys(prod.outputs).sort()).toEqual([
    "AlarmTopicArn",
    "ApiUrl",
    "AttemptsDlqUrl",
    "AttemptsQueueUrl",
    "AuditTableName",
    "BodiesBucketName",
    "BusName",
    "ConfigTableName",
    "DeliveriesTableName",
    "EventsTableName",
    "FanoutDlqUrl",
    "FanoutQueueUrl",
    "InboundDlqUrl",
    "InboundQueueUrl",
    "MasterSecretArn",
    "RequestScheduleDlqUrl",
    "RequestsTableName",
    "RetriesDlqUrl",
    "RetriesQueueUrl",
    "SubmitDlqUrl",
    "SubmitQueueUrl",
    "TicketTopicArn",
  ]);
});
