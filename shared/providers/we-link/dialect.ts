import type { OperationHandlers } from "../../contracts/http/operation.ts";
import type { Dialect } from "../../core/providers/dialect.ts";
import { weLinkErrorBody, weLinkErrorSchema } from "./dialect-errors.ts";
import { getAsWeLink, submitAsWeLink } from "./dialect-handlers.ts";
import { weLinkOperations } from "./dialect-operations.ts";
import { weLinkRelayedHandlers, weLinkRelayedOperations } from "./dialect-relayed.ts";

/** We-Link's API as Ackwire speaks it to We-Link's clients. */
export const weLinkDialect: Dialect = {
  credentials: [
    {
      header: "x-api-key",
      holds: "apiKeyId",
      scheme: "weLinkKey",
      description: "The API key's id",
    },
    {
      header: "x-api-secret",
      holds: "apiKeySecret",
      scheme: "weLinkSecret",
      description: "The API key's secret",
    },
  ],
  operations: { ...weLinkOperations, ...weLinkRelayedOperations },
  handlers: ({ requests, relay }) => ({
    ...weLinkRelayedHandlers(relay),
    ...({
      weLinkSubmit: ({ clientId, params: { action }, body, idempotencyKey, traceparent }) =>
        submitAsWeLink(requests, { clientId, action, body, idempotencyKey, traceparent }),
      weLinkGetResponse: ({ clientId, body }) => getAsWeLink(requests, { clientId, body }),
    } satisfies OperationHandlers<typeof weLinkOperations>),
  }),
  looks: [
    "weLinkGetResponse",
    "weLinkGetAllLnAccounts",
    "weLinkGetLnAccountDetails",
    "weLinkMe",
    "weLinkGetActiveTracker",
  ],
  errorSchema: weLinkErrorSchema,
  errorBody: weLinkErrorBody,
};
