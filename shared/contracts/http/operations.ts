import * as z from "zod/mini";
import {
  apiKeyItem,
  connectionItem,
  connectionSettings,
  providerCredentials,
} from "../config-items.ts";
import { eventType } from "../events.ts";
import { type ProviderId, providerId, providerPacks } from "../providers.ts";
import { deliveryOperations } from "./deliveries.ts";
import type { ApiOperation } from "./operation.ts";
import { listOf, named, ok, paging, plain, text, time } from "./parts.ts";
import { requestOperations } from "./requests.ts";
import { webhookOperations } from "./webhooks.ts";

/** An operation, and the provider whose protocol it speaks; absent: Ackwire's own. */
export interface Operation extends ApiOperation {
  dialect?: ProviderId;
}

const connectionView = named(
  "Connection",
  z.object({
    ...z.pick(connectionItem, { connectionId: true, provider: true, createdAt: true }).shape,
    ...connectionSettings.shape,
  }),
);
const inboundUrl = z.url().check(z.describe("Contains a secret. Shown only here."));

const credentialHeaders = z.exactOptional(
  providerCredentials.check(
    z.describe("Headers that authenticate you at the provider. Stored encrypted, never shown."),
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
      // An unknown member is reported already.
      when: ({ issues }) => issues.length === 0,
    }),
    z.meta({ minProperties: 1 }),
  );

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
    createdAt: true,
    revokedAt: true,
    lastUsedAt: true,
  }),
);

/** Within the limit of a DynamoDB key; a longer one would look like an outage. */
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
  createConnection: {
    ...plain,
    operationId: "createConnection",
    method: "POST",
    path: "/v1/connections",
    summary: "Creates a connection to a provider",
    body: newConnection,
    answer: created(named("ConnectionWithInboundUrl", z.extend(connectionView, { inboundUrl }))),
    problems: [],
  },
  listConnections: {
    ...plain,
    operationId: "listConnections",
    method: "GET",
    path: "/v1/connections",
    summary: "Lists the client's connections",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(connectionView)),
    problems: [],
  },
  getConnection: {
    ...plain,
    operationId: "getConnection",
    method: "GET",
    path: "/v1/connections/{connectionId}",
    summary: "Returns one connection",
    params: connectionParams,
    answer: ok("The connection, without its secrets", connectionView),
    problems: [404],
  },
  updateConnection: {
    ...plain,
    operationId: "updateConnection",
    method: "PATCH",
    path: "/v1/connections/{connectionId}",
    summary: "Changes settings or credentials of a connection",
    params: connectionParams,
    body: settingsChange,
    answer: ok("The changed connection", connectionView),
    problems: [404, 409],
  },
  deleteConnection: {
    ...plain,
    operationId: "deleteConnection",
    method: "DELETE",
    path: "/v1/connections/{connectionId}",
    summary: "Deletes a connection; its inbound URL answers 404 from then on",
    params: connectionParams,
    answer: noContent("The connection is deleted"),
    problems: [404],
  },
  rotateConnectionToken: {
    ...plain,
    operationId: "rotateConnectionToken",
    method: "POST",
    path: "/v1/connections/{connectionId}/rotate-token",
    summary: "Replaces the inbound URL of a connection; the old one stays valid for 24 hours",
    params: connectionParams,
    answer: ok(
      "The new inbound URL",
      z.object({ connectionId: z.string(), inboundUrl, previousValidUntil: time }),
    ),
    problems: [404, 409],
  },
  rotateConnectionSecret: {
    ...plain,
    operationId: "rotateConnectionSecret",
    method: "POST",
    path: "/v1/connections/{connectionId}/rotate-secret",
    summary: "Replaces the webhook secret of a connection; the old one stays valid for 24 hours",
    params: connectionParams,
    body: z.strictObject({ webhookSecret: text(1_024) }),
    answer: ok(
      "The new secret is in use",
      z.object({ connectionId: z.string(), previousValidUntil: z.optional(time) }),
    ),
    problems: [404, 409],
  },
  createKey: {
    ...plain,
    operationId: "createKey",
    method: "POST",
    path: "/v1/keys",
    summary: "Creates another API key of the client",
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
  ...requestOperations,
  ...webhookOperations,
  ...deliveryOperations,
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

/** The name of a route in API Gateway. */
export const routeKeyOf = ({ method, path }: Pick<Operation, "method" | "path">): string =>
  `${method} ${path}`;

function created<Schema extends z.ZodMiniType>(schema: Schema) {
  return { status: 201, description: "Created", schema } as const;
}

function noContent(description: string) {
  return { status: 204, description } as const;
}

function exactOptional<Shape extends Record<string, z.ZodMiniType>>(shape: Shape) {
  const members = Object.entries(shape).map(([name, schema]) => [name, z.exactOptional(schema)]);
  return Object.fromEntries(members) as {
    [Name in keyof Shape]: z.ZodMiniExactOptional<Shape[Name]>;
  };
}
