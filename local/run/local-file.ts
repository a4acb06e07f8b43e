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

function localFile({ addresses, seed, outputs }: Parameters<typeof writeLocalFile>[1]) {
  return {
    apiUrl: addresses.apiUrl,
    awsEndpoint: addresses.awsUrl,
    region: "us-east-1",
    consoleUrl: addresses.consoleUrl,
    providerUrl: addresses.providerUrl,
    clientId: seed.clientId,
    apiKey: seed.apiKey,
    busName: outputs.BusName,
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
