import { Failure } from "../../contracts/failures.ts";
import type { AccountSelector } from "../administration/account-change.ts";
import { accountKey } from "../administration/accounts.ts";
import { toIso } from "../clock.ts";
import { laneId } from "../requests/acceptance/request-id.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import {
  type RequestView,
  requestJson,
  summaryOf,
  type Wait,
} from "../requests/state/request-view.ts";
import type { ClientPages } from "./client-pages.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";

/** Requests of a lane that an account's page shows. */
const MAX_SHOWN_IN_LANE = 25;

/** Handlers of the operations on requests, accounts and recurring requests. */
export function requestHandlers(deps: OperatorDeps, pages: ClientPages) {
  const { requestStore, requests, accounts, recurring } = deps;

  /** @throws NOT_FOUND, also when it belongs to another client than the one that is named */
  async function requireRequest(requestId: string, clientId?: string): Promise<RequestRecord> {
    const request = await requestStore.find(requestId);
    if (request && (clientId ?? request.clientId) === request.clientId) return request;
    throw new Failure("NOT_FOUND", "there is no such request");
  }

  async function requestText(requestId: string, clientId?: string): Promise<string> {
    const request = await requireRequest(requestId, clientId);
    return operatorJson(request, await requests.get(request.clientId, requestId));
  }

  async function laneOf(clientId: string, accountId: string, connectionId: string) {
    const provider = (await deps.store.connection(connectionId))?.provider;
    const lane = provider && laneId({ clientId, provider, connectionId, accountId });
    if (lane === undefined) return { isHeld: false, waiting: 0, requests: [] };
    const queue = await requestStore.readQueue(lane, 5_000);
    const waiting = queue.waiting.toSorted((one, other) => one.position - other.position);
    const inLane = [...queue.holders, ...waiting.map(({ requestId }) => requestId)];
    const first = inLane.slice(0, MAX_SHOWN_IN_LANE);
    const found = await requestStore.findWithLanes(first);
    const records = first.flatMap((id) => found.get(id)?.request ?? []);
    const waits = await deps.explainWaits(records);
    return {
      isHeld: queue.holders.length > 0,
      waiting: queue.waiting.length,
      requests: records.map((one) => operatorSummary(one, waits.get(one.requestId))),
    };
  }

  return {
    async listRequests({ query }) {
      const { accountId, status, waitsFor, group, since, until } = query;
      const range = { sinceMs: msOf(since), untilMs: msOf(until) };
      const page = await pages.newest("requests", query, async (clientId, { limit, before }) => {
        const of = { clientId, accountId, status, group, limit, before, ...range };
        const found = await requestStore.list(of);
        const waits = await deps.explainWaits(found.requests);
        return {
          found: found.requests
            .map((one) => ({ place: placeOf(one), item: one, wait: waits.get(one.requestId) }))
            .filter(({ wait }) => waitsFor === undefined || wait?.waitsFor === waitsFor)
            .map(({ place, item, wait }) => ({ place, item: operatorSummary(item, wait) })),
          before: found.before,
        };
      });
      return JSON.stringify(page);
    },

    getRequest: async ({ params, query }) => requestText(params.requestId, query.clientId),

    async cancelRequest({ params }) {
      const { clientId, requestId } = await requireRequest(params.requestId);
      await requests.cancel(clientId, requestId);
      return requestText(requestId);
    },

    async resolveRequest({ params, body: { why: _, ...as } }) {
      const { clientId, requestId } = await requireRequest(params.requestId);
      await requests.resolve(clientId, requestId, as);
      return requestText(requestId);
    },

    async listAccounts({ query }) {
      const page = await pages.byClient(
        "accounts",
        query,
        async (clientId, of) => (await accounts.list(clientId, of)).map(withoutToken),
        accountKey,
      );
      return JSON.stringify(page);
    },

    async getAccount({ params: { clientId, accountId }, query }) {
      const account = withoutToken(await accounts.get(clientId, accountId, query));
      const which: AccountSelector = { connectionId: account.connectionId };
      const [budget, lane] = await Promise.all([
        accounts.budget(clientId, accountId, which),
        laneOf(clientId, accountId, account.connectionId),
      ]);
      return JSON.stringify({ ...account, clientId, budget, lane });
    },

    pauseAccount: async ({ params: { clientId, accountId }, query }) =>
      JSON.stringify({
        ...withoutToken(await accounts.pause(clientId, accountId, query)),
        clientId,
      }),

    async resumeAccount({ params: { clientId, accountId }, query }) {
      await accounts.resume(clientId, accountId, query);
      // What it was before the resumption may be what was returned.
      const account = withoutToken(await accounts.get(clientId, accountId, query));
      return JSON.stringify({ ...account, clientId });
    },

    async listRecurring({ query }) {
      const page = await pages.byClient(
        "recurring",
        query,
        (clientId, of) => recurring.read(clientId, of),
        ({ recurringId }) => recurringId,
      );
      return JSON.stringify(page);
    },

    pauseRecurring: async ({ params: { clientId, recurringId } }) =>
      JSON.stringify({ ...(await recurring.pause(clientId, recurringId)), clientId }),

    resumeRecurring: async ({ params: { clientId, recurringId } }) =>
      JSON.stringify({ ...(await recurring.resume(clientId, recurringId)), clientId }),
  } satisfies Partial<OperatorHandlers>;
}

const msOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));

/** A request's place in its client's list. */
const placeOf = ({ createdMs, requestId }: RequestRecord) => `${toIso(createdMs)}#${requestId}`;

function operatorSummary(request: RequestRecord, wait: Wait | undefined) {
  const { clientId, connectionId } = request;
  return { ...summaryOf(request, wait), clientId, connectionId };
}

/** The request's JSON text, whose results are as they are, with whose it is. */
function operatorJson({ clientId, connectionId }: RequestRecord, view: RequestView): string {
  return `${requestJson(view).slice(0, -1)},${JSON.stringify({ clientId, connectionId }).slice(1)}`;
}

/** The token is the client's credential. */
function withoutToken<Account extends { identificationToken?: string | undefined }>(
  account: Account,
): Omit<Account, "identificationToken"> {
  const { identificationToken: _, ...view } = account;
  return view;
}
