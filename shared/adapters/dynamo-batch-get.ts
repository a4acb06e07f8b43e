import { BatchGetCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Failure } from "../contracts/failures.ts";
import { dependency } from "./dependency-down.ts";

/** What one BatchGetItem takes. */
const MAX_KEYS = 100;
/** Keys that DynamoDB gave back unread are asked for again so often. */
const MAX_ROUNDS = 5;

interface RequestsKey {
  lane: string;
  id: string;
}

/**
 * Reads items of the requests table, strongly consistent, in one call where
 * they fit. They come in no order, and what there is not does not come.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function batchGet(
  { client, tableName }: { client: DynamoDBDocumentClient; tableName: string },
  keys: readonly RequestsKey[],
): Promise<Record<string, unknown>[]> {
  // A key that is named twice fails the whole call.
  const unique = [...new Map(keys.map((key) => [`${key.lane} ${key.id}`, key])).values()];
  const found: Record<string, unknown>[] = [];
  for (let at = 0; at < unique.length; at += MAX_KEYS) {
    let waiting: Record<string, unknown>[] = unique
      .slice(at, at + MAX_KEYS)
      .map((key) => ({ ...key }));
    for (let round = 0; waiting.length > 0 && round < MAX_ROUNDS; round++) {
      const get = new BatchGetCommand({
        RequestItems: { [tableName]: { Keys: waiting, ConsistentRead: true } },
      });
      const page = await dependency("DynamoDB BatchGetItem", () => client.send(get));
      found.push(...(page.Responses?.[tableName] ?? []));
      waiting = page.UnprocessedKeys?.[tableName]?.Keys ?? [];
    }
    if (waiting.length > 0) {
      throw new Failure("DEPENDENCY_DOWN", `${waiting.length} items were not read in time`);
    }
  }
  return found;
}
