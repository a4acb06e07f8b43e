import type { AccountItem, ConnectionItem } from "../../contracts/config-items.ts";
import type { FoundView } from "../../contracts/http/operator/find.ts";
import { toIso } from "../clock.ts";
import type { StoredEvent } from "../events/read-events.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { laneId } from "../requests/acceptance/request-id.ts";
import { activePause } from "../requests/state/pause-after.ts";
import type { Lane, RequestRecord } from "../requests/state/record.ts";
import type { OperatorDeps } from "./ports.ts";

/** Clients, and connections of each, that are looked through at the same time. */
const CONCURRENCY = 10;

interface Wanted {
  id: string;
  /** The clients among whose connections and accounts it is looked for. */
  clients: readonly string[];
  ofRequest: (request: RequestRecord) => Promise<FoundView>;
  ofEvent: (event: StoredEvent) => Promise<FoundView>;
}

/**
 * Finds a client, connection, webhook or account, or what a provider's id stands for. The latter
 * three are looked up for each client: no index holds them.
 */
export async function findConfigured(deps: OperatorDeps, wanted: Wanted): Promise<FoundView[]> {
  const { id } = wanted;
  if (/^cl_[0-9a-f]+$/.test(id)) return ofClient(deps, id);
  if (/^cn_[0-9a-f]+$/.test(id)) return ofConnection(deps, id);
  const found: FoundView[] = [];
  await forEachConcurrent(wanted.clients, CONCURRENCY, async (clientId) => {
    found.push(
      ...(/^wh_[0-9a-f]+$/.test(id)
        ? await ofWebhook(deps, clientId, id)
        : await ofProvider(deps, clientId, wanted)),
    );
  });
  return found;
}

async function ofClient({ store }: OperatorDeps, id: string): Promise<FoundView[]> {
  const client = await store.client(id);
  if (!client) return [];
  const story = [{ at: client.createdAt, kind: "created" as const, title: "It was created" }];
  return [{ id, kind: "client", clientId: id, title: client.name, story }];
}

async function ofConnection({ store }: OperatorDeps, id: string): Promise<FoundView[]> {
  const item = await store.connection(id);
  if (!item) return [];
  const { clientId, provider, createdAt, settings, refused, pausedBecause } = item;
  const isPaused = settings.status === "paused";
  return [
    {
      ...{ id, kind: "connection", clientId, connectionId: id, status: settings.status },
      title: `A connection to ${provider}`,
      story: [
        { at: createdAt, kind: "created", title: "It was created" },
        ...(refused
          ? [
              {
                at: refused.lastAt,
                kind: "webhook" as const,
                title: `${refused.count} webhooks were refused since ${refused.since}`,
                isFailure: true as const,
              },
            ]
          : []),
        ...(isPaused
          ? [
              {
                kind: "paused" as const,
                title: "It is paused",
                detail: pausedBecause ?? "A person has paused it.",
                isFailure: true as const,
              },
            ]
          : []),
      ],
    },
  ];
}

async function ofWebhook(deps: OperatorDeps, clientId: string, id: string): Promise<FoundView[]> {
  const webhook = await deps.webhookStore.find(clientId);
  if (!webhook) return [];
  const earlier = webhook.previousWebhooks.find(({ webhookId }) => webhookId === id);
  if (webhook.webhookId !== id && !earlier) return [];
  const { status, createdAt, disabledAt, disabledReason } = webhook;
  return [
    {
      ...{ id, kind: "webhook", clientId, title: "A client's webhook" },
      status: earlier?.status ?? status,
      story: earlier
        ? [{ kind: "note", title: `It is ${earlier.status}, and another has replaced it` }]
        : [
            { at: createdAt, kind: "created", title: "It was registered" },
            ...(disabledAt === undefined
              ? []
              : [
                  {
                    at: disabledAt,
                    kind: "paused" as const,
                    title: "It was disabled",
                    ...(disabledReason === undefined ? {} : { detail: disabledReason }),
                    isFailure: true as const,
                  },
                ]),
          ],
    },
  ];
}

/** What is stored of an account: its registration, its lane, or both. */
interface StoredAccount {
  account: AccountItem | undefined;
  lane: Lane | undefined;
}

/** The account of this id at each connection, where anything of it is stored. */
async function accountsAt(
  { store, lanes }: OperatorDeps,
  connections: readonly ConnectionItem[],
  accountId: string,
): Promise<Map<string, StoredAccount>> {
  const found = new Map<string, StoredAccount>();
  await forEachConcurrent(connections, CONCURRENCY, async (connection) => {
    const { clientId, provider, connectionId } = connection;
    const [account, lane] = await Promise.all([
      store.account(connectionId, accountId),
      lanes.find(laneId({ clientId, provider, connectionId, accountId })),
    ]);
    // An account of which requests were made need not be registered.
    if (account || lane) found.set(connectionId, { account, lane });
  });
  return found;
}

/** A request or event by its id at the provider, or an account, of one client. */
async function ofProvider(
  deps: OperatorDeps,
  clientId: string,
  { id, ofRequest, ofEvent }: Wanted,
): Promise<FoundView[]> {
  const connections = await deps.store.connectionsOf(clientId);
  const of = connections.map(({ connectionId }) => ({ connectionId, providerRequestId: id }));
  const [references, accounts] = await Promise.all([
    of.length === 0 ? [] : deps.references.findByProviderIds(of),
    accountsAt(deps, connections, id),
  ]);
  const found: FoundView[] = [];
  for (const { reference } of references) {
    if (!reference) continue;
    if ("requestId" in reference) {
      const request = await deps.requestStore.find(reference.requestId);
      if (request?.clientId === clientId) found.push(await ofRequest(request));
    } else {
      const event = await deps.reader.find(reference.eventId);
      if (event?.clientId === clientId) found.push(await ofEvent(event));
    }
  }
  for (const { connectionId, provider } of connections) {
    const stored = accounts.get(connectionId);
    if (!stored) continue;
    const { account, lane } = stored;
    const pause = activePause(lane?.pause, deps.clock.businessMs());
    found.push({
      ...{ id, kind: "account", clientId, connectionId, accountId: id },
      title: `An account at ${provider}`,
      status: pause ? "paused" : "active",
      story: [
        ...(account
          ? [{ at: account.createdAt, kind: "created" as const, title: "It was registered" }]
          : [{ kind: "note" as const, title: "It is not registered; requests were made for it" }]),
        ...(pause
          ? [
              {
                kind: "paused" as const,
                title: "It is paused",
                detail: `${pause.reason}${pause.untilMs === undefined ? "" : ` until ${toIso(pause.untilMs)}`}`,
                isFailure: true as const,
              },
            ]
          : []),
        ...(lane && lane.waitingCount > 0
          ? [{ kind: "waits" as const, title: `${lane.waitingCount} of its requests wait` }]
          : []),
      ],
    });
  }
  return found;
}
