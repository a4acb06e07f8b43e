import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type * as z from "zod/mini";
import { apiKeyItem, configKey, operatorKeyItem } from "../../contracts/config-items.ts";
import type { ApiKeys } from "../../core/api/authentication/authenticate.ts";
import type { OperatorKeys } from "../../core/operator/authenticate-operator.ts";
import { callDependency } from "../dependency-down.ts";

/** How long a key that was revoked may still be taken by one function. */
const TTL_MS = 10_000;

/** Most keys that one function keeps in memory. */
const CACHE_LIMIT = 1_000;

interface KeysOptions {
  client: DynamoDBDocumentClient;
  tableName: string;
  /** Real time. */
  nowMs: () => number;
}

/** API keys of the config table. A found key is cached for ten seconds; a missing key is not cached. */
export const makeDynamoApiKeys = (options: KeysOptions): ApiKeys =>
  makeKeys(options, apiKeyItem, configKey.apiKey);

/** Operator keys of the config table, cached as API keys are. */
export const makeDynamoOperatorKeys = (options: KeysOptions): OperatorKeys =>
  makeKeys(options, operatorKeyItem, configKey.operatorKey);

function makeKeys<Key extends { lastUsedAt?: string | undefined }>(
  { client, tableName: TableName, nowMs }: KeysOptions,
  schema: z.ZodMiniType<Key>,
  pkOf: (keyId: string) => string,
) {
  const remembered = new Map<string, { key: Key; untilMs: number }>();

  async function find(keyId: string): Promise<Key | undefined> {
    const found = remembered.get(keyId);
    if (found && found.untilMs > nowMs()) return found.key;
    const get = new GetCommand({ TableName, Key: { pk: pkOf(keyId) } });
    const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
    const key = Item && schema.parse(Item);
    if (key) remember(keyId, key);
    else remembered.delete(keyId);
    return key;
  }

  function remember(keyId: string, key: Key): void {
    if (remembered.size >= CACHE_LIMIT) remembered.clear();
    remembered.set(keyId, { key, untilMs: nowMs() + TTL_MS });
  }

  async function recordUse(keyId: string, usedAt: string): Promise<void> {
    const found = remembered.get(keyId);
    // Before the write: one that fails is not tried again with every call.
    if (found) found.key = { ...found.key, lastUsedAt: usedAt };
    const update = new UpdateCommand({
      TableName,
      Key: { pk: pkOf(keyId) },
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
