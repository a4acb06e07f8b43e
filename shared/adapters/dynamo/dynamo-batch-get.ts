import { BatchGetCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Failure } from "../../contracts/failures.ts";
import { callDependency } from "../dependency-down.ts";

/** What one BatchGetItem takes. */
const MAX_KEYS = 100;
/** Rounds for keys that came back unread; each reads at least one item, by 16 MB. */
const MAX_ROUNDS = 10;

type Key = Readonly<Record<string, string>>;
type RequestItems = NonNullable<BatchGetCommand["input"]["RequestItems"]>;

/** What is wanted of one table. */
export interface TableRead {
  tableName: string;
  keys: readonly Key[];
  /** The attributes to return; all where it is absent. */
  projection?: readonly string[];
}

/**
 * Reads items of one or several tables, each named once, strongly consistent,
 * in one call where they fit. Returns them by table name, in no order, and
 * without missing items. A key may be given twice.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function batchGet(
  client: DynamoDBDocumentClient,
  reads: readonly TableRead[],
): Promise<Map<string, Record<string, unknown>[]>> {
  const found = new Map<string, Record<string, unknown>[]>();
  const wanted = reads.flatMap((read) => unique(read.keys).map((key) => ({ read, key })));
  for (let at = 0; at < wanted.length; at += MAX_KEYS) {
    let waiting = toRequestItems(wanted.slice(at, at + MAX_KEYS));
    for (let round = 0; countKeys(waiting) > 0 && round < MAX_ROUNDS; round++) {
      const get = new BatchGetCommand({ RequestItems: waiting });
      const page = await callDependency("DynamoDB BatchGetItem", () => client.send(get));
      for (const [tableName, items] of Object.entries(page.Responses ?? {})) {
        found.set(tableName, [...(found.get(tableName) ?? []), ...items]);
      }
      // It repeats the table's read options.
      waiting = page.UnprocessedKeys ?? {};
    }
    if (countKeys(waiting) > 0) {
      throw new Failure("DEPENDENCY_DOWN", `${countKeys(waiting)} items were not read in time`);
    }
  }
  return found;
}

/** A key that is named twice fails the whole call. */
function unique(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}

function toRequestItems(wanted: readonly { read: TableRead; key: Key }[]): RequestItems {
  const items: RequestItems = {};
  for (const { read, key } of wanted) {
    const { Keys = [] } = items[read.tableName] ?? {};
    items[read.tableName] = { Keys: [...Keys, { ...key }], ...howToRead(read) };
  }
  return items;
}

function howToRead({ projection }: TableRead) {
  if (projection === undefined) return { ConsistentRead: true };
  return {
    ConsistentRead: true,
    ProjectionExpression: projection.map((name) => `#${name}`).join(", "),
    ExpressionAttributeNames: Object.fromEntries(projection.map((name) => [`#${name}`, name])),
  };
}

function countKeys(items: RequestItems): number {
  return Object.values(items).reduce((count, { Keys = [] }) => count + Keys.length, 0);
}
