import { clientScope } from "../../contracts/client-scope.ts";
import type { ApiKeyItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import { endOfCreatedKey, isValidAt } from "../administration/key-end.ts";
import { portalLinkOf } from "../api/authentication/portal-token.ts";
import { toIso } from "../clock.ts";
import { readPage } from "../input/cursor.ts";
import type { OperatorCaller } from "./authenticate-operator.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";

/** Handlers of the operations on clients, their keys, portal links and operator keys. */
export function clientHandlers(deps: OperatorDeps) {
  const { store, administration } = deps;

  /** @throws NOT_FOUND */
  async function requireClient(clientId: string) {
    const client = await store.client(clientId);
    if (client) return client;
    throw new Failure("NOT_FOUND", "there is no such client");
  }

  return {
    async listClients({ query }) {
      const page = await readPage({
        ...query,
        list: "clients",
        clientId: "",
        read: (of) => store.clientIds(of),
        keyOf: (clientId) => clientId,
      });
      const found = await Promise.all(page.items.map((clientId) => store.client(clientId)));
      const items = found.flatMap((client) =>
        client
          ? [{ clientId: client.clientId, name: client.name, createdAt: client.createdAt }]
          : [],
      );
      return JSON.stringify({ ...page, items });
    },

    async getClient({ params: { clientId } }) {
      const { name, createdAt } = await requireClient(clientId);
      const [keys, connections, accounts, webhook] = await Promise.all([
        store.apiKeysOf(clientId),
        store.connectionsOf(clientId),
        store.accountsOf(clientId),
        deps.webhookStore.find(clientId),
      ]);
      const isActive = webhook && webhook.status !== "deleted";
      return JSON.stringify({
        ...{ clientId, name, createdAt },
        activeKeys: keys.filter((key) => isValidAt(key, deps.clock.businessMs())).length,
        connections: connections.length,
        accounts: accounts.length,
        ...(isActive ? { webhookStatus: webhook.status } : {}),
      });
    },

    createClient: async ({ body }) =>
      JSON.stringify(await (await administration()).createClient(body.name)),

    async listClientKeys({ params: { clientId }, query }) {
      await requireClient(clientId);
      const page = await readPage({
        ...query,
        list: "keys",
        clientId,
        read: (of) => store.apiKeysOf(clientId, of),
        keyOf: ({ keyId }) => keyId,
      });
      return JSON.stringify({ ...page, items: page.items.map(keyView) });
    },

    async createClientKey({ params, body, caller }) {
      const expiresAt = endOfCreatedKey(body.expiresAt, endOf(caller));
      const admin = await administration();
      const made = await admin.createApiKey(params.clientId, { scopes: body.scopes, expiresAt });
      return JSON.stringify({ ...keyView(made), apiKey: made.apiKey });
    },

    async revokeClientKey({ params: { clientId, keyId } }) {
      await (await administration()).revokeApiKey(clientId, keyId);
      const key = (await store.apiKeysOf(clientId)).find((one) => one.keyId === keyId);
      if (!key) throw new Failure("NOT_FOUND", "there is no such key");
      const revokedAt = key.revokedAt ?? toIso(deps.clock.businessMs());
      return JSON.stringify(keyView({ ...key, revokedAt }));
    },

    async createPortalLink({ params: { clientId } }) {
      await requireClient(clientId);
      const { clock, consoleUrl } = deps;
      const of = { clientId, nowMs: clock.realMs(), consoleUrl };
      return JSON.stringify(portalLinkOf(await deps.masterKeys(), of));
    },

    async listOperatorKeys({ query }) {
      const { listOperatorKeys } = await administration();
      const page = await readPage({
        ...query,
        list: "operatorKeys",
        clientId: "",
        read: (of) => listOperatorKeys(of),
        keyOf: ({ keyId }) => keyId,
      });
      return JSON.stringify(page);
    },

    async createOperatorKey({ body: { name, scope, ...body }, caller }) {
      const expiresAt = endOfCreatedKey(body.expiresAt, endOf(caller));
      const admin = await administration();
      return JSON.stringify(await admin.createOperatorKey({ name, scope, expiresAt }));
    },

    revokeOperatorKey: async ({ params }) =>
      JSON.stringify(await (await administration()).revokeOperatorKey(params.keyId)),
  } satisfies Partial<OperatorHandlers>;
}

/** When the key of a caller expires. */
const endOf = ({ expiresMs }: OperatorCaller) =>
  expiresMs === undefined ? undefined : toIso(expiresMs);

function keyView(
  key: Pick<ApiKeyItem, "keyId" | "createdAt"> &
    Partial<Pick<ApiKeyItem, "scopes" | "expiresAt" | "revokedAt" | "lastUsedAt">>,
) {
  const { keyId, scopes = clientScope.options, createdAt, expiresAt, revokedAt, lastUsedAt } = key;
  return { keyId, scopes, createdAt, expiresAt, revokedAt, lastUsedAt };
}
