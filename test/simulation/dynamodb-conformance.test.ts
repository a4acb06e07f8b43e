import { expect, test } from "vitest";
import { differencesIn } from "./conformance.ts";

type Commands = Parameters<typeof differencesIn>[0];
type Plant = NonNullable<Parameters<typeof differencesIn>[1]>;
type Input = Record<string, unknown>;

/** The key of a request, in the table and in the index of what is due. */
const keyOf = (n: number, dueAt: number) => ({
  ...{ lane: "lane-1", id: `rq_${n}` },
  ...{ dueShard: "shard", dueAt },
});

/** Requests of one lane. Three of them are due at the same time. */
const items = [1, 2, 2, 2, 10].map((dueAt, n) => ({
  ...keyOf(n, dueAt),
  laneKey: `wait#${9 - n}`,
}));

const due = {
  ...{ TableName: "requests", IndexName: "due" },
  KeyConditionExpression: "dueShard = :shard AND dueAt <= :until",
  ExpressionAttributeValues: { ":shard": "shard", ":until": 99 },
};

const lane = {
  ...{ TableName: "requests", IndexName: "queue", ConsistentRead: true },
  ...{ Select: "ALL_ATTRIBUTES", KeyConditionExpression: "lane = :lane" },
  ExpressionAttributeValues: { ":lane": "lane-1" },
};

/** Whole ranges and pages, in both directions. Some pages begin or end among equal times. */
const queries: Commands = [
  [
    "BatchWriteCommand",
    { RequestItems: { requests: items.map((Item) => ({ PutRequest: { Item } })) } },
  ],
  ["QueryCommand", due],
  ["QueryCommand", { ...due, ScanIndexForward: false }],
  ["QueryCommand", { ...due, Limit: 1 }],
  ["QueryCommand", { ...due, Limit: 3 }],
  ["QueryCommand", { ...due, Limit: 5 }],
  ["QueryCommand", { ...due, Limit: 9 }],
  ["QueryCommand", { ...due, Limit: 2, ExclusiveStartKey: keyOf(0, 1) }],
  ["QueryCommand", { ...due, Limit: 2, ExclusiveStartKey: keyOf(4, 10), ScanIndexForward: false }],
  ["QueryCommand", { ...due, Limit: 2, Select: "COUNT" }],
  ["QueryCommand", lane],
  ["QueryCommand", { ...lane, ScanIndexForward: false }],
  ["QueryCommand", { ...lane, Limit: 2 }],
  ["QueryCommand", { ...lane, Limit: 2, ScanIndexForward: false }],
];

test("R6 the simulated DynamoDB orders and pages queries as that of a local run does", async () => {
  expect(await differencesIn(queries)).toEqual([]);
});

/** Changes what queries ask for. */
const asking =
  (change: (input: Input) => object): Plant =>
  (call) =>
  (name, input) =>
    call(name, name === "QueryCommand" ? { ...input, ...change(input) } : input);

/** Changes the answers to a command. */
const answering =
  (command: string, change: (answer: Input) => object): Plant =>
  (call) =>
  async (name, input) => {
    const answer = (await call(name, input)) as Input;
    return name === command ? change(answer) : answer;
  };

const planted: [title: string, plant: Plant][] = [
  ["ignores the direction of a query", asking(() => ({ ScanIndexForward: undefined }))],
  [
    "reads each range in the other direction",
    asking(({ ScanIndexForward = true }) => ({ ScanIndexForward: !ScanIndexForward })),
  ],
  ["begins each page with the first entry", asking(() => ({ ExclusiveStartKey: undefined }))],
  [
    "shows the entries of a page in the reverse order",
    answering("QueryCommand", ({ Items = [], ...others }) => ({
      ...others,
      Items: (Items as unknown[]).toReversed(),
    })),
  ],
  [
    "does not say that a page is not the last one",
    answering("QueryCommand", ({ LastEvaluatedKey: _, ...others }) => others),
  ],
  [
    "gives a key of the next page without its partition",
    answering("QueryCommand", ({ LastEvaluatedKey: last, ...others }) => {
      const { dueShard: _, ...key } = (last ?? {}) as Input;
      return last ? { ...others, LastEvaluatedKey: key } : others;
    }),
  ],
  [
    "leaves a part of a batch undone",
    answering("BatchWriteCommand", () => ({ UnprocessedItems: { requests: [items[0]] } })),
  ],
];

test.each(planted)("R6 the comparison finds a simulated DynamoDB that %s", async (_, plant) => {
  expect(await differencesIn(queries, plant)).not.toEqual([]);
});

const event = { TableName: "events", Key: { id: "event-1" } };

/** Each has a placeholder too many or too few. */
const refused: Commands = [
  [
    "PutCommand",
    {
      ...{ TableName: "events", Item: { id: "event-1" } },
      ConditionExpression: "attribute_not_exists(id)",
      ExpressionAttributeValues: { ":now": 1, ":later": 2 },
    },
  ],
  [
    "PutCommand",
    {
      ...{ TableName: "events", Item: { id: "event-1" } },
      ExpressionAttributeValues: { ":now": 1 },
    },
  ],
  [
    "UpdateCommand",
    { ...event, UpdateExpression: "SET #at = :at", ExpressionAttributeValues: { ":at": 1 } },
  ],
  [
    "UpdateCommand",
    {
      ...{ ...event, UpdateExpression: "SET publishedAt = :at" },
      ConditionExpression: "publishedAt < :now",
      ExpressionAttributeValues: { ":at": 1 },
    },
  ],
  [
    "UpdateCommand",
    {
      ...{ ...event, UpdateExpression: "REMOVE publishedAt" },
      ExpressionAttributeNames: { "#at": "publishedAt" },
    },
  ],
  ["UpdateCommand", { ...event, ExpressionAttributeValues: { ":at": 1 } }],
  [
    "DeleteCommand",
    {
      ...{ ...event, ConditionExpression: "attribute_exists(id)" },
      ExpressionAttributeValues: {},
    },
  ],
  ["GetCommand", { ...event, ExpressionAttributeNames: { "#id": "id" } }],
  [
    "QueryCommand",
    { ...due, ExpressionAttributeValues: { ":shard": "shard", ":until": 1, ":now": 1 } },
  ],
  ["QueryCommand", { ...due, FilterExpression: "#status = :shard" }],
  [
    "BatchGetCommand",
    {
      RequestItems: {
        events: {
          ...{ Keys: [{ id: "event-1" }], ProjectionExpression: "id" },
          ExpressionAttributeNames: { "#id": "id" },
        },
      },
    },
  ],
];

test("R6 the simulated DynamoDB refuses placeholders in the words of a local run", async () => {
  expect(await differencesIn(refused)).toEqual([]);
  const found = await differencesIn(refused, () => () => ({}));
  expect(found.map((text) => text.split("\n")[0])).toEqual(refused.map(([name]) => name));
});
