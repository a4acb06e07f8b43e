import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { configKey, connectionItem, connectionSecrets } from "../contracts/config-items.ts";
import { type MasterKeys, unseal } from "../core/master-keys.ts";
import type { Connection, ConnectionReader } from "../core/ports.ts";
import { dependency } from "./dependency-down.ts";

/** Connections as they are stored: one GetItem each, the secrets opened with the master key. */
export function makeDynamoConnections(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  masterKeys: (signal: AbortSignal) => Promise<MasterKeys>;
}): ConnectionReader {
  return {
    async read(connectionId, abortSignal) {
      const pk = configKey.connection(connectionId);
      const get = new GetCommand({ TableName: options.tableName, Key: { pk } });
      const { Item } = await dependency("DynamoDB GetItem", () =>
        options.client.send(get, { abortSignal }),
      );
      if (Item === undefined) return undefined;
      const { sealedSecrets, ...item } = connectionItem.parse(Item);
      const opened = unseal(await options.masterKeys(abortSignal), pk, sealedSecrets);
      return { ...item, secrets: connectionSecrets.parse(JSON.parse(opened)) } satisfies Connection;
    },
  };
}

/** Most connections that one function keeps in memory. */
const CACHE_LIMIT = 1_000;

/** Remembers what was found for `ttlMs`; what was not found, or failed, is asked again. */
export function cacheConnections(
  reader: ConnectionReader,
  options: { ttlMs: number; nowMs: () => number },
): ConnectionReader {
  const found = new Map<string, { connection: Connection; untilMs: number }>();
  return {
    async read(connectionId, signal) {
      const cached = found.get(connectionId);
      if (cached && cached.untilMs > options.nowMs()) return cached.connection;
      found.delete(connectionId);
      const connection = await reader.read(connectionId, signal);
      if (connection) {
        if (found.size >= CACHE_LIMIT) found.clear();
        found.set(connectionId, { connection, untilMs: options.nowMs() + options.ttlMs });
      }
      return connection;
    },
  };
}
