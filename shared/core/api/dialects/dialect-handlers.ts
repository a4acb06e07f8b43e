import type { Deliveries } from "../../deliveries/deliveries.ts";
import type { Webhooks } from "../../deliveries/webhooks/webhooks.ts";
import type { Requests } from "../../requests/requests.ts";
import type { ApiHandlers } from "../handlers/api-operations.ts";
import { cancelAsLinkedApi, getAsLinkedApi, startAsLinkedApi } from "./linked-api.ts";
import { linkedApiWebhookHandlers } from "./linked-api-webhooks.ts";
import { getAsWeLink, submitAsWeLink } from "./we-link.ts";

interface DialectDeps {
  requests: Requests;
  webhooks: Webhooks;
  deliveries: Deliveries;
}

/** Every operation of another protocol than ours. */
export function dialectHandlers(deps: DialectDeps) {
  const { requests } = deps;
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
    ...linkedApiWebhookHandlers(deps),
  } satisfies Partial<ApiHandlers>;
}
