import * as z from "zod/mini";
import { type ProviderId, providerId, providerPacks } from "../providers.ts";
import { requestStatus } from "../statuses.ts";
import { dependency } from "./dependencies.ts";
import { accountId, groupName, listOf, paging, plain, text, withProvider } from "./parts.ts";
import { requestPriority, requestView } from "./request-view.ts";
import { scheduledTime } from "./times.ts";

/** The operations on requests. */

const jsonObject = z.record(z.string(), z.unknown());
type JsonObject = z.output<typeof jsonObject>;

/** What `POST /v1/requests` takes. */
export const newRequest = z
  .strictObject({
    provider: providerId,
    accountId,
    action: text(64),
    params: z
      .union([jsonObject, z.array(jsonObject).check(z.minLength(1), z.maxLength(100))])
      .check(z.describe("The rest of the provider's own body, passed on unchanged.")),
    scheduled: z
      .exactOptional(scheduledTime)
      .check(z.describe("YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.")),
    connectionId: z.exactOptional(text(128)),
    group: z
      .exactOptional(groupName)
      .check(z.describe("A name of yours by which requests are listed, counted and cancelled.")),
    priority: z
      .exactOptional(requestPriority)
      .check(z.describe("`high`: before the account's waiting requests of normal priority.")),
    dependsOn: z
      .exactOptional(dependency)
      .check(z.describe("What must happen before the request takes its place in the lane.")),
  })
  .check(
    z.refine(({ scheduled, dependsOn }) => scheduled === undefined || dependsOn === undefined, {
      path: ["scheduled"],
      error: "cannot be given with dependsOn, which has after",
    }),
    z.refine(
      // Called for every input, valid or not.
      (body: { provider?: unknown; action?: unknown } | null) =>
        typeof body?.provider !== "string" ||
        typeof body.action !== "string" ||
        !Object.hasOwn(providerPacks, body.provider) ||
        providerPacks[body.provider as ProviderId].actionPattern.test(body.action),
      {
        path: ["action"],
        error: "must be a valid action of this provider",
        // Also where another field is invalid: all errors are reported together.
        when: () => true,
      },
    ),
    z.refine(
      ({ provider, params }) => providerPacks[provider].takesActionList || !Array.isArray(params),
      { path: ["params"], error: "must be an object: this provider takes no list of actions" },
    ),
    // A request with its time among the params would be submitted at once.
    z.refine(({ params }) => !hasMember(params, "scheduled"), {
      path: ["params", "scheduled"],
      error: "belongs beside params",
    }),
    z.refine(
      ({ provider, params }) =>
        !providerPacks[provider].takesAccountInBody || !hasMember(params, "accountId"),
      { path: ["params", "accountId"], error: "stands beside params already" },
    ),
    z.meta({
      allOf: Object.values(providerPacks).map(({ id, actionPattern, takesActionList }) =>
        withProvider(id, {
          properties: {
            action: { pattern: actionPattern.source },
            ...(takesActionList ? {} : { params: { type: "object" } }),
          },
        }),
      ),
    }),
  );

/** Whether the params, or one of the actions in their list, have this member. */
function hasMember(params: JsonObject | readonly JsonObject[], name: string): boolean {
  return [params].flat().some((one) => (one[name] ?? null) !== null);
}

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
      accountId: z.exactOptional(accountId),
      status: z.exactOptional(requestStatus),
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
