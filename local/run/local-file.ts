import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { dialectHeaders, type Seed } from "./seed.ts";

export interface Addresses {
  apiUrl: string;
  awsUrl: string;
  consoleUrl: string;
  providerUrl: string;
}

/** The content of `.ackwire/local.json`. URLs have no trailing slash. */
export interface LocalFile {
  apiUrl: string;
  awsEndpoint: string;
  region: string;
  consoleUrl: string;
  providerUrl: string;
  clientId: string;
  apiKey: string;
  /** For the operator API, with the scope `admin`. */
  operatorKey: string;
  busName: string;
  /** URLs of the queues, by name. */
  queues: Readonly<Record<string, string>>;
  /** Names of the tables, by name. */
  tables: Readonly<Record<string, string>>;
  connections: readonly {
    provider: string;
    connectionId: string;
    inboundUrl: string;
    secret?: string | undefined;
  }[];
  accounts: readonly { provider: string; accountId: string }[];
  /** The headers of each provider's own API, ready to send, by provider. */
  dialects: Readonly<Record<string, { headers: Readonly<Record<string, string>> }>>;
  /** The outputs of the stack, from which the administration finds its resources. */
  outputs: Readonly<Record<string, string>>;
}

/**
 * Writes `local.json`, which contains everything that tools and tests need of a
 * local run. It contains keys, so only its owner may read it. The file is
 * complete or absent.
 */
export function writeLocalFile(
  path: string,
  from: { addresses: Addresses; seed: Seed; outputs: Readonly<Record<string, string>> },
): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  writeFileSync(partial, `${JSON.stringify(localFile(from), null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, path);
}

function localFile({ addresses, seed, outputs }: Parameters<typeof writeLocalFile>[1]): LocalFile {
  return {
    apiUrl: addresses.apiUrl,
    awsEndpoint: addresses.awsUrl,
    region: "us-east-1",
    consoleUrl: addresses.consoleUrl,
    providerUrl: addresses.providerUrl,
    clientId: seed.clientId,
    apiKey: seed.apiKey,
    operatorKey: seed.operatorKey,
    busName: outputs.BusName ?? "",
    queues: byName(outputs, /^(\w+Dlq)Url$|^(\w+)QueueUrl$/),
    tables: byName(outputs, /^(\w+)TableName$/),
    connections: seed.connections.map(({ inboundPath, ...connection }) => ({
      ...connection,
      inboundUrl: `${addresses.apiUrl}${inboundPath}`,
    })),
    accounts: seed.accounts.map(({ provider, accountId }) => ({ provider, accountId })),
    dialects: Object.fromEntries(
      Object.values(providerPacks)
        .filter(({ dialect }) => dialect !== undefined)
        .map(({ id }) => [id, { headers: dialectHeaders(seed, id) }]),
    ),
    outputs,
  };
}

/** Renames outputs: `InboundQueueUrl` becomes `inbound`, `InboundDlqUrl` becomes `inboundDlq`. */
function byName(outputs: Readonly<Record<string, string>>, key: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([output, value]) => {
      const name = output.match(key)?.slice(1).find(Boolean);
      return name === undefined ? [] : [[lowerFirst(name), value]];
    }),
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
