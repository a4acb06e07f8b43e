import { credentialsOf } from "../../connections/credentials.ts";
import type { AccountReader, Connection, ConnectionReader } from "../../connections/ports.ts";
import type { Credentials } from "../../providers/provider-client.ts";
import type { RequestRecord } from "../state/record.ts";

/** The credentials of a call for this request. @throws DEPENDENCY_DOWN */
export async function findCredentials(
  { accounts }: { accounts: Pick<AccountReader, "find"> },
  { connectionId, accountId }: RequestRecord,
  connection: Connection,
): Promise<Credentials> {
  return credentialsOf(connection, await accounts.find(connectionId, accountId));
}

/**
 * Returns whether the stored credentials differ from those that a provider
 * refused. A person has then replaced them in the meantime, and nothing must be
 * paused. Never throws: returns `false` when the store cannot answer.
 */
export const makeCredentialsChangedSince =
  (deps: {
    accounts: AccountReader;
    connections: ConnectionReader;
    onNonFatalError: (error: unknown) => void;
  }) =>
  async (request: RequestRecord, sent: Credentials): Promise<boolean> => {
    const { connectionId, accountId } = request;
    try {
      const connection = await deps.connections.readUncached(connectionId);
      // Refreshes the cache that `findCredentials` reads.
      await deps.accounts.findUncached(connectionId, accountId);
      if (!connection) return false;
      const stored = await findCredentials(deps, request, connection);
      return JSON.stringify(stored) !== JSON.stringify(sent);
    } catch (error) {
      deps.onNonFatalError(error);
      return false;
    }
  };
