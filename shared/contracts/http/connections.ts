import * as z from "zod/mini";
import { connectionItem, connectionSettings, providerCredentials } from "../config-items.ts";
import { providerId, providerPacks } from "../providers.ts";
import type { ApiOperation } from "./operation.ts";
import {
  created,
  listOf,
  named,
  noContent,
  ok,
  oneOfMembers,
  paging,
  plain,
  rotation,
  text,
  time,
  withProvider,
} from "./parts.ts";

/** The operations on connections. */

export const connectionView = named(
  "Connection",
  z.object({
    ...z.pick(connectionItem, { connectionId: true, provider: true, createdAt: true }).shape,
    ...connectionSettings.shape,
    hasCredentials: z
      .optional(z.boolean())
      .check(z.describe("Without credentials nothing can be submitted.")),
    pausedBecause: z
      .optional(z.enum(["CREDENTIALS_REFUSED"]))
      .check(z.describe("Absent when a person paused the connection.")),
  }),
);
const inboundUrl = z.url().check(z.describe("Contains a secret. Shown only here."));

export const credentialHeaders = z.exactOptional(
  providerCredentials.check(
    z.describe("Headers that authenticate you at the provider. Stored encrypted, never shown."),
  ),
);

const newConnection = z
  .strictObject({
    provider: providerId,
    webhookSecret: z.exactOptional(text(1_024)),
    credentials: credentialHeaders,
    ...exactOptional(connectionSettings.shape),
  })
  .check(
    z.meta({
      allOf: Object.values(providerPacks)
        .filter(({ requiresWebhookSecret }) => requiresWebhookSecret)
        .map(({ id }) =>
          withProvider(id, {
            required: ["webhookSecret"],
            properties: { webhookSecret: { type: "string" } },
          }),
        ),
    }),
  );

const settingsChange = z
  .strictObject({ ...exactOptional(connectionSettings.shape), credentials: credentialHeaders })
  .check(
    z.refine((change) => Object.keys(change).length > 0, {
      error: "must name what to change",
      // An unknown member is reported already.
      when: ({ issues }) => issues.length === 0,
    }),
    oneOfMembers([...Object.keys(connectionSettings.shape), "credentials"]),
  );

export const connectionParams = z.strictObject({ connectionId: text(128) });

export const connectionOperations = {
  createConnection: {
    ...plain,
    operationId: "createConnection",
    method: "POST",
    path: "/v1/connections",
    summary: "Creates a connection to a provider",
    body: newConnection,
    answer: created(named("ConnectionWithInboundUrl", z.extend(connectionView, { inboundUrl }))),
    problems: [409],
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
    summary:
      "Replaces the inbound URL of a connection; the old one stays valid for 24 hours, or overlapHours",
    params: connectionParams,
    query: z.strictObject(rotation),
    answer: ok(
      "The new inbound URL",
      z.object({
        connectionId: z.string(),
        inboundUrl,
        previousValidUntil: z.optional(time),
      }),
    ),
    problems: [404, 409],
  },
  rotateConnectionSecret: {
    ...plain,
    operationId: "rotateConnectionSecret",
    method: "POST",
    path: "/v1/connections/{connectionId}/rotate-secret",
    summary:
      "Replaces the webhook secret of a connection; the old one stays valid for 24 hours, or overlapHours",
    params: connectionParams,
    query: z.strictObject(rotation),
    body: z.strictObject({ webhookSecret: text(1_024) }),
    answer: ok(
      "The new secret is in use",
      z.object({ connectionId: z.string(), previousValidUntil: z.optional(time) }),
    ),
    problems: [404, 409],
  },
} as const satisfies Record<string, ApiOperation>;

function exactOptional<Shape extends Record<string, z.ZodMiniType>>(shape: Shape) {
  const members = Object.entries(shape).map(([name, schema]) => [name, z.exactOptional(schema)]);
  return Object.fromEntries(members) as {
    [Name in keyof Shape]: z.ZodMiniExactOptional<Shape[Name]>;
  };
}
