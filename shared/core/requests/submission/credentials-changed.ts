import { credentialsOf } from "../../connections/credentials.ts";
import type {
  Connection,
  FreshAccountReader,
  FreshConnectionReader,
} from "../../connections/ports.ts";
import type { Credentials } from "../../providers/provider-client.ts";
import { readDeadline } from "../../read-deadline.ts";
import type { RequestRecord } from "../state/record.ts";

/** What a call for this request is made with. @throws DEPENDENCY_DOWN */
export async function findCredentials(
  { accounts }: { accounts: Pick<FreshAccountReader, "find"> },
  { connectionId, accountId }: RequestRecord,
  connection: Connection,
): Promise<Credentials> {
  return credentialsOf(connection, await accounts.find(connectionId, accountId));
}

/**
 * Whether what a provider refused is not what is stored by now: a person has
 * mended it meanwhile, and nothing must be paused for it. Never throws.
 */
export const makeCredentialsChangedSince =
  (deps: { accounts: FreshAccountReader; connections: FreshConnectionReader }) =>
  async (request: RequestRecord, sent: Credentials): Promise<boolean> => {
    const { connectionId, accountId } = request;
    try {
      const connection = await deps.connections.reread(connectionId, readDeadline());
      await deps.accounts.refresh(connectionId, accountId);
      if (!connection) return false;
      const stored = await findCredentials(deps, request, connection);
      return JSON.stringify(stored) !== JSON.stringify(sent);
    } catch {
      return false;
    }
  };
