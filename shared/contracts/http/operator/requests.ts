import * as z from "zod/mini";
import { requestStatus } from "../../statuses.ts";
import { accountView, budgetView, whichAccount } from "../accounts.ts";
import { notReversed } from "../deliveries.ts";
import {
  listOf,
  named,
  ok,
  paging,
  storedAccountId,
  storedGroupName,
  text,
  time,
} from "../parts.ts";
import { recurringId, recurringView } from "../recurring.ts";
import { requestView, waitsFor } from "../request-view.ts";
import {
  change,
  clientId,
  clientParams,
  look,
  type OperatorOperation,
  ofClient,
  whose,
  why,
} from "./operation.ts";

/** Requests, accounts and recurring requests of every client. */

const operatorRequest = named(
  "OperatorRequest",
  z.extend(requestView, { ...whose, connectionId: z.string() }),
);
const { identificationToken: _, ...accountShape } = accountView.shape;
const operatorAccount = named("OperatorAccount", z.object({ ...accountShape, ...whose }));
const operatorRecurring = named("OperatorRecurring", z.extend(recurringView, whose));

const accountDetails = named(
  "AccountDetails",
  z.extend(operatorAccount, {
    budget: budgetView,
    lane: z.object({
      isHeld: z.boolean(),
      waiting: z.int(),
      requests: z
        .array(operatorRequest)
        .check(z.describe("The first 25 that hold the lane or wait in it, in their order.")),
    }),
  }),
);

const requestParams = z.strictObject({ requestId: text(128) });
const accountParams = z.strictObject({ clientId, accountId: storedAccountId });
const recurringParams = z.extend(clientParams, { recurringId });

export const requestOperations = {
  listRequests: {
    ...look,
    operationId: "listRequests",
    path: "/v1/operator/requests",
    summary: "Lists requests that match every filter, newest first, without `result`",
    isInPortal: true,
    query: z
      .strictObject({
        ...paging,
        ...ofClient,
        accountId: z.exactOptional(storedAccountId),
        status: z.exactOptional(requestStatus),
        waitsFor: z.exactOptional(waitsFor),
        group: z.exactOptional(storedGroupName),
        since: z.exactOptional(time),
        until: z.exactOptional(time),
      })
      .check(notReversed),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(operatorRequest),
    ),
    problems: [404],
  },
  getRequest: {
    ...look,
    operationId: "getRequest",
    path: "/v1/operator/requests/{requestId}",
    summary: "Returns one request",
    isInPortal: true,
    params: requestParams,
    query: z.strictObject(ofClient),
    answer: ok("The request", operatorRequest),
    problems: [404],
  },
  cancelRequest: {
    ...change,
    operationId: "cancelRequest",
    path: "/v1/operator/requests/{requestId}/cancel",
    summary: "Cancels a request as its client would",
    scope: "operate",
    params: requestParams,
    answer: ok("The request", operatorRequest),
    problems: [404, 409],
  },
  resolveRequest: {
    ...change,
    operationId: "resolveRequest",
    path: "/v1/operator/requests/{requestId}/resolve",
    summary:
      "Decides a request whose outcome is unknown, after a person has checked at the provider",
    scope: "operate",
    params: requestParams,
    body: z.discriminatedUnion("as", [
      z.strictObject({
        as: z.literal("submitted"),
        providerRequestId: z.exactOptional(text(512)),
        why,
      }),
      z.strictObject({ as: z.literal("not-submitted"), why }),
    ]),
    audited: ["as", "providerRequestId"],
    answer: ok("The request", operatorRequest),
    problems: [404, 409],
  },
  listAccounts: {
    ...look,
    operationId: "listAccounts",
    path: "/v1/operator/accounts",
    summary: "Lists accounts, client by client",
    isInPortal: true,
    query: z.strictObject({ ...paging, ...ofClient }),
    answer: ok("A page", listOf(operatorAccount)),
    problems: [404],
  },
  getAccount: {
    ...look,
    operationId: "getAccount",
    path: "/v1/operator/clients/{clientId}/accounts/{accountId}",
    summary: "Returns one account with its budget, hours, pauses and lane",
    isInPortal: true,
    params: accountParams,
    query: whichAccount,
    answer: ok("The account", accountDetails),
    problems: [404, 409],
  },
  pauseAccount: {
    ...change,
    operationId: "pauseAccount",
    path: "/v1/operator/clients/{clientId}/accounts/{accountId}/pause",
    summary: "Pauses an account until it is resumed",
    scope: "operate",
    params: accountParams,
    query: whichAccount,
    answer: ok("The account", operatorAccount),
    problems: [404, 409],
  },
  resumeAccount: {
    ...change,
    operationId: "resumeAccount",
    path: "/v1/operator/clients/{clientId}/accounts/{accountId}/resume",
    summary: "Resumes an account, whatever paused it",
    scope: "operate",
    params: accountParams,
    query: whichAccount,
    answer: ok("The account", operatorAccount),
    problems: [404, 409],
  },
  listRecurring: {
    ...look,
    operationId: "listRecurring",
    path: "/v1/operator/recurring-requests",
    summary:
      "Lists recurring requests, client by client; scheduled ones are `listRequests` with `status=SCHEDULED`",
    isInPortal: true,
    query: z.strictObject({ ...paging, ...ofClient }),
    answer: ok("A page", listOf(operatorRecurring)),
    problems: [404],
  },
  pauseRecurring: {
    ...change,
    operationId: "pauseRecurring",
    path: "/v1/operator/clients/{clientId}/recurring-requests/{recurringId}/pause",
    summary: "Stops a recurring request: no later firing makes a request",
    scope: "operate",
    params: recurringParams,
    answer: ok("The recurring request", operatorRecurring),
    problems: [404, 409],
  },
  resumeRecurring: {
    ...change,
    operationId: "resumeRecurring",
    path: "/v1/operator/clients/{clientId}/recurring-requests/{recurringId}/resume",
    summary: "Resumes a recurring request; firings that were missed are not made up for",
    scope: "operate",
    params: recurringParams,
    answer: ok("The recurring request", operatorRecurring),
    problems: [404, 409],
  },
} as const satisfies Record<string, OperatorOperation>;
