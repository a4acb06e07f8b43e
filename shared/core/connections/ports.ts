import type { ConnectionItem, ConnectionSecrets } from "../../contracts/config-items.ts";
import type { AccountPace } from "../pace/merge-pace-settings.ts";

/** A stored connection with its secrets decrypted. */
export interface Connection extends Omit<ConnectionItem, "pk" | "sealedSecrets" | "version"> {
  secrets: ConnectionSecrets;
}

/** Reads connections through a cache. Without a `signal`, a read ends after the store's own time limit. */
export interface ConnectionReader {
  /**
   * Returns the cached connection, or reads it.
   *
   * @throws DEPENDENCY_DOWN when the store or the master secret cannot be read
   */
  read(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
  /**
   * Reads the stored connection, or returns the copy that was read within the last
   * second: a flood of forged webhooks does not become a flood of reads.
   *
   * @throws DEPENDENCY_DOWN
   */
  readThrottled(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
  /** Reads the stored connection, whatever is cached. @throws DEPENDENCY_DOWN */
  readUncached(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
}

/** An account that this client registered with a connection. */
export interface KnownAccount extends AccountPace {
  /** The provider's token of this account. */
  identificationToken?: string;
}

/** Reads registered accounts through a cache. */
export interface AccountReader {
  /** Returns the cached account, or reads it. @throws DEPENDENCY_DOWN */
  find(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
  /** Reads the stored account, whatever is cached. @throws DEPENDENCY_DOWN */
  findUncached(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
}
