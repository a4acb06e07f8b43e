import * as z from "zod/mini";
import { clientScope } from "../client-scope.ts";
import { apiKeyItem } from "../config-items.ts";
import { eventType } from "../events.ts";
import { type ProviderId, providerPacks } from "../providers.ts";
import { accountOperations } from "./accounts.ts";
import { batchOperations } from "./batches.ts";
import { connectionOperations } from "./connections.ts";
import { deliveryOperations } from "./deliveries.ts";
import type { ApiOperation } from "./operation.ts";
import { portalLink } from "./operator/clients.ts";
import { created, listOf, named, noContent, ok, paging, plain, text, time } from "./parts.ts";
import { recurringOperations } from "./recurring.ts";
import { requestOperations } from "./requests.ts";
import { webhookOperations } from "./webhooks.ts";

/** An operation, and the provider whose protocol it speaks; absent: Ackwire's own. */
export interface Operation extends ApiOperation {
  dialect?: ProviderId;
}

const event = named(
  "Event",
  z.looseObject({
    id: z.string(),
    type: eventType,
    createdAt: time,
    data: z.looseObject({}),
    publishedAt: z.optional(time),
  }),
);
const eventWithBytes = named(
  "EventWithBytes",
  z.extend(event, {
    raw: z
      .optional(z.string())
      .check(
        z.describe("The webhook's exact bytes, Base64, where `data` could not carry each digit."),
      ),
  }),
);

const apiKeyView = named(
  "ApiKey",
  z.pick(apiKeyItem, {
    keyId: true,
    scopes: true,
    createdAt: true,
    expiresAt: true,
    revokedAt: true,
    lastUsedAt: true,
  }),
);

/** Within the limit of a DynamoDB key; a longer one would look like an outage. */
const eventParams = z.strictObject({ id: text(512) });
const keyParams = z.strictObject({ keyId: text(128) });

/** The operations of Ackwire's own protocol. */
export const nativeOperations = {
  getHealth: {
    ...plain,
    operationId: "getHealth",
    method: "GET",
    path: "/health",
    summary: "Returns whether the API is up",
    isPublic: true,
    answer: ok("The API is up", z.object({ status: z.literal("ok") })),
    problems: [],
  },
  getOpenApi: {
    ...plain,
    operationId: "getOpenApi",
    method: "GET",
    path: "/openapi.json",
    summary: "Returns this document",
    isPublic: true,
    answer: ok("OpenAPI 3.1", z.looseObject({ openapi: z.string() })),
    problems: [],
  },
  listEvents: {
    ...plain,
    operationId: "listEvents",
    method: "GET",
    path: "/v1/events",
    summary: "Lists the client's events, newest first, without `raw`",
    query: z.strictObject({
      ...paging,
      type: z.exactOptional(eventType),
    }),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(event),
    ),
    problems: [],
  },
  getEvent: {
    ...plain,
    operationId: "getEvent",
    method: "GET",
    path: "/v1/events/{id}",
    summary: "Returns one event; its envelope has the bytes that were published",
    params: eventParams,
    answer: ok("The event", eventWithBytes),
    problems: [404],
  },
  ...connectionOperations,
  createKey: {
    ...plain,
    operationId: "createKey",
    method: "POST",
    path: "/v1/keys",
    summary: "Creates another API key of the client; it expires with this call's key at the latest",
    query: z.strictObject({
      scope: z.exactOptional(
        clientScope.check(z.describe("`read` only looks. Absent: a key that may do everything.")),
      ),
      expiresAt: z.exactOptional(
        time.check(
          z.describe(
            "It is refused from then on. Absent, and at the latest: the end of this call's key.",
          ),
        ),
      ),
    }),
    answer: created(
      z.object({
        keyId: z.string(),
        apiKey: z.string().check(z.describe("Shown only here.")),
        createdAt: time,
        scopes: z.optional(z.array(clientScope)).check(z.describe("Absent: every scope.")),
        expiresAt: z.optional(time).check(z.describe("Absent: never.")),
      }),
    ),
    problems: [409],
  },
  listKeys: {
    ...plain,
    operationId: "listKeys",
    method: "GET",
    path: "/v1/keys",
    summary: "Lists the client's API keys, including revoked ones",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(apiKeyView)),
    problems: [],
  },
  revokeKey: {
    ...plain,
    operationId: "revokeKey",
    method: "DELETE",
    path: "/v1/keys/{keyId}",
    summary: "Revokes an API key; it may be accepted for some more seconds",
    params: keyParams,
    answer: noContent("The key is revoked"),
    problems: [404],
  },
  createPortalLink: {
    ...plain,
    operationId: "createPortalLink",
    method: "POST",
    path: "/v1/portal-link",
    summary:
      "Creates a link to pages with the client's requests, events and deliveries, which is valid for 15 minutes",
    answer: created(portalLink),
    problems: [],
  },
  ...requestOperations,
  ...batchOperations,
  ...accountOperations,
  ...recurringOperations,
  ...webhookOperations,
  ...deliveryOperations,
} as const satisfies Record<string, ApiOperation>;

const dialectOperations: Operation[] = Object.values(providerPacks).flatMap(({ id, dialect }) =>
  Object.values(dialect?.operations ?? {}).map((one) => ({
    ...one,
    dialect: id,
    ...(dialect?.looks?.includes(one.operationId) ? { needsScope: "read" as const } : {}),
  })),
);

/**
 * Every operation of the HTTP API: `infra` creates the routes from this list, the
 * `api` function validates and dispatches by it, and the OpenAPI document lists it.
 */
export const operations: readonly Operation[] = [
  ...Object.values(nativeOperations),
  ...dialectOperations,
];

/** The name of a route in API Gateway. */
export const routeKeyOf = ({ method, path }: Pick<Operation, "method" | "path">): string =>
  `${method} ${path}`;
