import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import {
  accountItem,
  apiKeyItem,
  configKey,
  connectionItem,
} from "../../contracts/config-items.ts";
import { configTable } from "../../contracts/tables.ts";
import type { ConfigStore } from "../../core/administration/administration.ts";

export function makeDynamoConfigStore(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): ConfigStore {
  const { client, tableName: TableName } = options;

  async function get(pk: string) {
    const command = new GetCommand({ TableName, Key: { pk }, ConsistentRead: true });
    return (await client.send(command)).Item;
  }

  async function itemsOf(clientId: string, keyPrefix: string) {
    const { name, partitionKey, sortKey } = configTable.indexes.byClient;
    const found: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName,
          IndexName: name,
          KeyConditionExpression: `${partitionKey} = :client AND begins_with(${sortKey}, :kind)`,
          ExpressionAttributeValues: { ":client": clientId, ":kind": keyPrefix },
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        }),
      );
      found.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return found;
  }

  return {
    async create(Item) {
      const ConditionExpression = "attribute_not_exists(pk)";
      await client.send(new PutCommand({ TableName, Item, ConditionExpression }));
    },

    exists: async (pk) => (await get(pk)) !== undefined,

    async connection(connectionId) {
      const found = await get(configKey.connection(connectionId));
      return found && connectionItem.parse(found);
    },

    connectionsOf: async (clientId) =>
      (await itemsOf(clientId, configKey.connection(""))).map((item) => connectionItem.parse(item)),

    replaceConnection: (item) =>
      unlessRefused(() =>
        client.send(
          new PutCommand({
            TableName,
            Item: { ...item, version: item.version + 1 },
            ConditionExpression: "version = :read",
            ExpressionAttributeValues: { ":read": item.version },
          }),
        ),
      ),

    async deleteConnection(connectionId) {
      const Key = { pk: configKey.connection(connectionId) };
      await client.send(new DeleteCommand({ TableName, Key }));
    },

    async account(connectionId, accountId) {
      const found = await get(configKey.account(connectionId, accountId));
      return found && accountItem.parse(found);
    },

    accountsOf: async (clientId) =>
      (await itemsOf(clientId, ACCOUNT_PREFIX)).map((item) => accountItem.parse(item)),

    async addAccountIfNew(Item) {
      const ConditionExpression = "attribute_not_exists(pk)";
      const put = new PutCommand({ TableName, Item, ConditionExpression });
      await unlessRefused(() => client.send(put));
    },

    async putAccount(Item) {
      await client.send(new PutCommand({ TableName, Item }));
    },

    async deleteAccount(connectionId, accountId) {
      const Key = { pk: configKey.account(connectionId, accountId) };
      await client.send(new DeleteCommand({ TableName, Key }));
    },

    apiKeysOf: async (clientId) =>
      (await itemsOf(clientId, configKey.apiKey(""))).map((item) => apiKeyItem.parse(item)),

    revokeApiKey: (clientId, keyId, at) =>
      unlessRefused(() =>
        client.send(
          new UpdateCommand({
            TableName,
            Key: { pk: configKey.apiKey(keyId) },
            UpdateExpression: "SET revokedAt = if_not_exists(revokedAt, :at)",
            ConditionExpression: "clientId = :client",
            ExpressionAttributeValues: { ":at": at, ":client": clientId },
          }),
        ),
      ),
  };
}

/** What the keys of all accounts begin with. */
const ACCOUNT_PREFIX = configKey.account("", "").slice(0, -1);

/** `false` when the write's condition did not hold. */
async function unlessRefused(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
