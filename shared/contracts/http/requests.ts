import * as z from "zod/mini";
import { requestStatus } from "../statuses.ts";
import { newRequest } from "./new-request.ts";
import { listOf, paging, plain, storedAccountId, storedGroupName, text } from "./parts.ts";
import { requestView, waitsFor } from "./request-view.ts";

/** The operations on requests. */

const requestParams = z.strictObject({ requestId: text(128) });

export const requestOperations = {
  createRequest: {
    ...plain,
    operationId: "createRequest",
    method: "POST",
    path: "/v1/requests",
    summary: "Accepts a request: it is submitted in its account's turn, or at its scheduled time",
    body: newRequest,
    takesIdempotencyKey: true,
    answer: {
      status: 202,
      description: "The request is stored and will be submitted",
      schema: requestView,
    },
    problems: [409, 422],
  },
  listRequests: {
    ...plain,
    operationId: "listRequests",
    method: "GET",
    path: "/v1/requests",
    summary: "Lists the client's requests, newest first, without `result`",
    query: z.strictObject({
      ...paging,
      accountId: z.exactOptional(storedAccountId),
      status: z.exactOptional(requestStatus),
      waitsFor: z.exactOptional(waitsFor),
      group: z.exactOptional(storedGroupName),
    }),
    answer: {
      status: 200,
      description: "A page; it may be shorter than `limit` while there is a `nextCursor`",
      schema: listOf(requestView),
    },
    problems: [],
  },
  getRequest: {
    ...plain,
    operationId: "getRequest",
    method: "GET",
    path: "/v1/requests/{requestId}",
    summary: "Returns one request",
    params: requestParams,
    answer: { status: 200, description: "The request", schema: requestView },
    problems: [404],
  },
  cancelRequest: {
    ...plain,
    operationId: "cancelRequest",
    method: "DELETE",
    path: "/v1/requests/{requestId}",
    summary:
      "Cancels a request. After submission it asks the provider to cancel, where the provider can",
    params: requestParams,
    answer: {
      status: 200,
      description: "The request is cancelled",
      schema: z.object({ requestId: z.string(), status: z.literal("CANCELLED") }),
    },
    problems: [404, 409],
  },
  continueRequest: {
    ...plain,
    operationId: "continueRequest",
    method: "POST",
    path: "/v1/requests/{requestId}/continue",
    summary: "Answers a request that waits for a person's input, such as a login's PIN",
    params: requestParams,
    body: z.strictObject({
      input: text(1_024).check(z.describe("Stored encrypted until it is sent, never shown.")),
    }),
    answer: { status: 202, description: "The input will be sent at once", schema: requestView },
    problems: [404, 409],
  },
  resolveRequest: {
    ...plain,
    operationId: "resolveRequest",
    method: "POST",
    path: "/v1/requests/{requestId}/resolve",
    summary:
      "Decides a request whose outcome is unknown, after a person has checked at the provider",
    params: requestParams,
    body: z.discriminatedUnion("as", [
      z.strictObject({
        as: z.literal("submitted"),
        providerRequestId: z.exactOptional(text(512)),
      }),
      z.strictObject({ as: z.literal("not-submitted") }),
    ]),
    answer: { status: 200, description: "The changed request", schema: requestView },
    problems: [404, 409],
  },
} as const;
