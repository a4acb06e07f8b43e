import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { configKey, webhookItem } from "../../contracts/config-items.ts";
import { configTable } from "../../contracts/tables.ts";
import type { WebhookStore } from "../../core/deliveries/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";

/** Webhooks in the config table: one item for each client. */
export function makeDynamoWebhooks(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): WebhookStore {
  const { client, tableName: TableName } = options;
  const put = makeVersionedPut({ ...options, partitionKey: configTable.partitionKey });

  return {
    async find(clientId) {
      const Key = { pk: configKey.webhook(clientId) };
      const get = new GetCommand({ TableName, Key, ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      return Item && webhookItem.parse(Item);
    },

    async replace(webhook) {
      const result = await put(webhook, { version: webhook.version || undefined });
      return "version" in result ? { ...webhook, version: result.version } : undefined;
    },
  };
}
