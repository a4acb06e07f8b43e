import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import type { ProviderCalls, ProviderClients } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { findCredentials } from "../submission/request-credentials.ts";

/** Timeout (real) of the call that asks a provider to cancel. */
const CANCEL_TIMEOUT_MS = 3_000;

export type CancelAnswer =
  | "cancelled"
  /** The provider runs it, or it has ended. */
  | "refused"
  /** There is no clear answer. */
  | "unknown"
  /** The connection is paused: the provider cannot be asked. */
  | "paused"
  /** The provider cannot cancel, or there is nothing that it could be asked for. */
  | "impossible";

export interface CancelAtProviderDeps {
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "read">;
  calls: ProviderCalls;
  providerClients: ProviderClients;
}

/** Asks the provider to cancel a running request. The request itself stays as it is. @throws DEPENDENCY_DOWN */
export async function cancelAtProvider(
  deps: CancelAtProviderDeps,
  request: RequestRecord,
): Promise<CancelAnswer> {
  const { provider, connectionId, providerRequestId } = request;
  const cancellation = deps.providerClients[provider].cancel;
  if (!cancellation || request.status !== "RUNNING" || providerRequestId === undefined)
    return "impossible";
  const connection = await deps.connections.read(connectionId);
  if (!connection) return "impossible";
  if (connection.settings.status === "paused") return "paused";
  const credentials = await findCredentials(deps, request, connection);
  const call = cancellation.call(providerRequestId, credentials);
  const exchange = await deps.calls.send(provider, call, CANCEL_TIMEOUT_MS);
  return exchange.kind === "answered" ? cancellation.read(exchange.answer) : "unknown";
}
