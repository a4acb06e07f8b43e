import { randomUUID } from "node:crypto";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { conditionalWrite } from "./conditional-write.ts";

/**
 * Writes whole items, each over the version that was read.
 *
 * @param expected.version version of the item to replace; absent: no item may exist
 * @param expected.first the version of an item that is new; absent: 1. An item whose key may be
 *   deleted and used again has the time, so that no version comes twice
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
    expected: { version?: number | undefined; first?: number },
  ): Promise<{ version: number } | { existing: Record<string, unknown> | undefined }> => {
    const writeId = randomUUID();
    const version = expected.version === undefined ? (expected.first ?? 1) : expected.version + 1;
    const command = new PutCommand({
      TableName: tableName,
      Item: { ...present(item), version, writeId },
      ...(expected.version === undefined
        ? { ConditionExpression: `attribute_not_exists(${partitionKey})` }
        : {
            ConditionExpression: "version = :read",
            ExpressionAttributeValues: { ":read": expected.version },
          }),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("PutItem", () => client.send(command));
    // The SDK retried after a lost response, and found its own write.
    if ("written" in result || result.existing?.writeId === writeId) return { version };
    return result;
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
