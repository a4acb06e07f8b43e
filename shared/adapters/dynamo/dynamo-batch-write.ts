import { setTimeout as sleep } from "node:timers/promises";
import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Failure } from "../../contracts/failures.ts";
import { callDependency } from "../dependency-down.ts";

/** Maximum number of items in one BatchWriteItem call. */
const MAX_BATCH = 25;
/** Maximum number of calls for one batch: unprocessed items are written again. */
const MAX_ROUNDS = 5;
const FIRST_PAUSE_MS = 25;

/**
 * Puts items into a table, in one call where they fit. A key may be named once only. An earlier
 * item of the same key is replaced.
 *
 * @throws DEPENDENCY_DOWN; some of the items may be stored
 */
export async function batchPut(
  client: DynamoDBDocumentClient,
  { tableName, items }: { tableName: string; items: readonly Record<string, unknown>[] },
  abortSignal?: AbortSignal,
): Promise<void> {
  for (let at = 0; at < items.length; at += MAX_BATCH) {
    let waiting = items.slice(at, at + MAX_BATCH).map((Item) => ({ PutRequest: { Item } }));
    for (let round = 0; waiting.length > 0 && round < MAX_ROUNDS; round++) {
      if (round > 0) await sleep(FIRST_PAUSE_MS * 2 ** round);
      const write = new BatchWriteCommand({ RequestItems: { [tableName]: waiting } });
      const page = await callDependency("DynamoDB BatchWriteItem", () =>
        client.send(write, abortSignal ? { abortSignal } : {}),
      );
      waiting = (page.UnprocessedItems?.[tableName] ?? []) as typeof waiting;
    }
    if (waiting.length > 0) {
      throw new Failure("DEPENDENCY_DOWN", `${waiting.length} items were not stored in time`);
    }
  }
}
