import {
  type AccountItem,
  type ConnectionItem,
  configKey,
} from "../../../shared/contracts/config-items.ts";
import type { FoundView } from "../../../shared/contracts/http/operator/find.ts";
import type { StoredEvent } from "../../../shared/core/events/read-events.ts";
import { makeClientPages } from "../../../shared/core/operator/client-pages.ts";
import { findHandlers } from "../../../shared/core/operator/find-handlers.ts";
import type { OperatorDeps } from "../../../shared/core/operator/ports.ts";
import type { ReferenceStore } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import type { Wait } from "../../../shared/core/requests/state/request-view.ts";
import { makeMemoryDeliveries } from "../memory/memory-deliveries.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { makeTestClock } from "./clocks.ts";

const createdAt = "2026-06-25T12:00:00.000Z";

/** The operator's operation `find` over stores in memory, for three clients. */
export function makeFindOperation() {
  const clock = makeTestClock();
  const { lanes, references, requests } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const { deliveries, jobs, webhooks } = makeMemoryDeliveries({ clock });
  const names = new Map([
    ["cl_a1", "Acme"],
    ["cl_b2", "Beta"],
    ["cl_c3", "Gamma"],
  ]);
  const connections: ConnectionItem[] = [];
  const accounts: AccountItem[] = [];
  const events = new Map<string, StoredEvent>();
  const waits = new Map<string, Wait>();
  const explained: (readonly RequestRecord[])[] = [];

  const deps = {
    ...{ clock, jobs, lanes, requestStore: requests },
    ...{ deliveryStore: deliveries, webhookStore: webhooks },
    reader: { find: async (id: string) => events.get(id) },
    references: {
      async findByProviderIds(of: Parameters<ReferenceStore["findByProviderIds"]>[0]) {
        if (of.length === 0) throw new Error("there is nothing to look up");
        return references.findByProviderIds(of);
      },
    },
    async explainWaits(of: readonly RequestRecord[]) {
      explained.push(of);
      return waits;
    },
    store: {
      clientIds: async () => [...names.keys()],
      async client(clientId: string) {
        const name = names.get(clientId);
        return name === undefined ? undefined : { clientId, name, createdAt };
      },
      connection: async (id: string) => connections.find((one) => one.connectionId === id),
      connectionsOf: async (id: string) => connections.filter((one) => one.clientId === id),
      account: async (connectionId: string, accountId: string) =>
        accounts.find((one) => one.connectionId === connectionId && one.accountId === accountId),
    },
  } as unknown as OperatorDeps;
  const handlers = findHandlers(deps, makeClientPages(deps));

  return {
    ...{ clock, deliveries, explained, jobs, lanes, references, requests, waits, webhooks },

    async find(id: string, clientId?: string): Promise<FoundView[]> {
      const input = { params: { id }, query: clientId === undefined ? {} : { clientId } };
      return JSON.parse(await handlers.find(input as never)).items;
    },

    /** Stores an event of the first client, with overrides. */
    addEvent(id: string, of: { data?: object } & Partial<StoredEvent> = {}): void {
      const { data = {}, ...more } = of;
      const [type] = id.split(":");
      const envelope = JSON.stringify({ id, type, createdAt, data });
      events.set(id, { id, clientId: "cl_a1", envelope, ...more });
    },

    addConnection(clientId: string, connectionId: string, of: Partial<ConnectionItem> = {}): void {
      connections.push({
        ...{ pk: configKey.connection(connectionId), clientId, connectionId, createdAt },
        ...{ provider: "we-link", tokens: [], sealedSecrets: "sealed", version: 1 },
        settings: {
          ...{ status: "active", signature: "enforce", hashForms: ["raw"] },
          ...{ allowUnboundJwt: false, verifyByFetch: false },
        },
        ...of,
      });
    },

    addAccount(clientId: string, connectionId: string, accountId: string): void {
      const pk = configKey.account(connectionId, accountId);
      accounts.push({ pk, clientId, connectionId, accountId, createdAt, provider: "we-link" });
    },
  };
}
