import {
  type AccountItem,
  type ApiKeyItem,
  type ClientItem,
  type ConnectionItem,
  type ConnectionSecrets,
  type ConnectionSettings,
  configKey,
  connectionSecrets,
} from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { DEFAULT_PRESET, type Preset } from "../../contracts/pace.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { hashForm } from "../../contracts/webhook-forms.ts";
import type { Clock } from "../clock.ts";
import { canRotate, rotate } from "../connections/rotation.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { type MasterKeys, seal, sealedWith, unseal } from "../crypto/master-keys.ts";
import type { PageOf } from "../input/cursor.ts";
import { identificationToken } from "./identification-token.ts";

type ConfigItem = ClientItem | ApiKeyItem | ConnectionItem | AccountItem;

/** The store of clients, API keys, connections and accounts. Every method throws DEPENDENCY_DOWN. A list without a page is whole. */
export interface ConfigStore {
  /** Writes a new item. Fails when one with its key exists. */
  create(item: ConfigItem): Promise<void>;
  exists(pk: string): Promise<boolean>;
  connection(connectionId: string): Promise<ConnectionItem | undefined>;
  connectionsOf(clientId: string, page?: PageOf): Promise<ConnectionItem[]>;
  /** Replaces the version that was read; returns `false` when the stored version is newer. */
  replaceConnection(item: ConnectionItem): Promise<boolean>;
  deleteConnection(connectionId: string): Promise<void>;
  account(connectionId: string, accountId: string): Promise<AccountItem | undefined>;
  accountsOf(clientId: string, page?: PageOf): Promise<AccountItem[]>;
  /** Writes an account unless it exists. */
  addAccountIfNew(item: AccountItem): Promise<void>;
  /** Writes an account; replaces an existing one. */
  putAccount(item: AccountItem): Promise<void>;
  deleteAccount(connectionId: string, accountId: string): Promise<void>;
  apiKeysOf(clientId: string, page?: PageOf): Promise<ApiKeyItem[]>;
  /** Returns `false` when this client has no such key. */
  revokeApiKey(clientId: string, keyId: string, at: string): Promise<boolean>;
}

export interface AdministrationDeps {
  store: ConfigStore;
  masterKeys: MasterKeys;
  clock: Clock;
  /** Returns this many random bytes as hex. */
  randomHex: (bytes: number) => string;
}

export interface NewConnection {
  clientId: string;
  provider: ProviderId;
  webhookSecret?: string | undefined;
  credentials?: Record<string, string> | undefined;
  settings?: Partial<ConnectionSettings> | undefined;
}

/** New settings and new credential headers; what is absent stays. */
export type ConnectionChange = Partial<ConnectionSettings> & {
  credentials?: Record<string, string> | undefined;
};

/** A connection without its tokens and secrets. */
export type ConnectionView = Pick<ConnectionItem, "connectionId" | "provider" | "createdAt"> &
  ConnectionSettings;

const defaultSettings: ConnectionSettings = {
  status: "active",
  signature: "enforce",
  hashForms: hashForm.options,
  allowUnboundJwt: false,
  verifyByFetch: false,
};

/** The use cases of the admin command, the HTTP API and the local run's seed. */
export function makeAdministration(deps: AdministrationDeps) {
  const { store, masterKeys, clock, randomHex } = deps;
  const nowIso = () => new Date(clock.businessMs()).toISOString();

  async function createClient(name: string) {
    const clientId = `cl_${randomHex(8)}`;
    await store.create({ pk: configKey.client(clientId), clientId, name, createdAt: nowIso() });
    return { clientId, name };
  }

  /** Creates an API key. Only its digest is stored: the result is the only place where the key appears. */
  async function createApiKey(clientId: string) {
    await requireClient(clientId);
    const keyId = `key${randomHex(8)}`;
    const secret = randomHex(32);
    const createdAt = nowIso();
    await store.create({
      pk: configKey.apiKey(keyId),
      clientId,
      keyId,
      secretSha256: sha256Hex(secret),
      createdAt,
    });
    return { clientId, keyId, secret, apiKey: `ackwire_${keyId}_${secret}`, createdAt };
  }

  async function listApiKeys(clientId: string, page?: PageOf) {
    const items = await store.apiKeysOf(clientId, page);
    return items.map(({ keyId, createdAt, revokedAt, lastUsedAt }) => ({
      keyId,
      createdAt,
      revokedAt,
      lastUsedAt,
    }));
  }

  /** @throws NOT_FOUND */
  async function revokeApiKey(clientId: string, keyId: string) {
    if (await store.revokeApiKey(clientId, keyId, nowIso())) return;
    throw new Failure("NOT_FOUND", `there is no API key ${keyId}`);
  }

  /**
   * Creates a connection. Only a digest of its token is stored: the inbound path
   * in the result is the only place where the token appears.
   *
   * @throws NOT_FOUND when there is no such client; REQUEST_INVALID
   */
  async function createConnection(of: NewConnection) {
    await requireClient(of.clientId);
    const { name, requiresWebhookSecret } = providerPacks[of.provider];
    if (requiresWebhookSecret && !of.webhookSecret) {
      throw new Failure("REQUEST_INVALID", `${name} signs its webhooks: its secret is missing`);
    }
    const connectionId = `cn_${randomHex(8)}`;
    const token = randomHex(32);
    const pk = configKey.connection(connectionId);
    const item: ConnectionItem = {
      pk,
      clientId: of.clientId,
      connectionId,
      provider: of.provider,
      tokens: [{ sha256: sha256Hex(token) }],
      sealedSecrets: sealSecrets(pk, {
        webhookSecrets: of.webhookSecret ? [{ secret: of.webhookSecret }] : [],
        ...(of.credentials ? { credentials: lowerCased(of.credentials) } : {}),
      }),
      settings: { ...defaultSettings, ...of.settings },
      createdAt: nowIso(),
      version: 1,
    };
    await store.create(item);
    return { ...viewOf(item), inboundPath: inboundPath(item, token) };
  }

  async function listConnections(clientId: string, page?: PageOf): Promise<ConnectionView[]> {
    return (await store.connectionsOf(clientId, page)).map(viewOf);
  }

  /** @throws NOT_FOUND */
  async function getConnection(clientId: string, connectionId: string): Promise<ConnectionView> {
    return viewOf(await requireConnection(clientId, connectionId));
  }

  /** @throws NOT_FOUND; CONFLICT when the connection was changed at the same time */
  async function updateConnection(
    clientId: string,
    connectionId: string,
    { credentials, ...changes }: ConnectionChange,
  ): Promise<ConnectionView> {
    const item = await requireConnection(clientId, connectionId);
    const sealedSecrets = credentials
      ? sealSecrets(item.pk, { ...openSecrets(item), credentials: lowerCased(credentials) })
      : item.sealedSecrets;
    const settings = { ...item.settings, ...changes };
    return viewOf(await replace({ ...item, sealedSecrets, settings }));
  }

  /** Replaces the inbound URL; the old one stays valid for 24 hours. @throws NOT_FOUND, CONFLICT */
  async function rotateToken(clientId: string, connectionId: string) {
    const item = await requireConnection(clientId, connectionId);
    requireRotatable(item.tokens);
    const token = randomHex(32);
    const tokens = rotate(item.tokens, { sha256: sha256Hex(token) }, clock.businessMs());
    await replace({ ...item, tokens });
    return {
      connectionId,
      inboundPath: inboundPath(item, token),
      previousValidUntil: tokens[1]?.validUntil,
    };
  }

  /** Replaces the webhook secret; the old one stays valid for 24 hours. @throws NOT_FOUND, CONFLICT */
  async function rotateSecret(clientId: string, connectionId: string, secret: string) {
    const item = await requireConnection(clientId, connectionId);
    const secrets = openSecrets(item);
    requireRotatable(secrets.webhookSecrets);
    const webhookSecrets = rotate(secrets.webhookSecrets, { secret }, clock.businessMs());
    await replace({
      ...item,
      sealedSecrets: sealSecrets(item.pk, { ...secrets, webhookSecrets }),
    });
    return { connectionId, previousValidUntil: webhookSecrets[1]?.validUntil };
  }

  /** @throws NOT_FOUND */
  async function deleteConnection(clientId: string, connectionId: string): Promise<void> {
    await requireConnection(clientId, connectionId);
    await store.deleteConnection(connectionId);
  }

  /** Registers an account. Events of unregistered accounts are marked where the provider signs nothing. @throws NOT_FOUND, CONFLICT */
  async function addAccount(of: {
    clientId: string;
    connectionId: string;
    accountId: string;
    /** The provider's token of this account. */
    identificationToken?: string | undefined;
    preset?: Preset | undefined;
  }) {
    const { identificationToken: token, preset = DEFAULT_PRESET, ...account } = of;
    const { provider } = await requireConnection(of.clientId, of.connectionId);
    const pk = configKey.account(of.connectionId, of.accountId);
    if (await store.exists(pk)) throw new Failure("CONFLICT", "this account is registered already");
    const sealed = token ? { sealedIdentificationToken: seal(deps, pk, token) } : {};
    await store.create({ pk, ...account, provider, preset, createdAt: nowIso(), ...sealed });
  }

  function requireRotatable(list: Parameters<typeof canRotate>[0]) {
    if (canRotate(list, clock.businessMs())) return;
    throw new Failure("CONFLICT", "rotated too often: wait until an older one has expired");
  }

  async function replace(item: ConnectionItem): Promise<ConnectionItem> {
    if (await store.replaceConnection(item)) return item;
    throw new Failure(
      "CONFLICT",
      "the connection was changed at the same time: read it and try again",
    );
  }

  async function requireClient(clientId: string) {
    if (await store.exists(configKey.client(clientId))) return;
    throw new Failure("NOT_FOUND", `there is no client ${clientId}: create one first`);
  }

  async function requireConnection(clientId: string, connectionId: string) {
    const item = await store.connection(connectionId);
    // The connection of another client must not be distinguishable from none.
    if (item?.clientId === clientId) return item;
    throw new Failure("NOT_FOUND", `there is no connection ${connectionId}`);
  }

  /** @throws DEPENDENCY_DOWN when it was sealed with a master key that is not cached here yet */
  function openSecrets(item: ConnectionItem): ConnectionSecrets {
    const keyId = sealedWith(item.sealedSecrets);
    if (!masterKeys.keys.has(keyId)) {
      throw new Failure("DEPENDENCY_DOWN", `master key ${keyId} is not known here yet: try again`);
    }
    return connectionSecrets.parse(JSON.parse(unseal(masterKeys, item.pk, item.sealedSecrets)));
  }

  function sealSecrets(pk: string, secrets: ConnectionSecrets): string {
    return seal(deps, pk, JSON.stringify(secrets));
  }

  return {
    createClient,
    createApiKey,
    listApiKeys,
    revokeApiKey,
    createConnection,
    listConnections,
    getConnection,
    updateConnection,
    rotateToken,
    rotateSecret,
    deleteConnection,
    addAccount,
    identificationToken: (of: { clientId: string; accountId: string }) =>
      identificationToken(masterKeys, of),
  };
}

export type Administration = ReturnType<typeof makeAdministration>;

/** Header names are case-insensitive. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function inboundPath({ provider, connectionId }: ConnectionItem, token: string): string {
  return `/v1/in/${provider}/${connectionId}/${token}`;
}

function viewOf({ connectionId, provider, createdAt, settings }: ConnectionItem): ConnectionView {
  return { connectionId, provider, createdAt, ...settings };
}
