import type { Recurring } from "../../requests/recurring/recurring.ts";
import type { ApiHandlers } from "./api-operations.ts";

/** Handlers of the operations on recurring requests. */
export function recurringHandlers({ recurring }: { recurring: Recurring }) {
  return {
    putRecurringRequest: async ({ clientId, params, body }) =>
      JSON.stringify(await recurring.put(clientId, params.recurringId, body)),
    listRecurringRequests: async ({ clientId, query }) =>
      JSON.stringify(await recurring.list(clientId, query)),
    getRecurringRequest: async ({ clientId, params }) =>
      JSON.stringify(await recurring.get(clientId, params.recurringId)),
    async deleteRecurringRequest({ clientId, params }) {
      await recurring.delete(clientId, params.recurringId);
      return undefined;
    },
    pauseRecurringRequest: async ({ clientId, params }) =>
      JSON.stringify(await recurring.pause(clientId, params.recurringId)),
    resumeRecurringRequest: async ({ clientId, params }) =>
      JSON.stringify(await recurring.resume(clientId, params.recurringId)),
  } satisfies Partial<ApiHandlers>;
}
