import { Failure } from "../../contracts/failures.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { credentialsOf } from "../connections/credentials.ts";
import type { AccountReader, ConnectionReader } from "../connections/ports.ts";
import type { ProviderHttpCall } from "../providers/http-call.ts";
import type { ProviderAnswer } from "../providers/provider-client.ts";
import type { AccountDirectory } from "./acceptance/accept-request.ts";
import type { DecisionContext } from "./state/decision-context.ts";
import type { ClientRates, ProviderCalls } from "./state/ports.ts";

export interface RelayCallDeps {
  accounts: Pick<AccountReader, "find" | "findUncached">;
  accountDirectory: Pick<AccountDirectory, "connectionIdOf" | "requireAccount">;
  connections: Pick<ConnectionReader, "read">;
  calls: ProviderCalls;
  rates: ClientRates;
  context: () => Pick<DecisionContext, "nowRealMs">;
}

/** A call of a provider's own protocol that the provider answers at once. */
export interface RelayedCall {
  clientId: string;
  provider: ProviderId;
  /** The account that the call is about; absent where it is about none. */
  accountId?: string | undefined;
  call: Omit<ProviderHttpCall, "headers">;
}

/** Timeout (real) of the call: less than the deadline of the API, so that its answer says what happened. */
const RELAY_TIMEOUT_MS = 6_000;

/**
 * Passes a call to the provider with the connection's credentials and, where the call is
 * about an account, that account's. It waits in no lane, is sent once, and its answer is
 * the provider's, whatever its status.
 *
 * @throws REQUEST_INVALID when no connection or account can be determined; CONFLICT while
 *   the connection is paused; TOO_MANY_REQUESTS; DEPENDENCY_DOWN, also when nothing was
 *   sent; PROVIDER_UNANSWERED when the call may have taken effect
 */
export function makeRelayCall(deps: RelayCallDeps) {
  return async (
    of: RelayedCall,
  ): Promise<{ answer: ProviderAnswer; connectionId: string; askedRealMs: number }> => {
    const { clientId, provider, accountId, call } = of;
    if (!(await deps.rates.tryConsume(clientId))) {
      throw new Failure("TOO_MANY_REQUESTS", "too many calls in one second");
    }
    const connectionId = await deps.accountDirectory.connectionIdOf({
      clientId,
      provider,
      ...(accountId === undefined ? {} : { accountId }),
    });
    const connection = await deps.connections.read(connectionId);
    if (!connection) throw new Failure("CONFLICT", "the connection was deleted meanwhile");
    if (connection.settings.status === "paused") {
      throw new Failure("CONFLICT", "the connection is paused: the provider is not called");
    }
    const account =
      accountId === undefined
        ? undefined
        : await knownAccount(deps, { clientId, provider, connectionId, accountId });
    const headers = credentialsOf(connection, account);
    const askedRealMs = deps.context().nowRealMs;
    const result = await deps.calls.send(provider, { ...call, headers }, RELAY_TIMEOUT_MS);
    if (result.kind === "answered") {
      return { answer: result.answer, connectionId, askedRealMs };
    }
    const { name } = providerPacks[provider];
    if (result.kind === "notSent") {
      throw new Failure("DEPENDENCY_DOWN", `${name} could not be called: ${result.reason}`);
    }
    const detail = `${name} did not answer (${result.reason}): the call may have taken effect`;
    throw new Failure("PROVIDER_UNANSWERED", detail);
  };
}

/** @throws REQUEST_INVALID when the provider names accounts by a token and has none of this one */
async function knownAccount(
  { accounts, accountDirectory }: RelayCallDeps,
  owner: Parameters<AccountDirectory["requireAccount"]>[0],
) {
  const { provider, connectionId, accountId } = owner;
  const account = await accounts.find(connectionId, accountId);
  const isComplete =
    account?.identificationToken !== undefined ||
    providerPacks[provider].accountTokenHeader === undefined;
  if (isComplete) return account;
  await accountDirectory.requireAccount(owner);
  // It was registered after it was cached as unknown.
  return accounts.findUncached(connectionId, accountId);
}
