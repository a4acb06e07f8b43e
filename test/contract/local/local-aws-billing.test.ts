import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import type { BilledUnit } from "../../../local/aws/billing/billed-units.ts";
import { clientsOf, queueArn, queueUrl, running, templateOf } from "./local-aws-fixture.ts";

const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
const TableName = "items";

const template = templateOf({
  Items: {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      TableName,
      AttributeDefinitions: ["lane", "id", "laneKey", "clientId"].map(attribute),
      KeySchema: [key("lane", "HASH"), key("id", "RANGE")],
      LocalSecondaryIndexes: [
        {
          IndexName: "queue",
          KeySchema: [key("lane", "HASH"), key("laneKey", "RANGE")],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byClient",
          KeySchema: [key("clientId", "HASH")],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status"] },
        },
      ],
    },
  },
  Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "bus" } },
  Rule: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventBusName: "bus",
      EventPattern: { source: ["a"] },
      Targets: [{ Id: "work", Arn: queueArn("Work") }],
    },
  },
  Work: { Type: "AWS::SQS::Queue" },
  Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "bodies" } },
});

const pad = (length: number) => ({ S: "x".repeat(length) });
const keyOf = (id: string) => ({ lane: { S: "a" }, id: { S: id } });
const itemOf = (id: string, bytes: number) => ({ ...keyOf(id), text: pad(bytes) });

async function started() {
  const { aws } = await running(template);
  let before = new Map<string, number>();
  const keyOfUnit = ({ operation, item, resource }: BilledUnit) =>
    `${operation} ${item}${resource === undefined ? "" : ` ${resource}`}`;
  /** What was billed since it was last asked. */
  const billed = () => {
    const now = new Map(aws.billed.list().map((unit) => [keyOfUnit(unit), unit.units]));
    const since = [...now].map(([name, units]) => [name, units - (before.get(name) ?? 0)] as const);
    before = now;
    return Object.fromEntries(since.filter(([, units]) => units !== 0));
  };
  return { aws, ...clientsOf(aws.url), billed };
}

test("A write is billed for its table and for each index that it changes", async () => {
  const { dynamodb, billed } = await started();
  const Item = { ...itemOf("1", 1_500), laneKey: { S: "w" }, clientId: { S: "c" } };
  await dynamodb.send(new PutItemCommand({ TableName, Item }));
  expect(billed()).toEqual({
    "dynamodb:PutItem dynamodb.write items": 2,
    "dynamodb:PutItem dynamodb.write items/byClient": 1,
    "dynamodb:PutItem dynamodb.write items/queue": 1,
  });
  const update = (UpdateExpression: string, values: object = {}) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: keyOf("1"),
        UpdateExpression,
        ...values,
      }),
    );
  await update("SET more = :o", { ExpressionAttributeValues: { ":o": { S: "1" } } });
  expect(billed()).toEqual({ "dynamodb:UpdateItem dynamodb.write items": 2 });
  await update("REMOVE laneKey");
  expect(billed()).toEqual({
    "dynamodb:UpdateItem dynamodb.write items": 2,
    "dynamodb:UpdateItem dynamodb.write items/queue": 1,
  });
  await update("SET clientId = :c", { ExpressionAttributeValues: { ":c": { S: "d" } } });
  expect(billed()).toEqual({
    "dynamodb:UpdateItem dynamodb.write items": 2,
    "dynamodb:UpdateItem dynamodb.write items/byClient": 2,
  });
  await dynamodb.send(new DeleteItemCommand({ TableName, Key: keyOf("1") }));
  expect(billed()).toEqual({
    "dynamodb:DeleteItem dynamodb.write items": 2,
    "dynamodb:DeleteItem dynamodb.write items/byClient": 1,
  });
});

test("A failed condition is billed for the item that exists, and an invalid call is not", async () => {
  const { dynamodb, billed } = await started();
  await dynamodb.send(new PutItemCommand({ TableName, Item: itemOf("1", 2_500) }));
  billed();
  const ConditionExpression = "attribute_not_exists(id)";
  const again = new PutItemCommand({ TableName, Item: itemOf("1", 10), ConditionExpression });
  await expect(dynamodb.send(again)).rejects.toThrow("conditional");
  expect(billed()).toEqual({ "dynamodb:PutItem dynamodb.write items": 3 });
  const invalid = new PutItemCommand({ TableName, Item: { lane: { S: "a" } } });
  await expect(dynamodb.send(invalid)).rejects.toThrow("key");
  expect(billed()).toEqual({});
});

test("A query of a local index is billed for its entries and for each item that it fetches", async () => {
  const { dynamodb, billed } = await started();
  for (const id of ["1", "2", "3"]) {
    const Item = { ...itemOf(id, 5_000), laneKey: { S: id } };
    await dynamodb.send(new PutItemCommand({ TableName, Item }));
  }
  billed();
  const query = {
    TableName,
    IndexName: "queue",
    ConsistentRead: true,
    KeyConditionExpression: "lane = :lane",
    ExpressionAttributeValues: { ":lane": { S: "a" } },
  };
  await dynamodb.send(new QueryCommand({ ...query, Limit: 2 }));
  expect(billed()).toEqual({ "dynamodb:Query dynamodb.read items/queue": 1 });
  await dynamodb.send(new QueryCommand({ ...query, Select: "ALL_ATTRIBUTES" }));
  expect(billed()).toEqual({
    "dynamodb:Query dynamodb.read items/queue": 1,
    "dynamodb:Query dynamodb.read items": 6,
  });
});

/** Each of these is run once; the emulator's own count is compared with what is billed. */
const compared = {
  "a put": () => new PutItemCommand({ TableName, Item: itemOf("9", 1_700), ...asked }),
  "a put that replaces": () => new PutItemCommand({ TableName, Item: itemOf("1", 10), ...asked }),
  "an update": () =>
    new UpdateItemCommand({
      TableName,
      Key: keyOf("2"),
      UpdateExpression: "SET n = :n, m = :m",
      ExpressionAttributeValues: { ":n": { N: "-12.75" }, ":m": { M: { a: { BOOL: true } } } },
      ...asked,
    }),
  "a deletion": () => new DeleteItemCommand({ TableName, Key: keyOf("2"), ...asked }),
  "a batch of writes": () =>
    new BatchWriteItemCommand({
      RequestItems: {
        [TableName]: [
          { PutRequest: { Item: itemOf("8", 500) } },
          { PutRequest: { Item: itemOf("7", 3_500) } },
          { DeleteRequest: { Key: keyOf("1") } },
        ],
      },
      ...asked,
    }),
  "a read": () => new GetItemCommand({ TableName, Key: keyOf("3"), ...asked }),
  "a read of a projection": () =>
    new GetItemCommand({ TableName, Key: keyOf("3"), ProjectionExpression: "id", ...asked }),
  "a read of nothing": () => new GetItemCommand({ TableName, Key: keyOf("no"), ...asked }),
  "a batch of reads": () =>
    new BatchGetItemCommand({
      RequestItems: {
        [TableName]: { Keys: [keyOf("1"), keyOf("3"), keyOf("no")], ConsistentRead: true },
      },
      ...asked,
    }),
  "a query with a limit and a filter": () =>
    new QueryCommand({
      TableName,
      KeyConditionExpression: "lane = :lane",
      FilterExpression: "more = :no",
      ExpressionAttributeValues: { ":lane": { S: "a" }, ":no": { S: "no" } },
      Limit: 2,
      ...asked,
    }),
  "a scan": () => new ScanCommand({ TableName, ConsistentRead: true, ...asked }),
};
const asked = { ReturnConsumedCapacity: "INDEXES" } as const;

test.each(Object.keys(compared) as (keyof typeof compared)[])(
  "For %s the emulator's own count of the table is the billed one",
  async (name) => {
    const { dynamodb, billed } = await started();
    const sizes = { 1: 3_000, 2: 900, 3: 9_000 };
    for (const [id, bytes] of Object.entries(sizes)) {
      await dynamodb.send(new PutItemCommand({ TableName, Item: itemOf(id, bytes) }));
    }
    billed();
    const { ConsumedCapacity } = await dynamodb.send(compared[name]() as PutItemCommand);
    const [counted] = [ConsumedCapacity].flat();
    expect(counted?.CapacityUnits).toBeGreaterThan(0);
    expect(Object.values(billed())).toEqual([counted?.CapacityUnits]);
  },
);

test("The emulator counts less than DynamoDB for characters beyond ASCII, indexes and empty queries", async () => {
  const { dynamodb, billed } = await started();
  // dynalite counts UTF-16 units, where DynamoDB counts the bytes of UTF-8.
  const wide = { ...keyOf("1"), text: { S: "€".repeat(600) }, clientId: { S: "c" } };
  const put = await dynamodb.send(new PutItemCommand({ TableName, Item: wide, ...asked }));
  expect(put.ConsumedCapacity?.CapacityUnits).toBe(1);
  expect(billed()).toEqual({
    "dynamodb:PutItem dynamodb.write items": 2,
    "dynamodb:PutItem dynamodb.write items/byClient": 1,
  });
  const empty = await dynamodb.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: "lane = :lane",
      ExpressionAttributeValues: { ":lane": { S: "no" } },
      ...asked,
    }),
  );
  expect(empty.ConsumedCapacity?.CapacityUnits).toBe(0);
  expect(billed()).toEqual({ "dynamodb:Query dynamodb.read items": 0.5 });
});

test("Events, their delivery to a queue, messages and objects are billed", async () => {
  const { aws, events, sqs, s3, billed } = await started();
  const entry = { EventBusName: "bus", Source: "a", DetailType: "t", Detail: "{}" };
  await events.send(new PutEventsCommand({ Entries: [entry, entry] }));
  expect(billed()).toEqual({
    "events:PutEvents events.event bus": 2,
    "events:PutEvents events.archivedByte bus": 8,
    "sqs:SendMessage sqs.request Work": 2,
  });
  const QueueUrl = queueUrl(aws, "Work");
  const Entries = ["1", "2"].map((Id) => ({ Id, MessageBody: "x".repeat(40_000) }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  expect(billed()).toEqual({ "sqs:SendMessageBatch sqs.request Work": 2 });
  const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
  await sqs.send(receive);
  await sqs.send(receive);
  expect(billed()).toEqual({
    "sqs:ReceiveMessage sqs.request Work": 2,
    "sqs:ReceiveMessage sqs.emptyReceive Work": 1,
  });
  await s3.send(new PutObjectCommand({ Bucket: "bodies", Key: "k", Body: "b" }));
  expect(billed()).toEqual({ "s3:PUT s3.put": 1 });
});
