import * as z from "zod/mini";
import type { ApiOperation } from "../../contracts/http/operation.ts";
import { nothing } from "../../contracts/http/parts.ts";

/**
 * The calls that Linked API answers at once, with an account's token. Paths and methods
 * are those of the official clients, `@linkedapi/node` and `linkedapi` (PyPI).
 */
const accountCalls = {
  linkedApiGetAccount: ["GET", "/account", "Returns the account's name and profile"],
  linkedApiGetActionStats: ["GET", "/stats/actions", "Lists the actions of a period"],
  linkedApiPollConversations: ["POST", "/conversations/poll", "Reads synced conversations"],
  linkedApiPollInbox: ["POST", "/inbox/poll", "Reads the monitored inbox"],
  linkedApiPollNetwork: ["POST", "/network/poll", "Reads the monitored network"],
} as const;

/** The calls on the subscription and its accounts. https://linkedapi.io/docs/admin-overview */
const adminCalls = {
  linkedApiGetAccounts: ["accounts.getAll", "Lists the connected accounts"],
  linkedApiDisconnectAccount: ["accounts.disconnect", "Disconnects an account"],
  linkedApiReparseAccount: ["accounts.reparseAccountInfo", "Reads an account's profile again"],
  linkedApiRegenerateToken: [
    "accounts.regenerateIdentificationToken",
    "Replaces the token of an account at Linked API",
  ],
  linkedApiCreateSession: ["accounts.createConnectionSession", "Starts to connect an account"],
  linkedApiCreateReconnection: [
    "accounts.createReconnectionSession",
    "Starts to connect an account again",
  ],
  linkedApiGetSession: ["accounts.getConnectionSession", "Returns a connection session"],
  linkedApiCancelSession: ["accounts.cancelConnectionSession", "Cancels a connection session"],
  linkedApiGetSubscription: ["subscription.getStatus", "Returns the subscription's status"],
  linkedApiGetSeats: ["subscription.getSeats", "Returns the seats of the subscription"],
  linkedApiSetSeats: ["subscription.setSeats", "Sets the seats of the subscription"],
  linkedApiGetPricing: ["subscription.getPricing", "Returns the prices of the subscription"],
  linkedApiGetBillingLink: ["subscription.getBillingLink", "Returns the link to the billing page"],
  linkedApiCancelSubscription: ["subscription.cancel", "Cancels the subscription"],
} as const;

export type RelayedOperationId = keyof typeof accountCalls | keyof typeof adminCalls;

/** Linked API's operations that Ackwire passes to Linked API. */
export const linkedApiRelayedOperations = Object.fromEntries([
  ...Object.entries(accountCalls).map(([operationId, [method, path, summary]]) => [
    operationId,
    relayed({ operationId, method, path, summary }),
  ]),
  ...Object.entries(adminCalls).map(([operationId, [call, summary]]) => [
    operationId,
    {
      ...relayed({ operationId, method: "POST", path: `/admin/${call}`, summary }),
      needsAccount: false,
    },
  ]),
]) as Readonly<Record<RelayedOperationId, ApiOperation>>;

function relayed(
  of: Pick<ApiOperation, "operationId" | "method" | "path" | "summary">,
): ApiOperation {
  return {
    ...of,
    summary: `${of.summary}, at Linked API`,
    isPublic: false,
    isRelayed: true,
    params: nothing,
    query: z.looseObject({}),
    ...(of.method === "POST" ? { body: z.unknown() } : {}),
    answer: { status: 200, description: "Linked API's answer, as it is", schema: z.unknown() },
    problems: [404, 409],
  };
}
