import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConfigStore } from "../shared/adapters/dynamo/dynamo-config-store.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { CLIENT_DIRECTORY, clientItem, configKey } from "../shared/contracts/config-items.ts";

/** Clients that one audit record names at most: it is published as an event, whose size is limited. */
const CLIENTS_OF_A_RECORD = 1_000;

/**
 * Reads every client, and lists those that an earlier version created: it listed none.
 *
 * @param audited makes a change of these clients with an audit record; it is called only if there
 *   is something to change
 */
export async function listClients(
  target: StackTarget,
  audited: (clientIds: readonly string[], change: () => Promise<void>) => Promise<void>,
) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(target.aws));
  const tableName = outputOf(target, "ConfigTableName");
  const store = makeDynamoConfigStore({ client, tableName });
  const found: { clientId: string; name: string; createdAt: string }[] = [];
  const unlisted: typeof found = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName })) {
    for (const item of Items) {
      if (!String(item.pk).startsWith(configKey.client(""))) continue;
      const { clientId, name, createdAt } = clientItem.parse(item);
      found.push({ clientId, name, createdAt });
      if (!(await store.exists(configKey.listedClient(clientId)))) {
        unlisted.push({ clientId, name, createdAt });
      }
    }
  }
  for (let from = 0; from < unlisted.length; from += CLIENTS_OF_A_RECORD) {
    const some = unlisted.slice(from, from + CLIENTS_OF_A_RECORD);
    const ids = some.map(({ clientId }) => clientId);
    await audited(ids, async () => {
      for (const { clientId, createdAt } of some) {
        const pk = configKey.listedClient(clientId);
        // Another run may have listed it meanwhile.
        if (await store.exists(pk)) continue;
        await store.create({ pk, clientId: CLIENT_DIRECTORY, createdAt });
      }
    });
  }
  return found.sort((one, other) => (one.clientId < other.clientId ? -1 : 1));
}
