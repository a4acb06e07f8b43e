import {
  type AccountItem,
  type ApiKeyItem,
  type ClientItem,
  type ConnectionItem,
  configKey,
  type ListedClientItem,
  type OperatorKeyItem,
} from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { Clock } from "../clock.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";
import type { PageOf } from "../input/cursor.ts";

type ConfigItem =
  | ClientItem
  | ListedClientItem
  | ApiKeyItem
  | OperatorKeyItem
  | ConnectionItem
  | AccountItem;

/** The store of clients, API keys, connections and accounts. Every method throws DEPENDENCY_DOWN. A list without a page is whole. */
export interface ConfigStore {
  /** Writes a new item. Fails when one with its key exists. */
  create(item: ConfigItem): Promise<void>;
  exists(pk: string): Promise<boolean>;
  client(clientId: string): Promise<ClientItem | undefined>;
  /** The ids of all clients that are listed, or of one page, in their order. */
  clientIds(page?: PageOf): Promise<string[]>;
  operatorKey(keyId: string): Promise<OperatorKeyItem | undefined>;
  operatorKeys(page?: PageOf): Promise<OperatorKeyItem[]>;
  /** Returns `false` when there is no such key. */
  revokeOperatorKey(keyId: string, at: string): Promise<boolean>;
  connection(connectionId: string): Promise<ConnectionItem | undefined>;
  connectionsOf(clientId: string, page?: PageOf): Promise<ConnectionItem[]>;
  /** Counts a client's connections, up to `limit`. Eventually consistent. */
  countConnections(clientId: string, limit: number): Promise<number>;
  /** Replaces the version that was read; returns `false` when the stored version is newer. */
  replaceConnection(item: ConnectionItem): Promise<boolean>;
  deleteConnection(connectionId: string): Promise<void>;
  account(connectionId: string, accountId: string): Promise<AccountItem | undefined>;
  accountsOf(clientId: string, page?: PageOf): Promise<AccountItem[]>;
  /** Writes an account unless it exists. */
  addAccountIfNew(item: AccountItem): Promise<void>;
  /**
   * Writes an account in the place of the one that was read, or of none.
   *
   * @returns `false` when another one is stored by now
   */
  replaceAccount(item: AccountItem, before: AccountItem | undefined): Promise<boolean>;
  deleteAccount(connectionId: string, accountId: string): Promise<void>;
  apiKeysOf(clientId: string, page?: PageOf): Promise<ApiKeyItem[]>;
  /** Returns `false` when this client has no such key. */
  revokeApiKey(clientId: string, keyId: string, at: string): Promise<boolean>;
}

export interface AdministrationDeps {
  store: ConfigStore;
  masterKeys: MasterKeys;
  clock: Clock;
  /** Returns this many random bytes as hex. */
  randomHex: (bytes: number) => string;
  /** Checks the lanes of a connection that is active again now, and not at their next planned check. Never throws. */
  wakeLanesOf: (of: { clientId: string; connectionId: string }) => Promise<void>;
}

/** @throws NOT_FOUND */
export async function requireStoredClient(
  store: Pick<ConfigStore, "exists">,
  clientId: string,
): Promise<void> {
  if (await store.exists(configKey.client(clientId))) return;
  throw new Failure("NOT_FOUND", `there is no client ${clientId}: create one first`);
}
