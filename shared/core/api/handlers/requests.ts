import { type Accounts, accountKey } from "../../administration/accounts.ts";
import { type PageOf, readPage } from "../../input/cursor.ts";
import type { Requests } from "../../requests/requests.ts";
import { requestJson } from "../../requests/state/request-view.ts";
import type { ApiHandlers } from "./api-operations.ts";
import { batchJson, readBatchItem } from "./batch.ts";

/** Handlers of the operations on requests. */
export function requestHandlers({ requests }: { requests: Requests }) {
  return {
    createRequest: async ({ clientId, idempotencyKey, traceparent, body }) =>
      requestJson(await requests.accept({ clientId, idempotencyKey, traceparent, ...body })),
    async createBatch({ clientId, idempotencyKey, traceparent, body }) {
      const common = { ...body, traceparent };
      const items = body.requests.map((item) => readBatchItem(clientId, item, common));
      const batch = { clientId, idempotencyKey, items, body };
      const { results, waits } = await requests.acceptBatch(batch);
      return batchJson(results, waits);
    },
    getGroup: async ({ clientId, params }) =>
      JSON.stringify(await requests.groups.get(clientId, params.group)),
    cancelGroup: async ({ clientId, params, query }) =>
      JSON.stringify(await requests.groups.cancel(clientId, params.group, query.cursor)),
    listRequests: async ({ clientId, query }) => requests.list(clientId, query),
    getRequest: async ({ clientId, params }) =>
      requestJson(await requests.get(clientId, params.requestId)),
    cancelRequest: async ({ clientId, params }) =>
      JSON.stringify(await requests.cancel(clientId, params.requestId)),
    continueRequest: async ({ clientId, params, body }) =>
      requestJson(await requests.continue(clientId, params.requestId, body.input)),
    resolveRequest: async ({ clientId, params, body }) =>
      requestJson(await requests.resolve(clientId, params.requestId, body)),
  } satisfies Partial<ApiHandlers>;
}

/** Handlers of the operations on accounts. */
export function accountHandlers({ accounts }: { accounts: Accounts }) {
  return {
    async listAccounts({ clientId, query }) {
      const read = (page: PageOf) => accounts.list(clientId, page);
      const of = { ...query, list: "accounts", clientId } as const;
      return JSON.stringify(await readPage({ ...of, read, keyOf: accountKey }));
    },
    putAccount: async ({ clientId, params, body }) =>
      JSON.stringify(await accounts.put(clientId, params.accountId, body)),
    getAccount: async ({ clientId, params, query }) =>
      JSON.stringify(await accounts.get(clientId, params.accountId, query)),
    getAccountBudget: async ({ clientId, params, query }) =>
      JSON.stringify(await accounts.budget(clientId, params.accountId, query)),
    async deleteAccount({ clientId, params, query }) {
      await accounts.delete(clientId, params.accountId, query);
      return undefined;
    },
    pauseAccount: async ({ clientId, params, query }) =>
      JSON.stringify(await accounts.pause(clientId, params.accountId, query)),
    resumeAccount: async ({ clientId, params, query }) =>
      JSON.stringify(await accounts.resume(clientId, params.accountId, query)),
  } satisfies Partial<ApiHandlers>;
}
