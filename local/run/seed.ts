import { randomBytes } from "node:crypto";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { type ProviderId, providerId } from "../../shared/contracts/providers.ts";
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
  connections: {
    provider: ProviderId;
    connectionId: string;
    inboundPath: string;
    secret?: string;
  }[];
  accounts: { provider: ProviderId; accountId: string; identificationToken?: string }[];
}

const ACCOUNTS_PER_PROVIDER = 2;

/** Creates a client with a key, and a connection and two accounts for each provider. */
export async function seed(options: {
  store: DurableStore;
  clock: BusinessClock;
  awsUrl: string;
  outputs: Readonly<Record<string, string>>;
}): Promise<Seed> {
  const kept = options.store.collection<Seed>("seed");
  const before = kept.get("seed");
  if (before) return before;

  const administration = await composeAdministration({
    aws: localAws(options.awsUrl),
    outputs: options.outputs,
    nowMs: options.clock.now,
  });

  const { clientId } = await administration.createClient("local");
  const key = await administration.createApiKey(clientId);
  const made: Seed = {
    clientId,
    apiKey: key.apiKey,
    keyId: key.keyId,
    keySecret: key.secret,
    connections: [],
    accounts: [],
  };
  for (const provider of providerId.options) {
    const secret = provider === "we-link" ? randomBytes(16).toString("hex") : undefined;
    const connection = await administration.createConnection({
      clientId,
      provider,
      webhookSecret: secret,
      credentials: simulatorCredentials(provider),
      settings: { allowUnboundJwt: true },
    });
    made.connections.push({ ...connection, ...(secret ? { secret } : {}) });
    for (let n = 1; n <= ACCOUNTS_PER_PROVIDER; n++) {
      const accountId = `${provider}-account-${n}`;
      const { connectionId } = connection;
      await administration.addAccount({
        clientId,
        connectionId,
        accountId,
        ...(provider === "linked-api"
          ? { identificationToken: simulatedIdentificationToken(accountId) }
          : {}),
      });
      made.accounts.push({
        provider,
        accountId,
        ...(provider === "linked-api"
          ? { identificationToken: administration.identificationToken({ clientId, accountId }) }
          : {}),
      });
    }
  }
  kept.put("seed", made);
  return made;
}

/** The simulator takes any: they are made up, so that nobody takes them for real ones. */
function simulatorCredentials(provider: ProviderId): Record<string, string> {
  const madeUp = () => `simulated-${randomBytes(8).toString("hex")}`;
  return provider === "we-link"
    ? { "x-api-key": madeUp(), "x-api-secret": madeUp() }
    : { "linked-api-token": madeUp() };
}

/** Returns the SDK settings of callers that are not functions. */
export function localAws(endpoint: string) {
  return {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
}
