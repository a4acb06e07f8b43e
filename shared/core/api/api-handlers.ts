import { openApi } from "../../contracts/http/openapi.ts";
import type { HandlerAnswer } from "../../contracts/http/operation.ts";
import type { Accounts } from "../administration/accounts.ts";
import type { Administration } from "../administration/administration.ts";
import { endOfCreatedKey } from "../administration/key-end.ts";
import type { Clock } from "../clock.ts";
import { overlapOf } from "../connections/rotation.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";
import type { Deliveries } from "../deliveries/deliveries.ts";
import type { Webhooks } from "../deliveries/webhooks/webhooks.ts";
import { type EventReader, makeReadEvents } from "../events/read-events.ts";
import { type PageOf, readPage } from "../input/cursor.ts";
import type { Recurring } from "../requests/recurring/recurring.ts";
import type { Requests } from "../requests/requests.ts";
import { portalLinkOf } from "./authentication/portal-token.ts";
import { makeDialectHandlers } from "./dialects/dialect-handlers.ts";
import type { ApiHandlers } from "./handlers/api-operations.ts";
import { recurringHandlers } from "./handlers/recurring.ts";
import { accountHandlers, requestHandlers } from "./handlers/requests.ts";
import { webhookHandlers } from "./handlers/webhooks.ts";

export interface ApiHandlerDeps {
  reader: EventReader;
  requests: Requests;
  accounts: Accounts;
  recurring: Recurring;
  webhooks: Webhooks;
  deliveries: Deliveries;
  /** Created when it is first needed, because it reads the master keys. @throws DEPENDENCY_DOWN */
  administration: () => Promise<Administration>;
  /** @throws DEPENDENCY_DOWN */
  masterKeys: (keyId?: string) => Promise<MasterKeys>;
  clock: Clock;
  /** Where the console is; absent where there is none. */
  consoleUrl?: string | undefined;
}

/** One handler per operation of the API, dialects included, by operation id. */
export function makeApiHandlers(
  deps: ApiHandlerDeps,
): Readonly<Record<string, (input: never) => Promise<HandlerAnswer>>> {
  const native: ApiHandlers = {
    ...publicHandlers,
    ...eventHandlers(deps),
    ...administrationHandlers(deps),
    ...requestHandlers(deps),
    ...accountHandlers(deps),
    ...recurringHandlers(deps),
    ...webhookHandlers(deps),
  };
  return { ...native, ...makeDialectHandlers(deps) };
}

const publicHandlers = {
  getHealth: async () => '{"status":"ok"}',
  getOpenApi: async () => openApi(),
} satisfies Partial<ApiHandlers>;

function eventHandlers({ reader }: ApiHandlerDeps) {
  const events = makeReadEvents({ reader });
  return {
    listEvents: async ({ clientId, query }) => events.list(clientId, query),
    getEvent: async ({ clientId, params }) => events.get(clientId, params.id),
  } satisfies Partial<ApiHandlers>;
}

function administrationHandlers({ administration, masterKeys, clock, consoleUrl }: ApiHandlerDeps) {
  return {
    async createConnection({ clientId, origin, body }) {
      const { provider, webhookSecret, credentials, ...settings } = body;
      const { inboundPath, ...view } = await (await administration()).createConnection({
        clientId,
        provider,
        webhookSecret,
        credentials,
        settings,
      });
      return JSON.stringify({ ...view, inboundUrl: `${origin}${inboundPath}` });
    },
    async listConnections({ clientId, query }) {
      const { listConnections } = await administration();
      const read = (page: PageOf) => listConnections(clientId, page);
      const keyOf = ({ connectionId }: { connectionId: string }) => connectionId;
      const of = { ...query, list: "connections", clientId } as const;
      return JSON.stringify(await readPage({ ...of, read, keyOf }));
    },
    async getConnection({ clientId, params }) {
      const { getConnection } = await administration();
      return JSON.stringify(await getConnection(clientId, params.connectionId));
    },
    async updateConnection({ clientId, params, body }) {
      const { updateConnection } = await administration();
      return JSON.stringify(await updateConnection(clientId, params.connectionId, body));
    },
    async deleteConnection({ clientId, params }) {
      await (await administration()).deleteConnection(clientId, params.connectionId);
      return undefined;
    },
    async rotateConnectionToken({ clientId, origin, params, query }) {
      const { rotateToken } = await administration();
      const { inboundPath, ...rotated } = await rotateToken(
        clientId,
        params.connectionId,
        overlapOf(query).overlapHours,
      );
      return JSON.stringify({ ...rotated, inboundUrl: `${origin}${inboundPath}` });
    },
    async rotateConnectionSecret({ clientId, params, query, body }) {
      const { rotateSecret } = await administration();
      return JSON.stringify(
        await rotateSecret(
          clientId,
          params.connectionId,
          body.webhookSecret,
          overlapOf(query).overlapHours,
        ),
      );
    },
    async createKey({ clientId, keyExpiresAt, query }) {
      const { createApiKey } = await administration();
      const of = {
        scopes: query.scope && [query.scope],
        expiresAt: endOfCreatedKey(query.expiresAt, keyExpiresAt),
      };
      const { keyId, apiKey, createdAt, scopes, expiresAt } = await createApiKey(clientId, of);
      return JSON.stringify({ keyId, apiKey, createdAt, scopes, expiresAt });
    },
    async createPortalLink({ clientId }) {
      const of = { clientId, nowMs: clock.realMs(), consoleUrl };
      return JSON.stringify(portalLinkOf(await masterKeys(), of));
    },
    async listKeys({ clientId, query }) {
      const { listApiKeys } = await administration();
      const read = (page: PageOf) => listApiKeys(clientId, page);
      const keyOf = ({ keyId }: { keyId: string }) => keyId;
      const of = { ...query, list: "keys", clientId } as const;
      return JSON.stringify(await readPage({ ...of, read, keyOf }));
    },
    async revokeKey({ clientId, params }) {
      await (await administration()).revokeApiKey(clientId, params.keyId);
      return undefined;
    },
  } satisfies Partial<ApiHandlers>;
}
