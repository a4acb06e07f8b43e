import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { recreateTable } from "../support/runs/peers.ts";
import { openOurs, parameters } from "./differential.ts";
import { type Command, commands, ofRun, TABLE } from "./dynamodb-commands.ts";
import { isAnsweredAlike } from "./known-differences.ts";

const table: CreateTableCommandInput = {
  TableName: TABLE,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "S" },
    { AttributeName: "owner", AttributeType: "S" },
    { AttributeName: "dueAt", AttributeType: "N" },
    { AttributeName: "kind", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: "byKind",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "kind", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "byOwner",
      KeySchema: [
        { AttributeName: "owner", KeyType: "HASH" },
        { AttributeName: "dueAt", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status"] },
    },
  ],
};

const constructors: Record<Command["name"], new (input: never) => object> = {
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  Scan: ScanCommand,
  UpdateItem: UpdateItemCommand,
};

const opened = new AsyncDisposableStack();
let ours: DynamoDBClient;
let theirs: DynamoDBClient;
beforeAll(async () => {
  ours = new DynamoDBClient(localAws(await openOurs(opened)));
  opened.defer(() => ours.destroy());
  const peer = localAws(process.env.ACKWIRE_DYNAMODB_ENDPOINT ?? "");
  theirs = new DynamoDBClient({ ...peer, maxAttempts: 1 });
  opened.defer(() => theirs.destroy());
  for (const client of [ours, theirs]) await recreateTable(client, table);
});
afterAll(() => opened.disposeAsync());

/**
 * What a command answers, without what has no meaning: a message's words, the order of a scan or of
 * equal sort keys, and where a page ends. All pages are read.
 */
async function answer(client: DynamoDBClient, { name, input, by }: Command): Promise<unknown> {
  const items: Item[] = [];
  let start: object | undefined;
  let counts = { count: 0, scanned: 0 };
  try {
    do {
      const command = new constructors[name]({
        ...input,
        ...(start && { ExclusiveStartKey: start }),
      } as never);
      const output = (await client.send(command as never)) as unknown as Output;
      if (output.Count === undefined) return normal(output);
      items.push(...(output.Items ?? []));
      const { Count, ScannedCount = 0 } = output;
      counts = { count: counts.count + Count, scanned: counts.scanned + ScannedCount };
      start = output.LastEvaluatedKey;
    } while (start);
  } catch (error) {
    const { name, Item } = error as { name: string; Item?: object };
    return { error: name, ...(Item && { item: canonical(Item) }) };
  }
  // A scan reads the items of the other runs too.
  if (by === undefined) return { count: counts.count, items: sorted(items) };
  return { ...counts, items: sorted(items), order: items.map((item) => canonical(item[by])) };
}

interface Output {
  Count?: number;
  ScannedCount?: number;
  Items?: Item[];
  LastEvaluatedKey?: object;
  Item?: object;
  Attributes?: object;
  Responses?: Record<string, Item[]>;
}

const normal = ({ Item, Attributes, Responses }: Output) => ({
  ...(Item && { item: canonical(Item) }),
  ...(Attributes && { attributes: canonical(Attributes) }),
  ...(Responses && { responses: sorted(Responses[TABLE] ?? []) }),
});

const sorted = (items: Item[]) => items.map(canonical).sort();
type Item = Record<string, AttributeValue>;
const canonical = (value: unknown) => JSON.stringify(value, canonically);

/** Sorts members and the values of sets. */
function canonically(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (["SS", "NS", "BS"].includes(key) && Array.isArray(value)) return [...value].sort();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("Random commands are answered as by the other emulator", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(commands.filter(isAnsweredAlike), { minLength: 1, maxLength: 25 }),
      async (drawn) => {
        const name = `${run++}-`;
        for (const each of drawn) {
          const command = ofRun(each, name);
          const expected = await answer(theirs, command);
          expect(await answer(ours, command)).toEqual(expected);
        }
      },
    ),
    parameters(),
  );
});
