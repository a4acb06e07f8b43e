import { randomUUID } from "node:crypto";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { conditionalWrite } from "./conditional-write.ts";

/**
 * Writes whole items, each over the version that was read.
 *
 * @param expected.version version of the item to replace; `null`: the item has none, because an
 *   earlier release wrote it; absent: no item may exist
 * @param expected.first the version of an item that has none yet; absent: 1. An item whose key may
 *   be deleted and used again has the time, so that no version comes twice
 * @returns the new version, or the existing item when the condition failed (`undefined`: none)
 * @throws DEPENDENCY_DOWN; it may or may not be written
 */
export function makeVersionedPut(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  partitionKey: string;
}) {
  const { client, tableName, partitionKey } = options;

  return async (
    item: object,
    expected: { version?: number | null | undefined; first?: number | undefined },
  ): Promise<{ version: number } | { existing: Record<string, unknown> | undefined }> => {
    const writeId = randomUUID();
    const { version: read, first = 1 } = expected;
    const version = typeof read === "number" ? read + 1 : first;
    const command = new PutCommand({
      TableName: tableName,
      Item: { ...present(item), version, writeId },
      ...conditionOf(read, partitionKey),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("PutItem", () => client.send(command));
    // The SDK retried after a lost response, and found its own write.
    if ("written" in result || result.existing?.writeId === writeId) return { version };
    return result;
  };
}

/** The condition that the stored item is the one that was read. */
function conditionOf(read: number | null | undefined, partitionKey: string) {
  if (read === undefined) return { ConditionExpression: `attribute_not_exists(${partitionKey})` };
  if (read === null) {
    const isStored = `attribute_exists(${partitionKey})`;
    return { ConditionExpression: `${isStored} AND attribute_not_exists(version)` };
  }
  return {
    ConditionExpression: "version = :read",
    ExpressionAttributeValues: { ":read": read },
  };
}

/** Removes `undefined` at any depth: DynamoDB cannot store it. */
function present<Value>(value: Value): Value;
function present(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(present);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, present(member)]));
}
