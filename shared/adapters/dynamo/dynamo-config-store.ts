import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type * as z from "zod/mini";
import {
  accountItem,
  apiKeyItem,
  CLIENT_DIRECTORY,
  clientItem,
  configKey,
  connectionItem,
  OPERATORS,
  operatorKeyItem,
} from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { configTable } from "../../contracts/tables.ts";
import type { ConfigStore } from "../../core/administration/ports.ts";
import type { PageOf } from "../../core/input/cursor.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";

/** The config table for the administration. Every call @throws DEPENDENCY_DOWN. */
export function makeDynamoConfigStore(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): ConfigStore {
  const { client, tableName: TableName } = options;
  const put = makeVersionedPut({ ...options, partitionKey: configTable.partitionKey });

  async function get(pk: string) {
    const command = new GetCommand({ TableName, Key: { pk }, ConsistentRead: true });
    return (await callDependency("DynamoDB GetItem", () => client.send(command))).Item;
  }

  async function create(Item: Record<string, unknown>): Promise<void> {
    const command = new PutCommand({ TableName, Item, ...IF_NEW });
    await callDependency("DynamoDB PutItem", () => client.send(command));
  }

  async function remove(pk: string): Promise<void> {
    const command = new DeleteCommand({ TableName, Key: { pk } });
    await callDependency("DynamoDB DeleteItem", () => client.send(command));
  }

  /** The query of a client's items of one kind, in the order of their keys. */
  function queryOf(clientId: string, keyPrefix: string) {
    const { name, partitionKey, sortKey } = configTable.indexes.byClient;
    return {
      TableName,
      IndexName: name,
      KeyConditionExpression: `${partitionKey} = :client AND begins_with(${sortKey}, :kind)`,
      ExpressionAttributeValues: { ":client": clientId, ":kind": keyPrefix },
    };
  }

  /** The client's items of one kind, all or one page, in the order of their keys. */
  async function itemsOf(clientId: string, keyPrefix: string, page?: PageOf) {
    const { limit = Number.POSITIVE_INFINITY, after } = page ?? {};
    const found: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined =
      after === undefined ? undefined : { clientId, pk: `${keyPrefix}${after}` };
    do {
      const query = new QueryCommand({
        ...queryOf(clientId, keyPrefix),
        ...(page ? { Limit: limit - found.length } : {}),
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      });
      const queried = await callDependency("DynamoDB Query", () => client.send(query));
      found.push(...(queried.Items ?? []));
      ExclusiveStartKey = queried.LastEvaluatedKey;
    } while (ExclusiveStartKey && found.length < limit);
    return found;
  }

  /** Counts the client's items of one kind, up to `limit`; no item is returned or parsed. */
  async function countOf(clientId: string, keyPrefix: string, limit: number): Promise<number> {
    let count = 0;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const query = new QueryCommand({
        ...queryOf(clientId, keyPrefix),
        Select: "COUNT",
        Limit: limit - count,
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      });
      const queried = await callDependency("DynamoDB Query", () => client.send(query));
      count += queried.Count ?? 0;
      ExclusiveStartKey = queried.LastEvaluatedKey;
    } while (ExclusiveStartKey && count < limit);
    return count;
  }

  /** Returns `false` when this client has no such key. */
  const revoke = (pk: string, clientId: string, at: string) =>
    isWritten("UpdateItem", () =>
      client.send(
        new UpdateCommand({
          TableName,
          Key: { pk },
          UpdateExpression: "SET revokedAt = if_not_exists(revokedAt, :at)",
          ConditionExpression: "clientId = :client",
          ExpressionAttributeValues: { ":at": at, ":client": clientId },
        }),
      ),
    );

  return {
    create,

    exists: async (pk) => (await get(pk)) !== undefined,

    async client(clientId) {
      const found = await get(configKey.client(clientId));
      return found && parsed(clientItem, found);
    },

    async clientIds(page) {
      const prefix = configKey.listedClient("");
      const items = await itemsOf(CLIENT_DIRECTORY, prefix, page);
      return items.map(({ pk }) => String(pk).slice(prefix.length));
    },

    async operatorKey(keyId) {
      const found = await get(configKey.operatorKey(keyId));
      return found && parsed(operatorKeyItem, found);
    },

    operatorKeys: async (page) =>
      (await itemsOf(OPERATORS, configKey.operatorKey(""), page)).map((item) =>
        parsed(operatorKeyItem, item),
      ),

    revokeOperatorKey: (keyId, at) => revoke(configKey.operatorKey(keyId), OPERATORS, at),

    async connection(connectionId) {
      const found = await get(configKey.connection(connectionId));
      return found && parsed(connectionItem, found);
    },

    connectionsOf: async (clientId, page) =>
      (await itemsOf(clientId, configKey.connection(""), page)).map((item) =>
        parsed(connectionItem, item),
      ),

    countConnections: (clientId, limit) => countOf(clientId, configKey.connection(""), limit),

    async replaceConnection(item) {
      return "version" in (await put(item, { version: item.version }));
    },

    deleteConnection: (connectionId) => remove(configKey.connection(connectionId)),

    async account(connectionId, accountId) {
      const found = await get(configKey.account(connectionId, accountId));
      return found && parsed(accountItem, found);
    },

    accountsOf: async (clientId, page) =>
      (await itemsOf(clientId, ACCOUNT_PREFIX, page)).map((item) => parsed(accountItem, item)),

    async addAccountIfNew(Item) {
      await isWritten("PutItem", () => client.send(new PutCommand({ TableName, Item, ...IF_NEW })));
    },

    async replaceAccount(item, before) {
      const read = before && (before.version ?? null);
      return "version" in (await put(item, { version: read, first: item.version }));
    },

    deleteAccount: (connectionId, accountId) => remove(configKey.account(connectionId, accountId)),

    apiKeysOf: async (clientId, page) =>
      (await itemsOf(clientId, configKey.apiKey(""), page)).map((item) => parsed(apiKeyItem, item)),

    revokeApiKey: (clientId, keyId, at) => revoke(configKey.apiKey(keyId), clientId, at),
  };
}

const IF_NEW = { ConditionExpression: "attribute_not_exists(pk)" };

/** The prefix of every account's key. */
const ACCOUNT_PREFIX = configKey.account("", "").slice(0, -1);

/** Returns `false` when the write's condition failed. */
const isWritten = async (operation: string, write: () => Promise<unknown>): Promise<boolean> =>
  "written" in (await conditionalWrite(operation, write));

/** @throws DEPENDENCY_DOWN when the item is not one of this kind */
function parsed<Schema extends z.ZodMiniType>(schema: Schema, item: unknown): z.output<Schema> {
  const result = schema.safeParse(item);
  if (result.success) return result.data;
  throw new Failure("DEPENDENCY_DOWN", "the config table holds an item that cannot be read", {
    cause: result.error,
  });
}
