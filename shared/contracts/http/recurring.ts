import * as z from "zod/mini";
import { providerId } from "../providers.ts";
import { newRequest } from "./new-request.ts";
import { listOf, named, noContent, ok, paging, plain, time } from "./parts.ts";
import { recurrence } from "./recurrence.ts";
import { requestPriority } from "./request-view.ts";

/** The operations on recurring requests. */

/** The id that the client gives a recurring request. It is part of a path. */
export const recurringId = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - and _"));

const recurringRequest = z
  .strictObject({
    every: recurrence,
    request: newRequest.check(
      z.describe("As for `POST /v1/requests`, without `scheduled`, `notAfter` and `dependsOn`."),
    ),
    isPaused: z
      .exactOptional(z.boolean())
      .check(z.describe("`true`: it fires only after it was resumed. Default: `false`.")),
  })
  .check(
    z.refine(({ request }) => request.scheduled === undefined, {
      path: ["request", "scheduled"],
      error: "belongs to requests that are made once",
    }),
    z.refine(({ request }) => request.notAfter === undefined, {
      path: ["request", "notAfter"],
      error: "belongs to requests that are made once",
    }),
    z.refine(({ request }) => request.dependsOn === undefined, {
      path: ["request", "dependsOn"],
      error: "belongs to requests that are made once",
    }),
  );

export const recurringView = named(
  "RecurringRequest",
  z.object({
    recurringId: z.string(),
    status: z.enum(["active", "paused"]),
    provider: providerId,
    accountId: z.string(),
    connectionId: z.string(),
    action: z.string(),
    group: z.optional(z.string()),
    priority: requestPriority,
    every: z.object({ cron: z.string(), timeZone: z.string() }),
    createdAt: time,
    changedAt: time,
  }),
);

export type RecurringView = z.output<typeof recurringView>;

const params = z.strictObject({ recurringId });

export const recurringOperations = {
  putRecurringRequest: {
    ...plain,
    operationId: "putRecurringRequest",
    method: "PUT",
    path: "/v1/recurring-requests/{recurringId}",
    summary: "Creates or replaces a recurring request: one request is accepted at each firing",
    params,
    body: recurringRequest,
    answer: ok("The recurring request", recurringView),
    problems: [409],
  },
  listRecurringRequests: {
    ...plain,
    operationId: "listRecurringRequests",
    method: "GET",
    path: "/v1/recurring-requests",
    summary: "Lists the client's recurring requests",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(recurringView)),
    problems: [],
  },
  getRecurringRequest: {
    ...plain,
    operationId: "getRecurringRequest",
    method: "GET",
    path: "/v1/recurring-requests/{recurringId}",
    summary: "Returns one recurring request",
    params,
    answer: ok("The recurring request", recurringView),
    problems: [404],
  },
  deleteRecurringRequest: {
    ...plain,
    operationId: "deleteRecurringRequest",
    method: "DELETE",
    path: "/v1/recurring-requests/{recurringId}",
    summary: "Deletes a recurring request; accepted requests continue",
    params,
    answer: noContent("It is deleted"),
    problems: [409],
  },
  pauseRecurringRequest: {
    ...plain,
    operationId: "pauseRecurringRequest",
    method: "POST",
    path: "/v1/recurring-requests/{recurringId}/pause",
    summary: "Stops a recurring request: no later firing makes a request",
    params,
    answer: ok("The recurring request", recurringView),
    problems: [404, 409],
  },
  resumeRecurringRequest: {
    ...plain,
    operationId: "resumeRecurringRequest",
    method: "POST",
    path: "/v1/recurring-requests/{recurringId}/resume",
    summary: "Resumes a recurring request; firings that were missed are not made up for",
    params,
    answer: ok("The recurring request", recurringView),
    problems: [404, 409],
  },
} as const;
