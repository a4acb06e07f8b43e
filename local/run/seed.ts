import { randomBytes } from "node:crypto";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { type ProviderId, providerPacks } from "../../shared/contracts/providers.ts";
import type { Administration } from "../../shared/core/administration/administration.ts";
import type { ProviderPack } from "../../shared/core/providers/provider-pack.ts";
import { localAws } from "../aws/local-aws.ts";
import type { BusinessClock } from "../clock/clock.ts";
import type { DurableStore } from "../durable-store.ts";
import { simulatedIdentificationToken } from "../simulator/identification-token.ts";

/**
 * The client, connections and accounts that a local run creates at its first
 * start. They stay the same with a data directory.
 */
export interface Seed {
  clientId: string;
  apiKey: string;
  keyId: string;
  keySecret: string;
  /** Sees and mends everything. */
  operatorKey: string;
  connections: {
    provider: ProviderId;
    connectionId: string;
    inboundPath: string;
    secret?: string;
  }[];
  accounts: {
    provider: ProviderId;
    accountId: string;
    /** Ackwire's token of the account, for calls in a dialect that names accounts by token. */
    identificationToken?: string;
  }[];
}

const ACCOUNTS_PER_PROVIDER = 2;

/**
 * Creates one client with a key, and a connection and accounts for each provider.
 * A data directory keeps them; a provider that was added later is seeded then.
 */
export async function seed(options: {
  store: DurableStore;
  clock: BusinessClock;
  awsUrl: string;
  outputs: Readonly<Record<string, string>>;
}): Promise<Seed> {
  const store = options.store.collection<Seed>("seed");
  const kept = store.get("seed");
  const packs = Object.values(providerPacks).filter(
    ({ id }) => !kept?.connections.some(({ provider }) => provider === id),
  );
  if (kept?.operatorKey && packs.length === 0) return kept;
  const administration = await composeAdministration({
    aws: localAws(options.awsUrl),
    outputs: options.outputs,
    nowMs: options.clock.now,
  });
  let seeded = kept ?? (await seedClient(administration));
  if (!seeded.operatorKey) {
    // The data directory of an earlier version.
    const operator = await administration.createOperatorKey({ name: "local", scope: "admin" });
    seeded = { ...seeded, operatorKey: operator.operatorKey };
  }
  for (const pack of packs) seeded = await seedProvider(administration, pack, seeded);
  store.put("seed", seeded);
  return seeded;
}

async function seedClient(administration: Administration): Promise<Seed> {
  const { clientId } = await administration.createClient("local");
  const { apiKey, keyId, secret: keySecret } = await administration.createApiKey(clientId);
  const operator = await administration.createOperatorKey({ name: "local", scope: "admin" });
  const { operatorKey } = operator;
  return { clientId, apiKey, keyId, keySecret, operatorKey, connections: [], accounts: [] };
}

async function seedProvider(
  administration: Administration,
  { id: provider, ...pack }: ProviderPack<ProviderId>,
  { clientId, connections, accounts, ...client }: Seed,
): Promise<Seed> {
  const secret = pack.requiresWebhookSecret ? randomBytes(16).toString("hex") : undefined;
  const connection = await administration.createConnection({
    clientId,
    provider,
    webhookSecret: secret,
    credentials: simulatedCredentials(pack.credentialHeaders),
    settings: { allowUnboundJwt: true },
  });
  const accountIds = Array.from(
    { length: ACCOUNTS_PER_PROVIDER },
    (_, n) => `${provider}-account-${n + 1}`,
  );
  const hasProviderToken = pack.accountTokenHeader !== undefined;
  for (const accountId of accountIds) {
    await administration.addAccount({
      clientId,
      connectionId: connection.connectionId,
      accountId,
      // Whoever tries the local run shall not wait for the spread of a real account.
      preset: "off",
      ...(hasProviderToken ? { identificationToken: simulatedIdentificationToken(accountId) } : {}),
    });
  }
  const hasOwnToken = pack.dialect?.credentials.some(({ holds }) => holds === "accountToken");
  const added = accountIds.map((accountId) => ({
    provider,
    accountId,
    ...(hasOwnToken
      ? { identificationToken: administration.identificationToken({ clientId, accountId }) }
      : {}),
  }));
  return {
    ...client,
    clientId,
    connections: [...connections, { ...connection, ...(secret ? { secret } : {}) }],
    accounts: [...accounts, ...added],
  };
}

/** Random values, marked as simulated: the provider simulator accepts any. */
function simulatedCredentials(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((name) => [name, `simulated-${randomBytes(8).toString("hex")}`]),
  );
}

/** The headers that authenticate the seeded client, and one of its accounts, in a provider's dialect. */
export function dialectHeaders(seeded: Seed, provider: ProviderId): Record<string, string> {
  const { credentials = [] } = providerPacks[provider].dialect ?? {};
  const account = seeded.accounts.find((one) => one.provider === provider);
  const values = {
    apiKey: seeded.apiKey,
    apiKeyId: seeded.keyId,
    apiKeySecret: seeded.keySecret,
    accountToken: account?.identificationToken ?? "",
  };
  return Object.fromEntries(credentials.map(({ header, holds }) => [header, values[holds]]));
}
