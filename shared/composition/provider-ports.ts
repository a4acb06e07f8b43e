import { makeDynamoAccounts } from "../adapters/dynamo/dynamo-accounts.ts";
import { makeDynamoConnectionPause } from "../adapters/dynamo/dynamo-connection-pause.ts";
import { makeDynamoConnections } from "../adapters/dynamo/dynamo-connections.ts";
import { makeHttpProviderCalls } from "../adapters/http/http-provider-calls.ts";
import type { ProviderId } from "../contracts/providers.ts";
import type { FunctionSettings } from "../contracts/settings.ts";
import type { AccountReader, ConnectionReader } from "../core/connections/ports.ts";
import type { ProviderCalls } from "../core/requests/state/ports.ts";
import type { FunctionBase } from "./function-base.ts";

/** The accounts and connections of a provider, and the HTTP calls to it. */
export interface ProviderPorts {
  accounts: AccountReader;
  connections: ConnectionReader;
  calls: ProviderCalls;
}

/** The same, for use cases that pause a connection whose credentials were refused. */
export interface PausingProviderPorts extends ProviderPorts {
  /** Returns `false` when the connection is paused already or deleted. @throws DEPENDENCY_DOWN */
  pauseConnection: (connectionId: string) => Promise<boolean>;
}

/** The variables from which the ports of providers are made. */
interface ProviderEnvironment {
  CONFIG_TABLE: string;
  PROVIDER_BASE_URLS: Readonly<Record<ProviderId, string>>;
  SETTINGS: Pick<FunctionSettings, "connectionCacheSeconds">;
}

type ProviderBase = Pick<FunctionBase, "client" | "clock" | "readMasterKeys">;

/** Makes the ports of providers on the config table and HTTP. */
export function makeProviderPorts(base: ProviderBase, env: ProviderEnvironment): ProviderPorts {
  return {
    // By business time, by which the lane of an account that was changed is woken.
    accounts: makeDynamoAccounts({ ...configTable(base, env), nowMs: base.clock.businessMs }),
    connections: makeConnectionReader(base, env),
    calls: makeHttpProviderCalls({ baseUrls: env.PROVIDER_BASE_URLS }),
  };
}

/** Makes the ports of providers for a function that may update the config table. */
export function makePausingProviderPorts(
  base: ProviderBase,
  env: ProviderEnvironment,
): PausingProviderPorts {
  const ports = makeProviderPorts(base, env);
  return {
    ...ports,
    pauseConnection: makeDynamoConnectionPause({
      client: base.client,
      tableName: env.CONFIG_TABLE,
      connections: ports.connections,
    }),
  };
}

/** Makes the reader of connections, which caches what it reads. */
export function makeConnectionReader(
  base: ProviderBase,
  env: Omit<ProviderEnvironment, "PROVIDER_BASE_URLS">,
): ConnectionReader {
  return makeDynamoConnections({
    ...configTable(base, env),
    ttlMs: env.SETTINGS.connectionCacheSeconds * 1000,
  });
}

function configTable(
  { client, clock, readMasterKeys }: ProviderBase,
  env: { CONFIG_TABLE: string },
) {
  return {
    client,
    tableName: env.CONFIG_TABLE,
    masterKeys: readMasterKeys,
    nowMs: clock.realMs,
  };
}
