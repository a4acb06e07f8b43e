import type { ConnectionItem, ConnectionSecrets } from "../../contracts/config-items.ts";
import type { PaceRange } from "../../contracts/http/requests.ts";

/** A connection as `ingest` needs it: the stored item and its secrets, opened. */
export interface Connection extends Omit<ConnectionItem, "pk" | "sealedSecrets" | "version"> {
  secrets: ConnectionSecrets;
}

/** A cache of connections. Without a `signal`, a read ends after the store's own time limit. */
export interface ConnectionReader {
  /**
   * Returns the cached connection, or reads it.
   *
   * @throws DEPENDENCY_DOWN when the store or the master secret cannot be read
   */
  read(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
  /**
   * Reads the stored connection, at most once per second for each: a flood of
   * forged webhooks does not become a flood of reads.
   *
   * @throws DEPENDENCY_DOWN
   */
  refresh(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
}

export interface FreshConnectionReader extends ConnectionReader {
  /** Reads the stored connection, whatever is cached. @throws DEPENDENCY_DOWN */
  reread(connectionId: string, signal?: AbortSignal): Promise<Connection | undefined>;
}

/** An account that this client registered with a connection. */
export interface KnownAccount {
  /** The provider's token of this account. */
  identificationToken?: string;
  /** Its own gap between submissions. */
  pace?: PaceRange;
}

export interface AccountReader {
  /** @throws DEPENDENCY_DOWN */
  find(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
}

/** One that can look past what it remembers. */
export interface FreshAccountReader extends AccountReader {
  /** As it is stored. @throws DEPENDENCY_DOWN */
  refresh(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
}
