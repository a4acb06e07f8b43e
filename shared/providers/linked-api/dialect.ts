import type { OperationHandlers } from "../../contracts/http/operation.ts";
import type { Dialect } from "../../core/providers/dialect.ts";
import { linkedApiErrorBody, linkedApiErrorSchema } from "./dialect-errors.ts";
import { cancelAsLinkedApi, getAsLinkedApi, startAsLinkedApi } from "./dialect-handlers.ts";
import { linkedApiLimitHandlers } from "./dialect-limit-handlers.ts";
import { linkedApiLimitOperations } from "./dialect-limit-operations.ts";
import { linkedApiWorkflowOperations } from "./dialect-operations.ts";
import { linkedApiRelayedHandlers } from "./dialect-relayed-handlers.ts";
import { linkedApiRelayedOperations } from "./dialect-relayed-operations.ts";
import { linkedApiWebhookHandlers } from "./dialect-webhook-handlers.ts";
import { linkedApiWebhookOperations } from "./dialect-webhook-operations.ts";

const operations = {
  ...linkedApiWorkflowOperations,
  ...linkedApiWebhookOperations,
  ...linkedApiLimitOperations,
  ...linkedApiRelayedOperations,
} as const;

/** Linked API's API as Ackwire speaks it to Linked API's clients. */
export const linkedApiDialect: Dialect = {
  credentials: [
    {
      header: "linked-api-token",
      holds: "apiKey",
      scheme: "linkedApiToken",
      description: "The API key: ackwire_<keyId>_<secret>",
    },
    {
      header: "identification-token",
      holds: "accountToken",
      scheme: "identificationToken",
      description: "Identifies one of the client's accounts",
    },
  ],
  operations,
  handlers: (services) =>
    ({
      linkedApiStartWorkflow: ({ clientId, accountId, body, idempotencyKey, traceparent }) =>
        startAsLinkedApi(services.requests, {
          ...{ clientId, accountId, body, idempotencyKey, traceparent },
        }),
      linkedApiGetWorkflow: ({ clientId, params }) =>
        getAsLinkedApi(services.requests, { clientId, workflowId: params.workflowId }),
      linkedApiCancelWorkflow: ({ clientId, params }) =>
        cancelAsLinkedApi(services.requests, { clientId, workflowId: params.workflowId }),
      ...linkedApiWebhookHandlers(services),
      ...linkedApiLimitHandlers(services.limits),
      ...linkedApiRelayedHandlers(services.relay),
    }) satisfies OperationHandlers<typeof operations>,
  takesAnyJson: true,
  looks: [
    "linkedApiGetWebhook",
    "linkedApiListEventTypes",
    "linkedApiListDeliveries",
    "linkedApiGetDefaultLimits",
    "linkedApiGetLimits",
    "linkedApiGetLimitsUsage",
    "linkedApiPollConversations",
    "linkedApiPollInbox",
    "linkedApiPollNetwork",
    "linkedApiGetAccounts",
    "linkedApiGetSession",
    "linkedApiGetSubscription",
    "linkedApiGetSeats",
    "linkedApiGetPricing",
  ],
  errorSchema: linkedApiErrorSchema,
  errorBody: linkedApiErrorBody,
};
