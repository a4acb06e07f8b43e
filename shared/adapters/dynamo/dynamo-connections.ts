import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import {
  type ConnectionItem,
  configKey,
  connectionItem,
  connectionSecrets,
} from "../../contracts/config-items.ts";
import type { Connection, ConnectionReader } from "../../core/connections/ports.ts";
import { sealedWith, unseal } from "../../core/crypto/master-keys.ts";
import { callDependency } from "../dependency-down.ts";
import { readDeadline } from "../read-deadline.ts";
import type { MasterKeyReader } from "../secrets-manager-master-keys.ts";

/** Most connections that one function keeps in memory. */
const CACHE_LIMIT = 1_000;

/** Least time between two rereads of a connection whose webhook or credentials were rejected. */
const REFRESH_EVERY_MS = 1_000;

interface CacheEntry {
  connection: Connection | undefined;
  readAtMs: number;
  /** Time of the last read that bypassed the cache; 0 after other reads. */
  forcedReadAtMs: number;
}

/**
 * Reads connections of the config table with one GetItem each, and decrypts their
 * secrets with the master key. Caches a connection for `ttlMs`; caches no error.
 */
export function makeDynamoConnections(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  masterKeys: MasterKeyReader;
  ttlMs: number;
  nowMs: () => number;
}): ConnectionReader {
  const cache = new Map<string, CacheEntry>();

  async function load(connectionId: string, abortSignal: AbortSignal, isRefresh: boolean) {
    const get = new GetCommand({
      TableName: options.tableName,
      Key: { pk: configKey.connection(connectionId) },
      // A connection may be used immediately after its creation.
      ConsistentRead: true,
    });
    const { Item } = await callDependency("DynamoDB GetItem", () =>
      options.client.send(get, { abortSignal }),
    );
    const connection = Item && (await open(connectionItem.parse(Item), abortSignal));
    const readAtMs = options.nowMs();
    // A missing connection counts as refreshed, so that it is not read again at once.
    const forcedReadAtMs = isRefresh || !connection ? readAtMs : 0;
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(connectionId, { connection, readAtMs, forcedReadAtMs });
    return connection;
  }

  async function open(item: ConnectionItem, signal: AbortSignal): Promise<Connection> {
    const { sealedSecrets, version: _, pk, ...rest } = item;
    const masterKeys = await options.masterKeys(signal, sealedWith(sealedSecrets));
    return callDependency("opening the connection's secrets", async () => {
      const opened = unseal(masterKeys, pk, sealedSecrets);
      return { ...rest, secrets: connectionSecrets.parse(JSON.parse(opened)) };
    });
  }

  return {
    async read(connectionId, signal = readDeadline()) {
      const found = cache.get(connectionId);
      const isFresh = found && options.nowMs() - found.readAtMs < options.ttlMs;
      // A missing connection is not cached: it may have been created since.
      return (isFresh && found.connection) || load(connectionId, signal, false);
    },
    async readThrottled(connectionId, signal = readDeadline()) {
      const found = cache.get(connectionId);
      const isFresh = found && options.nowMs() - found.forcedReadAtMs < REFRESH_EVERY_MS;
      return isFresh ? found.connection : load(connectionId, signal, true);
    },
    readUncached: (connectionId, signal = readDeadline()) => load(connectionId, signal, true),
  };
}
