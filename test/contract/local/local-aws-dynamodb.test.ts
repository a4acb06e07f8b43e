import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import type { Written } from "../../../local/aws/dynamodb/dynalite.ts";
import { clientsOf, running, templateOf, temporaryDirectory } from "./local-aws-fixture.ts";

const events = {
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName: "events",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "id", AttributeType: "S" },
      { AttributeName: "outboxShard", AttributeType: "S" },
      { AttributeName: "at", AttributeType: "N" },
    ],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: "outbox",
        KeySchema: [
          { AttributeName: "outboxShard", KeyType: "HASH" },
          { AttributeName: "at", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
    TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  },
};
const template = templateOf({ Events: events });

async function tables() {
  const { aws } = await running(template);
  return clientsOf(aws.url).dynamodb;
}

const item = (id: string, more = {}) => ({ TableName: "events", Item: { id: { S: id }, ...more } });
const outboxQuery = new QueryCommand({
  TableName: "events",
  IndexName: "outbox",
  KeyConditionExpression: "outboxShard = :shard",
  ExpressionAttributeValues: { ":shard": { S: "0" } },
});

test("A failed condition returns the item that it was evaluated on when the caller requests it", async () => {
  const client = await tables();
  await client.send(new PutItemCommand(item("a", { owner: { S: "first" } })));
  const again = {
    ...item("a", { owner: { S: "second" } }),
    ConditionExpression: "attribute_not_exists(id)",
  };
  const withItem = { ...again, ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const };
  const error = await client.send(new PutItemCommand(withItem)).catch((caught) => caught);
  expect(error).toBeInstanceOf(ConditionalCheckFailedException);
  expect(error.Item).toEqual({ id: { S: "a" }, owner: { S: "first" } });
  const plain = await client.send(new PutItemCommand(again)).catch((caught) => caught);
  expect(plain.name).toBe("ConditionalCheckFailedException");
  expect(plain.Item).toBeUndefined();
});

test("One of many concurrent claims succeeds, and every other one returns the winning item", async () => {
  const client = await tables();
  const claim = (owner: string) =>
    client.send(
      new UpdateItemCommand({
        TableName: "events",
        Key: { id: { S: "raced" } },
        UpdateExpression: "SET #owner = :owner",
        ConditionExpression: "attribute_not_exists(#owner)",
        ExpressionAttributeNames: { "#owner": "owner" },
        ExpressionAttributeValues: { ":owner": { S: owner } },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  const owners = Array.from({ length: 50 }, (_, index) => `worker-${index}`);
  const results = await Promise.allSettled(owners.map(claim));
  const winner = owners.filter((_, index) => results[index]?.status === "fulfilled");
  expect(winner).toHaveLength(1);
  for (const result of results) {
    if (result.status === "rejected") {
      expect(result.reason.Item.owner).toEqual({ S: winner[0] });
    }
  }
});

test.for([
  { condition: "gone <= goneToo", holds: false },
  { condition: "gone = goneToo", holds: false },
  { condition: "blank <= gone", holds: false },
  { condition: "blank IN (gone, :empty)", holds: true },
  { condition: "blank IN (:other, gone)", holds: false },
  { condition: "NOT blank IN (:other)", holds: true },
  { condition: "blank BETWEEN :empty AND :other", holds: true },
  { condition: "blank BETWEEN :empty AND gone", holds: false },
  { condition: "isSet IN (:no)", holds: true },
  { condition: "size(gone) >= :zero", holds: false },
])("The condition $condition is $holds, as on AWS", async ({ condition, holds }) => {
  const client = await tables();
  const stored = { blank: { S: "" }, isSet: { BOOL: false } };
  await client.send(new PutItemCommand(item("a", stored)));
  const given = {
    ":empty": { S: "" },
    ":other": { S: "x" },
    ":no": { BOOL: false },
    ":zero": { N: "0" },
  };
  const put = new PutItemCommand({
    ...item("a", stored),
    ConditionExpression: condition,
    ...(condition.includes(":") && {
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(given).filter(([name]) => condition.includes(name)),
      ),
    }),
  });
  const result = await client.send(put).then(
    () => true,
    (error: Error) => error.name,
  );
  expect(result).toBe(holds || "ConditionalCheckFailedException");
});

test("A query of a table, which projects nothing, is refused the attributes that an index projects", async () => {
  const client = await tables();
  const query = {
    TableName: "events",
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": { S: "a" } },
    Select: "ALL_PROJECTED_ATTRIBUTES" as const,
  };
  await expect(client.send(new QueryCommand(query))).rejects.toMatchObject({
    name: "ValidationException",
  });
});

test("A sparse index contains exactly the items that have its key", async () => {
  const client = await tables();
  for (const [index, id] of ["late", "early"].entries()) {
    const at = { N: String(2 - index) };
    await client.send(new PutItemCommand(item(id, { outboxShard: { S: "0" }, at })));
  }
  await client.send(new PutItemCommand(item("published")));
  const found = await client.send(outboxQuery);
  expect(found.Items?.map((each) => each.id?.S)).toEqual(["early", "late"]);
  await client.send(
    new UpdateItemCommand({
      TableName: "events",
      Key: { id: { S: "early" } },
      UpdateExpression: "REMOVE outboxShard, #at",
      ExpressionAttributeNames: { "#at": "at" },
    }),
  );
  expect((await client.send(outboxQuery)).Items?.map((each) => each.id?.S)).toEqual(["late"]);
});

test("A batch writes items and their index entries", async () => {
  const client = await tables();
  const requests = Array.from({ length: 25 }, (_, index) => ({
    PutRequest: {
      Item: { id: { S: `b${index}` }, outboxShard: { S: "0" }, at: { N: `${index}` } },
    },
  }));
  await client.send(new BatchWriteItemCommand({ RequestItems: { events: requests } }));
  const found = await client.send(outboxQuery);
  expect(found.Items?.map((each) => each.id?.S)).toEqual(requests.map((_, index) => `b${index}`));
});

test("DescribeTimeToLive returns the setting, and an expired item stays readable", async () => {
  const client = await tables();
  const describe = new DescribeTimeToLiveCommand({ TableName: "events" });
  expect((await client.send(describe)).TimeToLiveDescription).toEqual({
    TimeToLiveStatus: "ENABLED",
    AttributeName: "expiresAt",
  });
  await client.send(new PutItemCommand(item("old", { expiresAt: { N: "1" } })));
  const got = await client.send(
    new GetItemCommand({ TableName: "events", Key: { id: { S: "old" } } }),
  );
  expect(got.Item?.expiresAt).toEqual({ N: "1" });
  const off = { AttributeName: "expiresAt", Enabled: false };
  await client.send(
    new UpdateTimeToLiveCommand({ TableName: "events", TimeToLiveSpecification: off }),
  );
  expect((await client.send(describe)).TimeToLiveDescription?.TimeToLiveStatus).toBe("DISABLED");
});

test("A table is active at once and has an ARN in AWS's format", async () => {
  const client = await tables();
  const { Table } = await client.send(new DescribeTableCommand({ TableName: "events" }));
  expect(Table?.TableStatus).toBe("ACTIVE");
  expect(Table?.TableArn).toBe("arn:aws:dynamodb:us-east-1:000000000000:table/events");
});

test("A call on an unknown table fails as on AWS", async () => {
  const client = await tables();
  const get = new GetItemCommand({ TableName: "nowhere", Key: { id: { S: "x" } } });
  await expect(client.send(get)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("A data directory whose table has other keys is rejected, and the error names the table", async () => {
  const dataDir = temporaryDirectory();
  const first = await running(template, { dataDir });
  await first.close();
  const changed = { ...events.Properties, GlobalSecondaryIndexes: undefined };
  const other = templateOf({ Events: { ...events, Properties: changed } });
  await expect(running(other, { dataDir })).rejects.toThrow(/Events.*data directory/);
});

test("A global index shows a write after the lag that the run was given, and the table at once", async () => {
  const dataDir = temporaryDirectory();
  const { aws, close } = await running(template, { indexLagMs: 1_500, dataDir });
  const client = clientsOf(aws.url).dynamodb;
  const indexed = async () => (await client.send(outboxQuery)).Items?.map(({ id }) => id?.S);
  const due = { outboxShard: { S: "0" }, at: { N: "1" } };
  const putMs = performance.now();
  await client.send(new PutItemCommand(item("a", due)));
  const atOnce = await indexed();
  const tookMs = performance.now() - putMs;
  // A machine that takes longer than the lag proves nothing here.
  if (tookMs < 1_000) expect(atOnce).toEqual([]);
  const Key = { id: { S: "a" } };
  expect((await client.send(new GetItemCommand({ TableName: "events", Key }))).Item).toBeDefined();
  await expect.poll(indexed).toEqual(["a"]);
  // The writes of the index keep their order, and closing the run applies what is left.
  await client.send(new PutItemCommand(item("b", due)));
  await client.send(new PutItemCommand(item("a")));
  await client.send(new PutItemCommand(item("a", due)));
  await client.send(new PutItemCommand(item("a")));
  await close();
  const next = clientsOf((await running(template, { dataDir })).aws.url).dynamodb;
  expect((await next.send(outboxQuery)).Items?.map(({ id }) => id?.S)).toEqual(["b"]);
});

test("A listener hears every item that was written, with the one before it, and no write that was refused", async () => {
  const heard: Written[] = [];
  const { aws } = await running(template, { onWritten: (written) => heard.push(written) });
  const client = clientsOf(aws.url).dynamodb;
  await client.send(new PutItemCommand(item("a")));
  await client.send(
    new UpdateItemCommand({
      TableName: "events",
      Key: { id: { S: "a" } },
      UpdateExpression: "SET seenAt = :at",
      ExpressionAttributeValues: { ":at": { N: "1" } },
    }),
  );
  const again = { ...item("a"), ConditionExpression: "attribute_not_exists(id)" };
  await expect(client.send(new PutItemCommand(again))).rejects.toThrow();
  const deletion = { DeleteRequest: { Key: { id: { S: "a" } } } };
  const put = { PutRequest: { Item: { id: { S: "b" } } } };
  await client.send(new BatchWriteItemCommand({ RequestItems: { events: [deletion, put] } }));
  const first = { id: { S: "a" } };
  const second = { ...first, seenAt: { N: "1" } };
  const ofItem = (id: string) =>
    heard.filter(({ before, after }) => (after ?? before)?.id?.S === id);
  expect(ofItem("a")).toEqual([
    { table: "events", before: undefined, after: first },
    { table: "events", before: first, after: second },
    { table: "events", before: second, after: undefined },
  ]);
  expect(ofItem("b")).toEqual([{ table: "events", before: undefined, after: { id: { S: "b" } } }]);
});
