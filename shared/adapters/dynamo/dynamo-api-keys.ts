import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type ApiKeyItem, apiKeyItem, configKey } from "../../contracts/config-items.ts";
import type { ApiKeys } from "../../core/api/authentication/authenticate.ts";
import { callDependency } from "../dependency-down.ts";

/** How long a key that was revoked may still be taken by one function. */
const TTL_MS = 10_000;

/** Most keys that one function keeps in memory. */
const CACHE_LIMIT = 1_000;

/** API keys of the config table. A found key is cached for ten seconds; a missing key is not cached. */
export function makeDynamoApiKeys(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  /** Real time. */
  nowMs: () => number;
}): ApiKeys {
  const { client, tableName: TableName, nowMs } = options;
  const remembered = new Map<string, { key: ApiKeyItem; untilMs: number }>();

  async function find(keyId: string): Promise<ApiKeyItem | undefined> {
    const found = remembered.get(keyId);
    if (found && found.untilMs > nowMs()) return found.key;
    const get = new GetCommand({ TableName, Key: { pk: configKey.apiKey(keyId) } });
    const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
    const key = Item && apiKeyItem.parse(Item);
    if (key) remember(keyId, key);
    else remembered.delete(keyId);
    return key;
  }

  function remember(keyId: string, key: ApiKeyItem): void {
    if (remembered.size >= CACHE_LIMIT) remembered.clear();
    remembered.set(keyId, { key, untilMs: nowMs() + TTL_MS });
  }

  async function recordUse(keyId: string, usedAt: string): Promise<void> {
    const found = remembered.get(keyId);
    // Before the write: one that fails is not tried again with every call.
    if (found) found.key = { ...found.key, lastUsedAt: usedAt };
    const update = new UpdateCommand({
      TableName,
      Key: { pk: configKey.apiKey(keyId) },
      UpdateExpression: "SET lastUsedAt = :at",
      // A key that is gone stays gone, and time does not run backwards.
      ConditionExpression:
        "attribute_exists(pk) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :at)",
      ExpressionAttributeValues: { ":at": usedAt },
    });
    await callDependency("DynamoDB UpdateItem", async () => {
      try {
        await client.send(update);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    });
  }

  return { find, recordUse };
}
