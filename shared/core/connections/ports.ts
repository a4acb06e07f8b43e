import type { ConnectionItem, ConnectionSecrets } from "../../contracts/config-items.ts";
import type { PaceRange } from "../../contracts/http/requests.ts";

/** A connection as `ingest` needs it: the stored item and its secrets, opened. */
export interface Connection extends Omit<ConnectionItem, "pk" | "sealedSecrets" | "version"> {
  secrets: ConnectionSecrets;
}

export interface ConnectionReader {
  /** @throws DEPENDENCY_DOWN when the store or the master secret cannot be read */
  read(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
  /**
   * As it is stored, past what is remembered; what is remembered where it was
   * read a moment ago, so that a flood of forgeries is not one of reads.
   *
   * @throws DEPENDENCY_DOWN
   */
  refresh(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
}

/** One that can look past all that it remembers. */
export interface FreshConnectionReader extends ConnectionReader {
  /** As it is stored now. @throws DEPENDENCY_DOWN */
  reread(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
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
