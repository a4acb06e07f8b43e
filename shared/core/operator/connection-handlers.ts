import type { ConnectionItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { OperatorConnectionView } from "../../contracts/http/operator/connections.ts";
import type { ConnectionView } from "../administration/connections.ts";
import { toIso } from "../clock.ts";
import { quarantinedAt } from "../inbound/quarantine-key.ts";
import type { ClientPages } from "./client-pages.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";

/** Real time for the release of a quarantine in one call. */
const RELEASE_MS = 20_000;

/** Handlers of the operations on connections and quarantines. */
export function connectionHandlers(deps: OperatorDeps, pages: ClientPages) {
  const { store, clock, administration } = deps;

  /** @throws NOT_FOUND, also when it belongs to another client than the one that is named */
  async function requireItem(connectionId: string, clientId?: string): Promise<ConnectionItem> {
    const item = await store.connection(connectionId);
    if (item && (clientId ?? item.clientId) === item.clientId) return item;
    throw new Failure("NOT_FOUND", "there is no such connection");
  }

  async function connectionText(connectionId: string, clientId?: string): Promise<string> {
    const item = await requireItem(connectionId, clientId);
    const { getConnection, previousSecretValidUntil } = await administration();
    const view = await getConnection(item.clientId, connectionId);
    return JSON.stringify(connectionViewOf(item, view, previousSecretValidUntil(item)));
  }

  type Change = (
    admin: Awaited<ReturnType<typeof administration>>,
    item: ConnectionItem,
  ) => Promise<unknown>;

  /** Changes a connection, and returns it as it is then. */
  async function changed(connectionId: string, change: Change): Promise<string> {
    await change(await administration(), await requireItem(connectionId));
    return connectionText(connectionId);
  }

  return {
    async listConnections({ query }) {
      const { viewOfItem, previousSecretValidUntil } = await administration();
      const page = await pages.byClient(
        "connections",
        query,
        async (clientId, of) =>
          (await store.connectionsOf(clientId, of)).map((item) =>
            connectionViewOf(item, viewOfItem(item), previousSecretValidUntil(item)),
          ),
        ({ connectionId }) => connectionId,
      );
      return JSON.stringify(page);
    },

    getConnection: async ({ params, query }) => connectionText(params.connectionId, query.clientId),

    pauseConnection: async ({ params: { connectionId } }) =>
      changed(connectionId, ({ updateConnection }, { clientId }) =>
        updateConnection(clientId, connectionId, { status: "paused" }),
      ),

    resumeConnection: async ({ params: { connectionId } }) =>
      changed(connectionId, ({ updateConnection }, { clientId }) =>
        updateConnection(clientId, connectionId, { status: "active" }),
      ),

    changeConnectionSettings: async ({ params: { connectionId }, body: { why: _, ...settings } }) =>
      changed(connectionId, ({ updateConnection }, { clientId }) =>
        updateConnection(clientId, connectionId, settings),
      ),

    setConnectionCredentials: async ({ params: { connectionId }, body }) =>
      changed(connectionId, ({ updateConnection }, { clientId, pausedBecause }) =>
        updateConnection(clientId, connectionId, {
          credentials: body.credentials,
          ...(pausedBecause === "CREDENTIALS_REFUSED" ? { status: "active" as const } : {}),
        }),
      ),

    rotateConnectionSecret: async ({ params: { connectionId }, body }) =>
      changed(connectionId, ({ rotateSecret }, { clientId }) =>
        rotateSecret(clientId, connectionId, body.webhookSecret, body.overlapHours),
      ),

    async listQuarantine({ params, query }) {
      await requireItem(params.connectionId);
      const items: { key: string; at: string }[] = [];
      for await (const key of deps.quarantine.keys(params.connectionId)) {
        if (items.length === query.limit) return JSON.stringify({ items, hasMore: true });
        items.push({ key, at: toIso(quarantinedAt(key)) });
      }
      return JSON.stringify({ items, hasMore: false });
    },

    async releaseQuarantine({ params }) {
      await requireItem(params.connectionId);
      const connection = await deps.readConnection(params.connectionId);
      if (!connection) throw new Failure("NOT_FOUND", "there is no such connection");
      return JSON.stringify(await deps.releaseQuarantine(connection, clock.realMs() + RELEASE_MS));
    },
  } satisfies Partial<OperatorHandlers>;
}

/** A connection as an operator sees it. It contains no secret. */
export function connectionViewOf(
  { clientId, refused }: ConnectionItem,
  view: ConnectionView,
  previousSecretValidUntil: string | undefined,
): OperatorConnectionView {
  return {
    ...view,
    clientId,
    hasCredentials: view.hasCredentials ?? false,
    ...(refused ? { refused: { ...refused, reason: "their signature does not match" } } : {}),
    ...(previousSecretValidUntil === undefined ? {} : { previousSecretValidUntil }),
  };
}
