import {
  type ConnectionItem,
  type ConnectionSecrets,
  type ConnectionSettings,
  configKey,
  connectionSecrets,
} from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { hashForm } from "../../contracts/webhook-forms.ts";
import { canRotate, type RotationTime, rotate } from "../connections/rotation.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { seal, sealedWith, unseal } from "../crypto/master-keys.ts";
import type { PageOf } from "../input/cursor.ts";
import { type AdministrationDeps, type ConfigStore, requireStoredClient } from "./ports.ts";

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
export type ConnectionView = Pick<
  ConnectionItem,
  "connectionId" | "provider" | "createdAt" | "pausedBecause"
> &
  ConnectionSettings & {
    /** Whether it has credentials, without which nothing can be submitted; absent when that cannot be read now. */
    hasCredentials?: boolean | undefined;
  };

/** Connections of one client. */
const MAX_CONNECTIONS = 1_000;

const defaultSettings: ConnectionSettings = {
  status: "active",
  signature: "enforce",
  hashForms: hashForm.options,
  allowUnboundJwt: false,
  verifyByFetch: false,
};

/** The use cases on connections. */
export function makeConnectionAdministration(deps: AdministrationDeps) {
  const { store, masterKeys, clock, randomHex } = deps;
  const nowIso = () => new Date(clock.businessMs()).toISOString();

  /**
   * Creates a connection. Only a digest of its token is stored: the inbound path
   * in the result is the only place where the token appears.
   *
   * @throws NOT_FOUND when there is no such client; REQUEST_INVALID; CONFLICT when the client has
   *   `MAX_CONNECTIONS` already
   */
  async function createConnection(of: NewConnection) {
    await requireStoredClient(store, of.clientId);
    const { name, requiresWebhookSecret } = providerPacks[of.provider];
    if (requiresWebhookSecret && !of.webhookSecret) {
      throw new Failure("REQUEST_INVALID", `${name} signs its webhooks: its secret is missing`);
    }
    requireConfirmable(of.settings?.verifyByFetch, of.credentials);
    await requireRoom(of.clientId);
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

  /** Calls at the same moment may exceed the limit: they count before they write. @throws CONFLICT */
  async function requireRoom(clientId: string): Promise<void> {
    if ((await store.countConnections(clientId, MAX_CONNECTIONS)) < MAX_CONNECTIONS) return;
    throw new Failure(
      "CONFLICT",
      `the client has ${MAX_CONNECTIONS} connections: delete one before creating another`,
    );
  }

  async function listConnections(clientId: string, page?: PageOf): Promise<ConnectionView[]> {
    return (await store.connectionsOf(clientId, page)).map(viewOf);
  }

  /** @throws NOT_FOUND */
  async function getConnection(clientId: string, connectionId: string): Promise<ConnectionView> {
    return viewOf(await requireConnection(store, { clientId, connectionId }));
  }

  /** @throws NOT_FOUND; CONFLICT when the connection was changed at the same time */
  async function updateConnection(
    clientId: string,
    connectionId: string,
    { credentials, ...changes }: ConnectionChange,
  ): Promise<ConnectionView> {
    const item = await requireConnection(store, { clientId, connectionId });
    if (changes.verifyByFetch) {
      requireConfirmable(true, credentials ?? openSecrets(item).credentials);
    }
    const sealedSecrets = credentials
      ? sealSecrets(item.pk, { ...openSecrets(item), credentials: lowerCased(credentials) })
      : item.sealedSecrets;
    const settings = { ...item.settings, ...changes };
    // Whoever sets the status knows the reason of an earlier pause.
    const { pausedBecause, ...unpaused } = item;
    const kept = changes.status === undefined ? item : unpaused;
    const replaced = await replace({ ...kept, sealedSecrets, settings });
    if (changes.status === "active") await deps.wakeLanesOf(item);
    return viewOf(replaced);
  }

  /**
   * Replaces the inbound URL.
   *
   * @param overlapHours for how long the old one stays valid; 0: not any more, except for
   *   `connectionCacheSeconds` in functions that remember the connection
   * @throws NOT_FOUND, CONFLICT
   */
  async function rotateToken(clientId: string, connectionId: string, overlapHours?: number) {
    const item = await requireConnection(store, { clientId, connectionId });
    const time = { nowMs: clock.businessMs(), overlapHours };
    requireRotatable(item.tokens, time);
    const token = randomHex(32);
    const tokens = rotate(item.tokens, { sha256: sha256Hex(token) }, time);
    await replace({ ...item, tokens });
    return {
      connectionId,
      inboundPath: inboundPath(item, token),
      previousValidUntil: tokens[1]?.validUntil,
    };
  }

  /** Replaces the webhook secret; `overlapHours` as for `rotateToken`. @throws NOT_FOUND, CONFLICT */
  async function rotateSecret(
    clientId: string,
    connectionId: string,
    secret: string,
    overlapHours?: number,
  ) {
    const item = await requireConnection(store, { clientId, connectionId });
    const secrets = openSecrets(item);
    const time = { nowMs: clock.businessMs(), overlapHours };
    requireRotatable(secrets.webhookSecrets, time);
    const webhookSecrets = rotate(secrets.webhookSecrets, { secret }, time);
    // Those that were refused were not signed with this secret.
    const { refused: _, ...others } = item;
    await replace({
      ...others,
      sealedSecrets: sealSecrets(item.pk, { ...secrets, webhookSecrets }),
    });
    return { connectionId, previousValidUntil: webhookSecrets[1]?.validUntil };
  }

  /** @throws NOT_FOUND */
  async function deleteConnection(clientId: string, connectionId: string): Promise<void> {
    await requireConnection(store, { clientId, connectionId });
    await store.deleteConnection(connectionId);
  }

  function requireRotatable(list: Parameters<typeof canRotate>[0], time: RotationTime) {
    if (canRotate(list, time)) return;
    throw new Failure(
      "CONFLICT",
      "rotated too often: wait until an older one has expired, or cut all of them with overlapHours 0",
    );
  }

  function viewOf(item: ConnectionItem): ConnectionView {
    const { connectionId, provider, createdAt, settings, pausedBecause } = item;
    return {
      ...{ connectionId, provider, createdAt },
      ...settings,
      ...(isReadable(item) ? { hasCredentials: openSecrets(item).credentials !== undefined } : {}),
      ...(settings.status === "paused" && pausedBecause !== undefined ? { pausedBecause } : {}),
    };
  }

  /** Until when the secret before the current one is accepted; `undefined` where none is, or that cannot be read here yet. */
  function previousSecretValidUntil(item: ConnectionItem): string | undefined {
    if (!isReadable(item)) return undefined;
    const [, previous] = openSecrets(item).webhookSecrets;
    const { validUntil } = previous ?? {};
    const isValid = validUntil !== undefined && Date.parse(validUntil) > clock.businessMs();
    return isValid ? validUntil : undefined;
  }

  /** One that was sealed with a master key that is not cached here yet is not. */
  const isReadable = ({ sealedSecrets }: ConnectionItem) =>
    masterKeys.keys.has(sealedWith(sealedSecrets));

  async function replace(item: ConnectionItem): Promise<ConnectionItem> {
    if (await store.replaceConnection(item)) return item;
    throw new Failure(
      "CONFLICT",
      "the connection was changed at the same time: read it and try again",
    );
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
    createConnection,
    /** The view of a connection that was read already. */
    viewOfItem: viewOf,
    previousSecretValidUntil,
    listConnections,
    getConnection,
    updateConnection,
    rotateToken,
    rotateSecret,
    deleteConnection,
  };
}

/** @throws NOT_FOUND, also for a connection of another client, which must not be distinguishable from none */
export async function requireConnection(
  store: Pick<ConfigStore, "connection">,
  { clientId, connectionId }: { clientId: string; connectionId: string },
): Promise<ConnectionItem> {
  const item = await store.connection(connectionId);
  if (item?.clientId === clientId) return item;
  throw new Failure("NOT_FOUND", `there is no connection ${connectionId}`);
}

/** Header names are case-insensitive. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function inboundPath({ provider, connectionId }: ConnectionItem, token: string): string {
  return `/v1/in/${provider}/${connectionId}/${token}`;
}

/** @throws REQUEST_INVALID when webhooks would be confirmed by calls that the provider refuses */
function requireConfirmable(
  verifyByFetch: boolean | undefined,
  credentials: Readonly<Record<string, string>> | undefined,
): void {
  if (!verifyByFetch || credentials !== undefined) return;
  throw new Failure(
    "REQUEST_INVALID",
    "verifyByFetch asks the provider about each webhook, and the connection has no credentials for that: set credentials too",
  );
}
