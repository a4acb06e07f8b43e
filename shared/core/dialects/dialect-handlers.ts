import type { ApiHandlers } from "../api-handlers.ts";
import type { Requests } from "../requests/requests.ts";
import { cancelAsLinkedApi, getAsLinkedApi, startAsLinkedApi } from "./linked-api.ts";
import { getAsWeLink, submitAsWeLink } from "./we-link.ts";

/** The operations of `http-dialects.ts`. */
export function dialectHandlers({ requests }: { requests: Requests }) {
  return {
    weLinkSubmit: ({ clientId, params, body, idempotencyKey }) =>
      submitAsWeLink(requests, { clientId, action: params.action, body, idempotencyKey }),
    weLinkGetResponse: ({ clientId, body }) => getAsWeLink(requests, { clientId, body }),
    linkedApiStartWorkflow: ({ clientId, accountId, body, idempotencyKey }) =>
      startAsLinkedApi(requests, { clientId, accountId, body, idempotencyKey }),
    linkedApiGetWorkflow: ({ clientId, params }) =>
      getAsLinkedApi(requests, { clientId, workflowId: params.workflowId }),
    linkedApiCancelWorkflow: ({ clientId, params }) =>
      cancelAsLinkedApi(requests, { clientId, workflowId: params.workflowId }),
  } satisfies Partial<ApiHandlers>;
}
