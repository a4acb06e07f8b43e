import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import { type ConnectionItem, configKey, connectionItem } from "../contracts/config-items.ts";
import { configTable } from "../contracts/tables.ts";
import type { ConfigStore } from "../core/administration.ts";

export function makeDynamoConfigStore(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): ConfigStore {
  const { client, tableName: TableName } = options;
  return {
    async create(Item) {
      const ConditionExpression = "attribute_not_exists(pk)";
      await client.send(new PutCommand({ TableName, Item, ConditionExpression }));
    },

    async exists(pk) {
      const get = new GetCommand({ TableName, Key: { pk }, ConsistentRead: true });
      return (await client.send(get)).Item !== undefined;
    },

    async connectionsOf(clientId) {
      const { name, partitionKey, sortKey } = configTable.indexes.byClient;
      const found: ConnectionItem[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName,
            IndexName: name,
            KeyConditionExpression: `${partitionKey} = :client AND begins_with(${sortKey}, :kind)`,
            ExpressionAttributeValues: { ":client": clientId, ":kind": configKey.connection("") },
            ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
          }),
        );
        found.push(...(page.Items ?? []).map((item) => connectionItem.parse(item)));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return found;
    },

    async deleteConnection(clientId, connectionId) {
      const remove = new DeleteCommand({
        TableName,
        Key: { pk: configKey.connection(connectionId) },
        ConditionExpression: "clientId = :client",
        ExpressionAttributeValues: { ":client": clientId },
      });
      try {
        await client.send(remove);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}
