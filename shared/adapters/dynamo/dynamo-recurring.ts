import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import { configKey, type RecurringItem, recurringItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { configTable } from "../../contracts/tables.ts";
import type { RecurringStore } from "../../core/requests/recurring/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";

/** Recurring requests in the config table. */
export function makeDynamoRecurring(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): RecurringStore {
  const { client, tableName: TableName } = options;
  const put = makeVersionedPut({ ...options, partitionKey: configTable.partitionKey });
  const keyOf = (clientId: string, recurringId: string) => ({
    pk: configKey.recurring(clientId, recurringId),
  });

  return {
    async find(clientId, recurringId) {
      const get = new GetCommand({
        TableName,
        Key: keyOf(clientId, recurringId),
        ConsistentRead: true,
      });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      return Item && parsed(Item);
    },

    async list(clientId, { limit, after }) {
      const { name, partitionKey, sortKey } = configTable.indexes.byClient;
      const found: RecurringItem[] = [];
      let from: Record<string, unknown> | undefined =
        after === undefined ? undefined : { clientId, ...keyOf(clientId, after) };
      do {
        const query = new QueryCommand({
          TableName,
          IndexName: name,
          KeyConditionExpression: `${partitionKey} = :client AND begins_with(${sortKey}, :kind)`,
          ExpressionAttributeValues: {
            ":client": clientId,
            ":kind": configKey.recurring(clientId, ""),
          },
          Limit: limit - found.length,
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        const page = await callDependency("DynamoDB Query", () => client.send(query));
        found.push(...(page.Items ?? []).map(parsed));
        from = page.LastEvaluatedKey;
      } while (from && found.length < limit);
      return found;
    },

    async put(item, read) {
      const written = await put(item, {
        version: read?.version,
        first: Date.parse(item.changedAt),
      });
      return "version" in written ? { ...item, version: written.version } : undefined;
    },

    async delete({ clientId, recurringId, version }) {
      const command = new DeleteCommand({
        TableName,
        Key: keyOf(clientId, recurringId),
        ConditionExpression: "attribute_not_exists(pk) OR version = :read",
        ExpressionAttributeValues: { ":read": version },
      });
      return "written" in (await conditionalWrite("DeleteItem", () => client.send(command)));
    },
  };
}

/** @throws DEPENDENCY_DOWN for an item that this version cannot read */
function parsed(item: unknown): RecurringItem {
  const { data, error: cause } = recurringItem.safeParse(item);
  if (data) return data;
  throw new Failure("DEPENDENCY_DOWN", "a stored recurring request cannot be read", { cause });
}
