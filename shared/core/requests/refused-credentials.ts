import type { Connection, FreshAccountReader, FreshConnectionReader } from "../ports.ts";
import type { Credentials } from "../provider-requests.ts";
import type { RequestRecord } from "./record.ts";

const READ_LIMIT_MS = 3_000;

/** The headers by which the provider knows the connection and, at Linked API, the account. */
export async function credentialsOf(
  { accounts }: { accounts: Pick<FreshAccountReader, "find"> },
  { connectionId, accountId }: RequestRecord,
  connection: Connection,
): Promise<Credentials> {
  const account = await accounts.find(connectionId, accountId);
  const token = account?.identificationToken;
  return {
    ...connection.secrets.credentials,
    ...(token === undefined ? {} : { "identification-token": token }),
  };
}

/**
 * Whether what a provider refused is not what is stored by now: a person has
 * mended it meanwhile, and nothing must be paused for it. Never throws.
 */
export const makeHaveChanged =
  (deps: { accounts: FreshAccountReader; connections: FreshConnectionReader }) =>
  async (request: RequestRecord, sent: Credentials): Promise<boolean> => {
    const { connectionId, accountId } = request;
    try {
      const signal = AbortSignal.timeout(READ_LIMIT_MS);
      const connection = await deps.connections.reread(connectionId, signal);
      await deps.accounts.refresh(connectionId, accountId);
      if (!connection) return false;
      const stored = await credentialsOf(deps, request, connection);
      return JSON.stringify(stored) !== JSON.stringify(sent);
    } catch {
      return false;
    }
  };
