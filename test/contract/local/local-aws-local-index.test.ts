import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { clientsOf, running, templateOf, temporaryDirectory } from "./local-aws-fixture.ts";

const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
const attribute = (AttributeName: string, AttributeType: string) => ({
  AttributeName,
  AttributeType,
});

/** The shape of the requests table: the queue of a lane is a strongly consistent index. */
const requests = {
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName: "requests",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      attribute("lane", "S"),
      attribute("id", "S"),
      attribute("laneKey", "S"),
      attribute("leanKey", "S"),
      attribute("clientId", "S"),
      attribute("listedAs", "S"),
    ],
    KeySchema: [key("lane", "HASH"), key("id", "RANGE")],
    LocalSecondaryIndexes: [
      {
        IndexName: "queue",
        KeySchema: [key("lane", "HASH"), key("laneKey", "RANGE")],
        Projection: { ProjectionType: "ALL" },
      },
      {
        IndexName: "lean",
        KeySchema: [key("lane", "HASH"), key("leanKey", "RANGE")],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status"] },
      },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: "byClient",
        KeySchema: [key("clientId", "HASH"), key("listedAs", "RANGE")],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status"] },
      },
    ],
  },
};
const template = templateOf({ Requests: requests });

type Values = Record<string, string>;
const marshalled = (values: Values) =>
  Object.fromEntries(Object.entries(values).map(([name, S]) => [name, { S }]));
const put = (values: Values) =>
  new PutItemCommand({ TableName: "requests", Item: marshalled(values) });

/** Returns the items of the lane `a` in the order of the index. */
const queueOf = (more: Partial<QueryCommandInput> = {}) =>
  new QueryCommand({
    TableName: "requests",
    IndexName: "queue",
    ConsistentRead: true,
    KeyConditionExpression: "lane = :lane",
    ExpressionAttributeValues: { ":lane": { S: "a" } },
    ...more,
  });

async function table(dataDir?: string) {
  const { aws, close } = await running(template, dataDir === undefined ? {} : { dataDir });
  const client = clientsOf(aws.url).dynamodb;
  const ids = async (more?: Partial<QueryCommandInput>) =>
    (await client.send(queueOf(more))).Items?.map(({ id }) => id?.S);
  return { client, ids, close };
}

test("A local index lists the items of a partition by its sort key and omits items without that key", async () => {
  const { client, ids } = await table();
  await client.send(put({ lane: "a", id: "second", laneKey: "wait#2" }));
  await client.send(put({ lane: "a", id: "first", laneKey: "wait#1" }));
  await client.send(put({ lane: "a", id: "held", laneKey: "held#9" }));
  await client.send(put({ lane: "a", id: "lane" }));
  await client.send(put({ lane: "b", id: "other", laneKey: "wait#0" }));
  expect(await ids()).toEqual(["held", "first", "second"]);
  const waiting = {
    KeyConditionExpression: "lane = :lane AND begins_with(laneKey, :wait)",
    ExpressionAttributeValues: { ":lane": { S: "a" }, ":wait": { S: "wait#" } },
  };
  expect(await ids({ ...waiting, Limit: 1 })).toEqual(["first"]);
  expect(await ids({ ...waiting, ScanIndexForward: false })).toEqual(["second", "first"]);
});

test("A local index returns items with the same sort key across pages", async () => {
  const { client } = await table();
  for (const id of ["x", "y"]) await client.send(put({ lane: "a", id, laneKey: "wait#1" }));
  const first = await client.send(queueOf({ Limit: 1 }));
  const second = await client.send(
    queueOf({ Limit: 1, ExclusiveStartKey: first.LastEvaluatedKey }),
  );
  expect([first, second].map(({ Items }) => Items?.[0]?.id?.S).sort()).toEqual(["x", "y"]);
});

test("A local index that projects all attributes returns them and reflects a conditional update at once", async () => {
  const { client, ids } = await table();
  await client.send(put({ lane: "a", id: "1", laneKey: "wait#1", status: "QUEUED" }));
  const move = (from: string, to: string) =>
    client.send(
      new UpdateItemCommand({
        TableName: "requests",
        Key: marshalled({ lane: "a", id: "1" }),
        UpdateExpression: "SET #status = :to, laneKey = :laneKey",
        ConditionExpression: "#status = :from",
        ExpressionAttributeNames: { "#status": "status" },
        ExpressionAttributeValues: marshalled({ ":from": from, ":to": to, ":laneKey": "held#1" }),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  await move("QUEUED", "SUBMITTING");
  const { Items } = await client.send(queueOf());
  expect(Items).toEqual([
    marshalled({ lane: "a", id: "1", laneKey: "held#1", status: "SUBMITTING" }),
  ]);
  await expect(move("QUEUED", "SUBMITTING")).rejects.toMatchObject({
    name: "ConditionalCheckFailedException",
    Item: { status: { S: "SUBMITTING" } },
  });
  await client.send(
    new UpdateItemCommand({
      TableName: "requests",
      Key: marshalled({ lane: "a", id: "1" }),
      UpdateExpression: "REMOVE laneKey",
    }),
  );
  expect(await ids()).toEqual([]);
});

test("A local index with fewer attributes reads the others from the table when they are requested", async () => {
  const { client } = await table();
  const item = { lane: "a", id: "1", leanKey: "1", params: "large" };
  await client.send(put(item));
  const lean = { IndexName: "lean" };
  const { params, ...held } = item;
  expect((await client.send(queueOf(lean))).Items).toEqual([marshalled(held)]);
  const whole = await client.send(queueOf({ ...lean, Select: "ALL_ATTRIBUTES" }));
  expect(whole.Items).toEqual([marshalled(item)]);
});

test("An item and its entry in a local index are limited to 400 KB together", async () => {
  const { client, ids } = await table();
  const params = "x".repeat(250_000);
  const tooLarge = {
    name: "ValidationException",
    message: "Item size has exceeded the maximum allowed size",
  };
  const twice = client.send(put({ lane: "a", id: "1", laneKey: "wait#1", params }));
  await expect(twice).rejects.toMatchObject(tooLarge);
  expect(await ids()).toEqual([]);
  await client.send(put({ lane: "a", id: "1", leanKey: "1", params }));
  const join = client.send(
    new UpdateItemCommand({
      TableName: "requests",
      Key: marshalled({ lane: "a", id: "1" }),
      UpdateExpression: "SET laneKey = :laneKey",
      ExpressionAttributeValues: marshalled({ ":laneKey": "wait#1" }),
    }),
  );
  await expect(join).rejects.toMatchObject(tooLarge);
  expect(await ids()).toEqual([]);
});

test("An index that includes some attributes returns them and its keys", async () => {
  const { client } = await table();
  const listed = { lane: "a", id: "1", clientId: "c", listedAs: "1#1", status: "QUEUED" };
  await client.send(put({ ...listed, params: "large" }));
  const byClient = new QueryCommand({
    TableName: "requests",
    IndexName: "byClient",
    KeyConditionExpression: "clientId = :client",
    ExpressionAttributeValues: { ":client": { S: "c" } },
  });
  expect((await client.send(byClient)).Items).toEqual([marshalled(listed)]);
});

test("A strongly consistent read is possible on a local index only", async () => {
  const { client } = await table();
  const query = queueOf({
    IndexName: "byClient",
    KeyConditionExpression: "clientId = :lane",
  });
  await expect(client.send(query)).rejects.toMatchObject({ name: "ValidationException" });
});

test("Batches write and read items by partition key and sort key", async () => {
  const { client, ids } = await table();
  const item = (id: string) => ({ lane: "a", id, laneKey: `wait#${id}` });
  await client.send(
    new BatchWriteItemCommand({
      RequestItems: {
        requests: ["1", "2", "3"].map((id) => ({ PutRequest: { Item: marshalled(item(id)) } })),
      },
    }),
  );
  expect(await ids()).toEqual(["1", "2", "3"]);
  const { Responses } = await client.send(
    new BatchGetItemCommand({
      RequestItems: {
        requests: {
          ConsistentRead: true,
          Keys: ["3", "none", "1"].map((id) => marshalled({ lane: "a", id })),
        },
      },
    }),
  );
  expect(Responses?.requests?.map(({ id }) => id?.S).sort()).toEqual(["1", "3"]);
});

test("Requests that join one lane concurrently are all queued, each at its own position", async () => {
  const { client, ids } = await table();
  const places = Array.from({ length: 40 }, (_, place) => String(place).padStart(3, "0"));
  await Promise.all(
    places.map((place) => client.send(put({ lane: "a", id: place, laneKey: `wait#${place}` }))),
  );
  expect(await ids()).toEqual(places);
});

test("A restart keeps the order of a local index", async () => {
  const dataDir = temporaryDirectory();
  const first = await table(dataDir);
  await first.client.send(put({ lane: "a", id: "1", laneKey: "wait#1" }));
  await first.close();
  const second = await table(dataDir);
  expect(await second.ids()).toEqual(["1"]);
});
