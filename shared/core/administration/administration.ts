import type { ClientScope } from "../../contracts/client-scope.ts";
import { CLIENT_DIRECTORY, configKey } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { DEFAULT_PRESET, type Preset } from "../../contracts/pace.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { seal } from "../crypto/master-keys.ts";
import type { PageOf } from "../input/cursor.ts";
import { makeConnectionAdministration, requireConnection } from "./connections.ts";
import { identificationToken } from "./identification-token.ts";
import { isValidAt } from "./key-end.ts";
import { makeOperatorKeys } from "./operator-keys.ts";
import { type AdministrationDeps, requireStoredClient } from "./ports.ts";

/** API keys of one client that are neither revoked nor expired. */
const MAX_ACTIVE_KEYS = 100;

/** The use cases of the admin command, the HTTP API and the local run's seed. */
export function makeAdministration(deps: AdministrationDeps) {
  const { store, masterKeys, clock, randomHex } = deps;
  const nowIso = () => new Date(clock.businessMs()).toISOString();

  async function createClient(name: string) {
    const clientId = `cl_${randomHex(8)}`;
    const createdAt = nowIso();
    // Listed first: a list leaves out a client that is not there.
    const listed = { pk: configKey.listedClient(clientId), clientId: CLIENT_DIRECTORY, createdAt };
    await store.create(listed);
    await store.create({ pk: configKey.client(clientId), clientId, name, createdAt });
    return { clientId, name, createdAt };
  }

  /**
   * Creates an API key. Only its digest is stored: the result is the only place where the key appears.
   *
   * @param of absent: every scope, and no end
   * @throws NOT_FOUND; CONFLICT when the client has `MAX_ACTIVE_KEYS` already
   */
  async function createApiKey(
    clientId: string,
    {
      scopes,
      expiresAt,
    }: { scopes?: ClientScope[] | undefined; expiresAt?: string | undefined } = {},
  ) {
    await requireClient(clientId);
    await requireRoomForKey(clientId);
    const keyId = `key${randomHex(8)}`;
    const secret = randomHex(32);
    const createdAt = nowIso();
    await store.create({
      pk: configKey.apiKey(keyId),
      clientId,
      keyId,
      secretSha256: sha256Hex(secret),
      createdAt,
      ...(scopes ? { scopes } : {}),
      ...(expiresAt ? { expiresAt } : {}),
    });
    const apiKey = `ackwire_${keyId}_${secret}`;
    return { clientId, keyId, secret, apiKey, createdAt, scopes, expiresAt };
  }

  /** Calls at the same moment may exceed the limit: they count before they write. @throws CONFLICT */
  async function requireRoomForKey(clientId: string): Promise<void> {
    const nowMs = clock.businessMs();
    const active = (await store.apiKeysOf(clientId)).filter((key) => isValidAt(key, nowMs));
    if (active.length < MAX_ACTIVE_KEYS) return;
    throw new Failure(
      "CONFLICT",
      `the client has ${MAX_ACTIVE_KEYS} active API keys: revoke one before creating another`,
    );
  }

  async function listApiKeys(clientId: string, page?: PageOf) {
    const items = await store.apiKeysOf(clientId, page);
    return items.map(({ keyId, scopes, createdAt, expiresAt, revokedAt, lastUsedAt }) => ({
      keyId,
      scopes,
      createdAt,
      expiresAt,
      revokedAt,
      lastUsedAt,
    }));
  }

  /** @throws NOT_FOUND */
  async function revokeApiKey(clientId: string, keyId: string) {
    if (await store.revokeApiKey(clientId, keyId, nowIso())) return;
    throw new Failure("NOT_FOUND", `there is no API key ${keyId}`);
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
    const { provider } = await requireConnection(store, of);
    const pk = configKey.account(of.connectionId, of.accountId);
    if (await store.exists(pk)) throw new Failure("CONFLICT", "this account is registered already");
    const sealed = token ? { sealedIdentificationToken: seal(deps, pk, token) } : {};
    await store.create({ pk, ...account, provider, preset, createdAt: nowIso(), ...sealed });
  }

  const requireClient = (clientId: string) => requireStoredClient(store, clientId);

  return {
    createClient,
    createApiKey,
    listApiKeys,
    revokeApiKey,
    ...makeOperatorKeys(deps),
    ...makeConnectionAdministration(deps),
    addAccount,
    identificationToken: (of: { clientId: string; accountId: string }) =>
      identificationToken(masterKeys, of),
  };
}

export type Administration = ReturnType<typeof makeAdministration>;
