import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConfigStore } from "../shared/adapters/dynamo/dynamo-config-store.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { CLIENT_DIRECTORY, clientItem, configKey } from "../shared/contracts/config-items.ts";

/** Reads every client, and lists those that an earlier version created: it listed none. */
export async function listClients(target: StackTarget) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(target.aws));
  const tableName = outputOf(target, "ConfigTableName");
  const store = makeDynamoConfigStore({ client, tableName });
  const found = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName })) {
    for (const item of Items) {
      if (!String(item.pk).startsWith(configKey.client(""))) continue;
      const { clientId, name, createdAt } = clientItem.parse(item);
      const pk = configKey.listedClient(clientId);
      if (!(await store.exists(pk))) {
        await store.create({ pk, clientId: CLIENT_DIRECTORY, createdAt });
      }
      found.push({ clientId, name, createdAt });
    }
  }
  return found.sort((one, other) => (one.clientId < other.clientId ? -1 : 1));
}
