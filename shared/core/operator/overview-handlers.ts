import type { NeedView } from "../../contracts/http/operator/overview.ts";
import { settingsSchema } from "../../contracts/settings.ts";
import { VERSION } from "../../contracts/version.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { type ClientPages, MAX_MERGED_CLIENTS } from "./client-pages.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import { makeMemory } from "./memory.ts";
import { makeClientNeeds, needsOfQueues } from "./needs.ts";
import type { OperatorDeps, QueueCounts } from "./ports.ts";
import { makeReadLanes } from "./read-lanes.ts";
import { readTraffic } from "./traffic.ts";

const LANES_SHOWN = 10;

/** Clients that are looked at at the same time. */
const CONCURRENCY = 10;

/** Handlers of the operations of the overview. */
export function overviewHandlers(deps: OperatorDeps, pages: ClientPages) {
  const { clock, store } = deps;
  const readLanes = makeReadLanes(deps);
  const clientNeeds = makeClientNeeds(deps);
  const rememberOverview = makeMemory<string>(clock);

  async function overviewOf(clientId: string | undefined, isPortal: boolean): Promise<string> {
    const all = await pages.clientsOf(clientId);
    const clients = all.slice(0, MAX_MERGED_CLIENTS);
    const [{ lanes, isComplete: hasAllLanes }, traffic, queues, actions] = await Promise.all([
      readLanes(clientId),
      readTraffic(deps, clients),
      isPortal ? [] : deps.queues.counts(),
      isPortal ? [] : incompleteActions(),
    ]);
    const needs = [...needsOfQueues(queues), ...actions];
    await forEachConcurrent(clients, CONCURRENCY, async (id) => {
      needs.push(...(await clientNeeds(id, lanes)));
    });
    return JSON.stringify({
      at: toIso(clock.businessMs()),
      traffic,
      needsYou: needs.sort(byUrgency),
      lanes: lanes.slice(0, LANES_SHOWN),
      hasAllLanes,
      queues: queues.filter(({ hasQueue }) => hasQueue).map(queueView),
      clients: all.length,
      isComplete: all.length === clients.length,
    });
  }

  /** Changes whose process ended before it could say what became of them. */
  async function incompleteActions(): Promise<NeedView[]> {
    const pending = await deps.audit.pending(20);
    return pending
      .filter(({ awaitedUntilRealMs }) => awaitedUntilRealMs < clock.realMs())
      .map(({ intent }) => ({
        kind: "action_incomplete",
        severity: "ticket",
        title: `It is not known whether ${intent.action} was carried out`,
        cause: `The process of ${intent.whoName ?? intent.who} ended in between.`,
        toDo: "Look at what it was to change, and repeat it if necessary.",
        since: intent.at,
        ...(intent.clientId === undefined ? {} : { clientId: intent.clientId }),
        subject: { kind: "action", id: intent.id },
      }));
  }

  return {
    async getMe({ caller }) {
      const { stack, isLocal, speed } = deps;
      const client = caller.kind === "portal" ? await store.client(caller.clientId) : undefined;
      return JSON.stringify({
        kind: caller.kind,
        ...(caller.kind === "portal"
          ? { name: client?.name ?? "", clientId: caller.clientId, clientName: client?.name }
          : { name: caller.name, scope: caller.scope }),
        expiresAt: toIso(caller.expiresMs),
        ...{ stack, isLocal, speed },
        version: VERSION,
        now: toIso(clock.businessMs()),
      });
    },

    async getOverview({ caller, query: { clientId } }) {
      const isPortal = caller.kind === "portal";
      const key = `${isPortal} ${clientId ?? ""}`;
      return rememberOverview(key, () => overviewOf(clientId, isPortal));
    },

    async listLanes({ query: { limit, clientId } }) {
      await pages.clientsOf(clientId);
      const { lanes, isComplete } = await readLanes(clientId);
      return JSON.stringify({ items: lanes.slice(0, limit), isComplete });
    },

    async listQueues() {
      const queues = await deps.queues.counts();
      return JSON.stringify({ items: queues.map(queueView) });
    },

    listAlarms: async () => JSON.stringify(await deps.readAlarms()),

    async getSettings() {
      const items = Object.entries(deps.settings).map(([name, value]) => ({
        name,
        value,
        isDefault: defaults[name] === value,
      }));
      return JSON.stringify({ items });
    },
  } satisfies Partial<OperatorHandlers>;
}

const defaults: Readonly<Record<string, unknown>> = settingsSchema.parse({});

function queueView({ name, waiting, inFlight, delayed, deadLetters, hasDeadLetters }: QueueCounts) {
  return {
    ...{ name, waiting, inFlight, delayed, deadLetters },
    ...(hasDeadLetters ? { deadLetterQueue: name } : {}),
  };
}

/** Pages first, then what waits longest. */
function byUrgency(one: NeedView, other: NeedView): number {
  if (one.severity !== other.severity) return one.severity === "page" ? -1 : 1;
  const [since, otherSince] = [one.since ?? "~", other.since ?? "~"];
  if (since === otherSince) return 0;
  return since < otherSince ? -1 : 1;
}
