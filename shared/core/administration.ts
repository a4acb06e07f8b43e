import {
  type ApiKeyItem,
  type ClientItem,
  type ConnectionItem,
  configKey,
} from "../contracts/config-items.ts";
import type { ProviderId } from "../contracts/providers.ts";
import { sha256Hex } from "./digest.ts";
import { identificationToken } from "./identification-token.ts";
import { type MasterKeys, seal } from "./master-keys.ts";
import type { Clock } from "./ports.ts";

/** Where clients, API keys and connections are kept. Every write is conditional on the item being new. */
export interface ConfigStore {
  create(item: ClientItem | ApiKeyItem | ConnectionItem): Promise<void>;
  exists(pk: string): Promise<boolean>;
  connectionsOf(clientId: string): Promise<ConnectionItem[]>;
  /** Deletes a connection if it is this client's; `false` when there is none. */
  deleteConnection(clientId: string, connectionId: string): Promise<boolean>;
}

export interface AdministrationDeps {
  store: ConfigStore;
  masterKeys: MasterKeys;
  clock: Clock;
  /** So many random bytes, as hex. */
  randomHex: (bytes: number) => string;
}

/** What the admin command and the local run's first start do. */
export function makeAdministration(deps: AdministrationDeps) {
  const now = () => new Date(deps.clock.businessMs()).toISOString();

  async function createClient(name: string) {
    const clientId = `cl_${deps.randomHex(8)}`;
    await deps.store.create({
      pk: configKey.client(clientId),
      clientId,
      name,
      createdAt: now(),
    });
    return { clientId, name };
  }

  /** The key is in the answer and nowhere else: what is stored is its digest. */
  async function createApiKey(clientId: string) {
    await requireClient(clientId);
    const keyId = `key${deps.randomHex(8)}`;
    const secret = deps.randomHex(32);
    await deps.store.create({
      pk: configKey.apiKey(keyId),
      clientId,
      keyId,
      secretSha256: sha256Hex(secret),
      createdAt: now(),
    });
    return { clientId, keyId, secret, apiKey: `ackwire_${keyId}_${secret}` };
  }

  /** The inbound path holds the token, which is in the answer and nowhere else. */
  async function createConnection(of: {
    clientId: string;
    provider: ProviderId;
    webhookSecret?: string;
  }) {
    await requireClient(of.clientId);
    const connectionId = `cn_${deps.randomHex(8)}`;
    const token = deps.randomHex(32);
    const pk = configKey.connection(connectionId);
    const secrets = { webhookSecrets: of.webhookSecret ? [of.webhookSecret] : [] };
    await deps.store.create({
      pk,
      clientId: of.clientId,
      connectionId,
      provider: of.provider,
      tokenSha256: sha256Hex(token),
      sealedSecrets: seal(deps.masterKeys, pk, JSON.stringify(secrets)),
      createdAt: now(),
    });
    const inboundPath = `/v1/in/${of.provider}/${connectionId}/${token}`;
    return { connectionId, provider: of.provider, inboundPath };
  }

  async function listConnections(clientId: string) {
    const items = await deps.store.connectionsOf(clientId);
    return items.map(({ connectionId, provider, createdAt }) => ({
      connectionId,
      provider,
      createdAt,
    }));
  }

  async function requireClient(clientId: string) {
    if (!(await deps.store.exists(configKey.client(clientId)))) {
      throw new Error(`There is no client ${clientId}: make one first`);
    }
  }

  return {
    createClient,
    createApiKey,
    createConnection,
    listConnections,
    deleteConnection: deps.store.deleteConnection,
    identificationToken: (of: { clientId: string; accountId: string }) =>
      identificationToken(deps.masterKeys, of),
  };
}

export type Administration = ReturnType<typeof makeAdministration>;
