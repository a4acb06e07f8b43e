import * as z from "zod/mini";
import {
  apiKeyItem,
  connectionItem,
  connectionSettings,
  providerCredentials,
} from "../config-items.ts";
import { eventType } from "../events.ts";
import { type ProviderId, providerId, providerPacks } from "../providers.ts";
import type { ApiOperation } from "./operation.ts";
import { listOf, paging, plain, text, time } from "./parts.ts";
import { requestOperations } from "./requests.ts";
import { webhookOperations } from "./webhooks.ts";

/** An operation, and the provider whose protocol it speaks; absent: Ackwire's own. */
export interface Operation extends ApiOperation {
  dialect?: ProviderId;
}

const connectionView = z.object({
  ...z.pick(connectionItem, { connectionId: true, provider: true, createdAt: true }).shape,
  ...connectionSettings.shape,
});
const inboundUrl = z.url().check(z.describe("Holds a secret, and is shown only here."));

const credentialHeaders = z.exactOptional(
  providerCredentials.check(
    z.describe("Headers by which the provider knows you. Kept sealed, never shown."),
  ),
);

const newConnection = z.strictObject({
  provider: providerId,
  webhookSecret: z.exactOptional(text(1_024)),
  credentials: credentialHeaders,
  ...exactOptional(connectionSettings.shape),
});

const settingsChange = z
  .strictObject({ ...exactOptional(connectionSettings.shape), credentials: credentialHeaders })
  .check(
    z.refine((change) => Object.keys(change).length > 0, {
      error: "must name what to change",
      // A member that is not known is told already.
      when: ({ issues }) => issues.length === 0,
    }),
  );

const event = z.looseObject({
  id: z.string(),
  type: eventType,
  createdAt: time,
  data: z.looseObject({}),
  publishedAt: z.optional(time),
});
const eventWithBytes = z.extend(event, {
  raw: z
    .optional(z.string())
    .check(
      z.describe("The webhook's exact bytes, Base64, where `data` could not carry each digit."),
    ),
});

const apiKeyView = z.pick(apiKeyItem, {
  keyId: true,
  createdAt: true,
  revokedAt: true,
  lastUsedAt: true,
});

/** No longer than what DynamoDB takes as a key, which would else look like an outage. */
const eventParams = z.strictObject({ id: text(512) });
const connectionParams = z.strictObject({ connectionId: text(128) });
const keyParams = z.strictObject({ keyId: text(128) });

/** The operations of Ackwire's own protocol. */
export const nativeOperations = {
  getHealth: {
    ...plain,
    operationId: "getHealth",
    method: "GET",
    path: "/health",
    summary: "Whether the API answers",
    isPublic: true,
    answer: ok("It does", z.object({ status: z.literal("ok") })),
    problems: [],
  },
  getOpenApi: {
    ...plain,
    operationId: "getOpenApi",
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    isPublic: true,
    answer: ok("OpenAPI 3.1", z.looseObject({ openapi: z.string() })),
    problems: [],
  },
  listEvents: {
    ...plain,
    operationId: "listEvents",
    method: "GET",
    path: "/v1/events",
    summary: "The client's events, newest first, without `raw`",
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
    summary: "One event, its envelope byte for byte as it was published",
    params: eventParams,
    answer: ok("The event", eventWithBytes),
    problems: [404],
  },
  createConnection: {
    ...plain,
    operationId: "createConnection",
    method: "POST",
    path: "/v1/connections",
    summary: "Makes a connection to a provider",
    body: newConnection,
    answer: created(z.extend(connectionView, { inboundUrl })),
    problems: [],
  },
  listConnections: {
    ...plain,
    operationId: "listConnections",
    method: "GET",
    path: "/v1/connections",
    summary: "The client's connections",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(connectionView)),
    problems: [],
  },
  getConnection: {
    ...plain,
    operationId: "getConnection",
    method: "GET",
    path: "/v1/connections/{connectionId}",
    summary: "One connection",
    params: connectionParams,
    answer: ok("The connection, without its secrets", connectionView),
    problems: [404],
  },
  updateConnection: {
    ...plain,
    operationId: "updateConnection",
    method: "PATCH",
    path: "/v1/connections/{connectionId}",
    summary: "Changes settings of a connection",
    params: connectionParams,
    body: settingsChange,
    answer: ok("The connection as it is now", connectionView),
    problems: [404, 409],
  },
  deleteConnection: {
    ...plain,
    operationId: "deleteConnection",
    method: "DELETE",
    path: "/v1/connections/{connectionId}",
    summary: "Deletes a connection; its address answers 404 from then on",
    params: connectionParams,
    answer: gone("It is deleted"),
    problems: [404],
  },
  rotateConnectionToken: {
    ...plain,
    operationId: "rotateConnectionToken",
    method: "POST",
    path: "/v1/connections/{connectionId}/rotate-token",
    summary: "Gives a connection a new address; the old one is taken for 24 hours more",
    params: connectionParams,
    answer: ok(
      "The new address",
      z.object({ connectionId: z.string(), inboundUrl, previousValidUntil: time }),
    ),
    problems: [404, 409],
  },
  rotateConnectionSecret: {
    ...plain,
    operationId: "rotateConnectionSecret",
    method: "POST",
    path: "/v1/connections/{connectionId}/rotate-secret",
    summary: "Gives a connection a new webhook secret; the old one is taken for 24 hours more",
    params: connectionParams,
    body: z.strictObject({ webhookSecret: text(1_024) }),
    answer: ok(
      "It is in use",
      z.object({ connectionId: z.string(), previousValidUntil: z.optional(time) }),
    ),
    problems: [404, 409],
  },
  createKey: {
    ...plain,
    operationId: "createKey",
    method: "POST",
    path: "/v1/keys",
    summary: "Makes an API key of the same client",
    answer: created(
      z.object({
        keyId: z.string(),
        apiKey: z.string().check(z.describe("Shown only here.")),
        createdAt: time,
      }),
    ),
    problems: [],
  },
  listKeys: {
    ...plain,
    operationId: "listKeys",
    method: "GET",
    path: "/v1/keys",
    summary: "The client's API keys, revoked ones too",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(apiKeyView)),
    problems: [],
  },
  revokeKey: {
    ...plain,
    operationId: "revokeKey",
    method: "DELETE",
    path: "/v1/keys/{keyId}",
    summary: "Revokes an API key; it may be taken for some seconds more",
    params: keyParams,
    answer: gone("It is revoked"),
    problems: [404],
  },
  ...requestOperations,
  ...webhookOperations,
} as const satisfies Record<string, ApiOperation>;

const dialectOperations: Operation[] = Object.values(providerPacks).flatMap(({ id, dialect }) =>
  Object.values(dialect?.operations ?? {}).map((one) => ({ ...one, dialect: id })),
);

/**
 * Every operation of the HTTP API: `infra` creates the routes from this list, the
 * `api` function validates and dispatches by it, and the OpenAPI document lists it.
 */
export const operations: readonly Operation[] = [
  ...Object.values(nativeOperations),
  ...dialectOperations,
];

/** As API Gateway names a route. */
export const routeKeyOf = ({ method, path }: Pick<Operation, "method" | "path">): string =>
  `${method} ${path}`;

/** RFC 9457: what every answer from 400 on has as its body. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.optional(z.string()),
  code: z.string(),
  /** Every bad field of the body, the query or the path. */
  errors: z.optional(z.array(z.object({ field: z.string(), message: z.string() }))),
});

function ok<Schema extends z.ZodMiniType>(description: string, schema: Schema) {
  return { status: 200, description, schema } as const;
}

function created<Schema extends z.ZodMiniType>(schema: Schema) {
  return { status: 201, description: "It is made", schema } as const;
}

function gone(description: string) {
  return { status: 204, description } as const;
}

function exactOptional<Shape extends Record<string, z.ZodMiniType>>(shape: Shape) {
  const members = Object.entries(shape).map(([name, schema]) => [name, z.exactOptional(schema)]);
  return Object.fromEntries(members) as {
    [Name in keyof Shape]: z.ZodMiniExactOptional<Shape[Name]>;
  };
}
