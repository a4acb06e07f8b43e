import {
  BatchWriteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { CreateScheduleCommand, DeleteScheduleCommand } from "@aws-sdk/client-scheduler";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import {
  DeleteMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { clientsOf, queueArn, queueUrl, running, templateOf } from "./local-aws-fixture.ts";

const table = (name: string) => ({
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName: name,
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: "byId",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ],
  },
});
const bucketArn = "arn:aws:s3:::bodies";
const tableArn = "arn:aws:dynamodb:us-east-1:000000000000:table/events";
const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
const allow = (Action: string | string[], Resource: string | string[]) => ({
  Effect: "Allow",
  Action,
  Resource,
});

const lanesArn = tableArn.replace("events", "lanes");
const roleWith = (...Statement: object[]) => ({
  Type: "AWS::IAM::Role",
  Properties: { Policies: [{ PolicyDocument: { Statement } }] },
});

const template = templateOf({
  Work: { Type: "AWS::SQS::Queue" },
  Other: { Type: "AWS::SQS::Queue" },
  Events: table("events"),
  Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "pipeline" } },
  Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "bodies" } },
  Master: { Type: "AWS::SecretsManager::Secret", Properties: { Name: "m", SecretString: "s" } },
  Timer: { Type: "AWS::IAM::Role" },
  Role: {
    Type: "AWS::IAM::Role",
    Properties: {
      RoleName: "consume-role",
      Policies: [
        { PolicyDocument: { Statement: allow("dynamodb:GetItem", tableArn) } },
        { PolicyDocument: { Statement: [allow("s3:Get*", "arn:aws:s3:::bodies/in/*")] } },
      ],
    },
  },
  Policy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: ["consume-role"],
      PolicyDocument: {
        Statement: [
          allow(["SQS:sendmessage"], [queueArn("Work")]),
          allow("sqs:*", queueArn("Other")),
          { Effect: "Deny", Action: "sqs:DeleteMessage", Resource: "*" },
          allow("events:PutEvents", "arn:aws:events:us-east-1:000000000000:event-bus/pipeline"),
          allow("dynamodb:Query", `${tableArn}/index/*`),
          allow("scheduler:CreateSchedule", "*"),
        ],
      },
    },
  },
  Lister: roleWith(allow("s3:GetObject", `${bucketArn}/*`), allow("s3:ListBucket", bucketArn)),
  Lanes: {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      TableName: "lanes",
      AttributeDefinitions: [
        { AttributeName: "lane", AttributeType: "S" },
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "place", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "lane", KeyType: "HASH" },
        { AttributeName: "id", KeyType: "RANGE" },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: "queue",
          KeySchema: [
            { AttributeName: "lane", KeyType: "HASH" },
            { AttributeName: "place", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    },
  },
  OfIndex: roleWith(allow("dynamodb:Query", `${lanesArn}/index/queue`)),
  OfBoth: roleWith(allow("dynamodb:Query", [`${lanesArn}/index/queue`, lanesArn])),
  Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "requests" } },
  Elsewhere: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "elsewhere" } },
  Stranger: { Type: "AWS::IAM::Role" },
  Submitter: { Type: "AWS::IAM::Role" },
  SubmitterPolicy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: ["Submitter"],
      PolicyDocument: {
        Statement: [
          allow("dynamodb:Query", `${tableArn}/index/byId`),
          allow("dynamodb:BatchWriteItem", tableArn),
          allow(
            ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"],
            "arn:aws:scheduler:us-east-1:000000000000:schedule/requests/*",
          ),
          {
            ...allow("iam:PassRole", role("Timer")),
            Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
          },
        ],
      },
    },
  },
});

async function asFunction() {
  const { aws, logged } = await running(template);
  aws.registerCaller("AKIACONSUME", { name: "Consume", roleId: "Role" });
  return { aws, logged, ...clientsOf(aws.url, "AKIACONSUME") };
}

const denied = (action: string) => ({
  name: "AccessDeniedException",
  message: expect.stringContaining(`is not authorized to perform: ${action} on resource: arn:aws:`),
});

test("A call is allowed by an exact ARN and action and by a trailing wildcard", async () => {
  const { aws, sqs, events, dynamodb } = await asFunction();
  const message = { MessageBody: "x", QueueUrl: queueUrl(aws, "Work") };
  await sqs.send(new SendMessageCommand(message));
  const batch = { QueueUrl: queueUrl(aws, "Work"), Entries: [{ Id: "a", MessageBody: "x" }] };
  await sqs.send(new SendMessageBatchCommand(batch));
  await sqs.send(new SendMessageCommand({ ...message, QueueUrl: queueUrl(aws, "Other") }));
  const entry = { EventBusName: "pipeline", Source: "a", DetailType: "b", Detail: "{}" };
  await events.send(new PutEventsCommand({ Entries: [entry] }));
  await dynamodb.send(new GetItemCommand({ TableName: "events", Key: { id: { S: "x" } } }));
  expect(true).toBe(true);
});

test("A denied call names the role, the function, the action and the resource, and is logged", async () => {
  const { aws, logged, sqs } = await asFunction();
  const QueueUrl = queueUrl(aws, "Work");
  const call = sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "x" }));
  const explicit = `User: arn:aws:sts::000000000000:assumed-role/Role/Consume is not authorized to perform: sqs:DeleteMessage on resource: ${queueArn("Work")}`;
  await expect(call).rejects.toMatchObject({
    ...denied("sqs:DeleteMessage"),
    message: expect.stringContaining(explicit),
  });
  expect(logged.join()).toContain(explicit);
});

test("Every service denies a call that no policy allows", async () => {
  const { dynamodb, events, secrets, scheduler } = await asFunction();
  const query = {
    TableName: "events",
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": { S: "x" } },
  };
  await dynamodb.send(new QueryCommand({ ...query, IndexName: "byId" }));
  const whole = dynamodb.send(new QueryCommand(query));
  await expect(whole).rejects.toMatchObject(denied("dynamodb:Query"));
  const entry = { Source: "a", DetailType: "b", Detail: "{}" };
  const defaultBus = events.send(new PutEventsCommand({ Entries: [entry] }));
  await expect(defaultBus).rejects.toMatchObject(denied("events:PutEvents"));
  const secret = secrets.send(new GetSecretValueCommand({ SecretId: "m" }));
  await expect(secret).rejects.toMatchObject(denied("secretsmanager:GetSecretValue"));
  const schedule = scheduler.send(
    new CreateScheduleCommand({
      Name: "x",
      ScheduleExpression: "rate(1 hour)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: queueArn("Work"), RoleArn: role("Timer") },
    }),
  );
  await expect(schedule).rejects.toMatchObject(denied("iam:PassRole"));
});

const schedule = (GroupName: string, passed = "Timer") => ({
  Name: "due",
  GroupName,
  ScheduleExpression: "at(2099-01-01T00:00:00)",
  FlexibleTimeWindow: { Mode: "OFF" as const },
  Target: { Arn: queueArn("Work"), RoleArn: role(passed) },
});

test("Schedules can be created and deleted only in the allowed group and with the allowed role", async () => {
  const { aws } = await running(template);
  aws.registerCaller("AKIASUBMIT", { name: "Submit", roleId: "Submitter" });
  const { scheduler } = clientsOf(aws.url, "AKIASUBMIT");
  const create = (...parameters: Parameters<typeof schedule>) =>
    scheduler.send(new CreateScheduleCommand(schedule(...parameters)));
  const remove = (GroupName: string) =>
    scheduler.send(new DeleteScheduleCommand({ Name: "due", GroupName }));
  await expect(create("requests", "Stranger")).rejects.toMatchObject(denied("iam:PassRole"));
  await expect(create("elsewhere")).rejects.toMatchObject(denied("scheduler:CreateSchedule"));
  await create("requests");
  await expect(remove("elsewhere")).rejects.toMatchObject(denied("scheduler:DeleteSchedule"));
  await remove("requests");
});

test("An index needs a grant by name, and a batch a grant of its own action", async () => {
  const { aws } = await running(template);
  aws.registerCaller("AKIASUBMIT", { name: "Submit", roleId: "Submitter" });
  const { dynamodb } = clientsOf(aws.url, "AKIASUBMIT");
  const item = { id: { S: "x" } };
  const RequestItems = { events: [{ PutRequest: { Item: item } }] };
  await dynamodb.send(new BatchWriteItemCommand({ RequestItems }));
  const put = dynamodb.send(new PutItemCommand({ TableName: "events", Item: item }));
  await expect(put).rejects.toMatchObject(denied("dynamodb:PutItem"));
  const query = (IndexName: string) =>
    dynamodb.send(
      new QueryCommand({
        TableName: "events",
        IndexName,
        KeyConditionExpression: "id = :id",
        ExpressionAttributeValues: { ":id": { S: "x" } },
      }),
    );
  expect((await query("byId")).Count).toBe(1);
  await expect(query("other")).rejects.toMatchObject(denied("dynamodb:Query"));
});

test("A denied S3 call gets the XML error of S3", async () => {
  const { aws, s3 } = await asFunction();
  const outside = clientsOf(aws.url).s3;
  const object = { Bucket: "bodies", Key: "in/é 1.json" };
  await outside.send(new PutObjectCommand({ ...object, Body: "hello" }));
  const got = await s3.send(new GetObjectCommand(object));
  expect(await got.Body?.transformToString()).toBe("hello");
  const put = s3.send(new PutObjectCommand({ ...object, Body: "x" }));
  await expect(put).rejects.toMatchObject({
    name: "AccessDenied",
    $metadata: { httpStatusCode: 403 },
  });
  const other = s3.send(new GetObjectCommand({ ...object, Key: "out/1" }));
  await expect(other).rejects.toMatchObject({ name: "AccessDenied" });
});

test("S3 answers 403 for an object that it does not have to a caller that may not list the bucket", async () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  const { aws, s3 } = await asFunction();
  const gone = { Bucket: "bodies", Key: "in/gone" };
  await expect(s3.send(new GetObjectCommand(gone))).rejects.toMatchObject({
    name: "AccessDenied",
    message: expect.stringContaining("s3:ListBucket"),
    $metadata: { httpStatusCode: 403 },
  });
  const head = s3.send(new HeadObjectCommand(gone));
  await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  aws.registerCaller("AKIALISTER", { name: "Lister", roleId: "Lister" });
  for (const { s3 } of [clientsOf(aws.url, "AKIALISTER"), clientsOf(aws.url)]) {
    const missing = s3.send(new GetObjectCommand(gone));
    await expect(missing).rejects.toMatchObject({ name: "NoSuchKey" });
  }
});

test("The query of a local index needs a grant on the index and on its table", async () => {
  const { aws } = await running(template);
  const query = (roleId: string) => {
    aws.registerCaller(roleId, { name: roleId, roleId });
    return clientsOf(aws.url, roleId).dynamodb.send(
      new QueryCommand({
        TableName: "lanes",
        IndexName: "queue",
        Select: "ALL_ATTRIBUTES",
        KeyConditionExpression: "lane = :lane",
        ExpressionAttributeValues: { ":lane": { S: "x" } },
      }),
    );
  };
  await expect(query("OfIndex")).rejects.toMatchObject(denied("dynamodb:Query"));
  expect((await query("OfBoth")).Count).toBe(0);
});

test("A caller that is not registered is not checked", async () => {
  const { aws } = await running(template);
  const { sqs, secrets } = clientsOf(aws.url);
  await sqs.send(new SendMessageCommand({ MessageBody: "x", QueueUrl: queueUrl(aws, "Work") }));
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: "m" }));
  expect(SecretString).toBe("s");
});

const reserved = {
  Effect: "Deny",
  Principal: "*",
  Action: "events:PutEvents",
  Resource: "arn:aws:events:us-east-1:000000000000:event-bus/pipeline",
  Condition: {
    "ForAnyValue:StringEquals": { "events:source": "ackwire" },
    ArnNotEquals: { "aws:PrincipalArn": [role("publisher")] },
    Null: { "aws:PrincipalArn": "false" },
  },
};
const busWith = (Statement: object) =>
  templateOf({
    Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "pipeline" } },
    Publisher: {
      Type: "AWS::IAM::Role",
      Properties: {
        RoleName: "publisher",
        Policies: [{ PolicyDocument: { Statement: allow("events:PutEvents", reserved.Resource) } }],
      },
    },
    Policy: { Type: "AWS::Events::EventBusPolicy", Properties: { Statement } },
  });

test("A bus policy denies a source to every caller but the roles that it names", async () => {
  const { aws, logged } = await running(busWith(reserved));
  aws.registerCaller("AKIAPUBLISHER", { name: "Consume", roleId: "Publisher" });
  const put = (accessKeyId: string, sources: string[], EventBusName = "pipeline") =>
    clientsOf(aws.url, accessKeyId).events.send(
      new PutEventsCommand({
        Entries: sources.map((Source) => ({ EventBusName, Source, DetailType: "a", Detail: "{}" })),
      }),
    );
  expect(await put("AKIAPUBLISHER", ["ackwire"])).toMatchObject({ FailedEntryCount: 0 });
  expect(await put("anyone", ["another"])).toMatchObject({ FailedEntryCount: 0 });
  expect(await put("anyone", ["ackwire"], "default")).toMatchObject({ FailedEntryCount: 0 });
  await expect(put("anyone", ["another", "ackwire"])).rejects.toMatchObject({
    ...denied("events:PutEvents"),
    message: expect.stringContaining("explicit deny in a resource-based policy"),
  });
  expect(logged.join()).toContain("explicit deny");
});

test("A bus policy that is not evaluated stops the start and is named", async () => {
  await expect(running(busWith({ ...reserved, Effect: "Allow" }))).rejects.toThrow("Policy");
});
