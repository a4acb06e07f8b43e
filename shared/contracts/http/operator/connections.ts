import * as z from "zod/mini";
import { connectionSettings, providerCredentials } from "../../config-items.ts";
import { connectionParams, connectionView } from "../connections.ts";
import { listOf, named, ok, paging, text, time } from "../parts.ts";
import { change, look, type OperatorOperation, ofClient, whose, why } from "./operation.ts";

/** Connections of every client, and the webhooks in their quarantine. */

const operatorConnection = named(
  "OperatorConnection",
  z.extend(connectionView, {
    ...whose,
    hasCredentials: z.boolean(),
    refused: z
      .optional(
        z.object({
          count: z.int().check(z.describe("At least so many since `since`.")),
          since: time,
          lastAt: time,
          reason: z.string(),
          addresses: z
            .array(z.string())
            .check(z.describe("Some of the addresses that they came from.")),
        }),
      )
      .check(z.describe("Webhooks to its URL that were refused because of their signature.")),
    previousSecretValidUntil: z
      .optional(time)
      .check(z.describe("Until when the secret before the current one is accepted.")),
  }),
);

const withConnection = { params: connectionParams, problems: [404, 409] } as const;

const { status: _, ...settings } = connectionSettings.shape;

export const connectionOperations = {
  listConnections: {
    ...look,
    operationId: "listConnections",
    path: "/v1/operator/connections",
    summary: "Lists connections, client by client",
    isInPortal: true,
    query: z.strictObject({ ...paging, ...ofClient }),
    answer: ok("A page", listOf(operatorConnection)),
    problems: [404],
  },
  getConnection: {
    ...look,
    operationId: "getConnection",
    path: "/v1/operator/connections/{connectionId}",
    summary: "Returns one connection, without its secrets",
    isInPortal: true,
    params: connectionParams,
    query: z.strictObject(ofClient),
    answer: ok("The connection", operatorConnection),
    problems: [404],
  },
  pauseConnection: {
    ...change,
    ...withConnection,
    operationId: "pauseConnection",
    path: "/v1/operator/connections/{connectionId}/pause",
    summary: "Pauses a connection: nothing is sent to the provider; webhooks are still accepted",
    scope: "operate",
    answer: ok("The connection", operatorConnection),
  },
  resumeConnection: {
    ...change,
    ...withConnection,
    operationId: "resumeConnection",
    path: "/v1/operator/connections/{connectionId}/resume",
    summary: "Resumes a connection, whatever paused it",
    scope: "operate",
    answer: ok("The connection", operatorConnection),
  },
  changeConnectionSettings: {
    ...change,
    ...withConnection,
    operationId: "changeConnectionSettings",
    path: "/v1/operator/connections/{connectionId}/settings",
    summary: "Changes how a connection verifies webhooks, such as `signature: quarantine`",
    scope: "operate",
    body: z.strictObject({
      signature: z.exactOptional(settings.signature),
      hashForms: z.exactOptional(settings.hashForms),
      allowUnboundJwt: z.exactOptional(settings.allowUnboundJwt),
      verifyByFetch: z.exactOptional(settings.verifyByFetch),
      why,
    }),
    audited: ["signature", "hashForms", "allowUnboundJwt", "verifyByFetch"],
    answer: ok("The connection", operatorConnection),
  },
  setConnectionCredentials: {
    ...change,
    ...withConnection,
    operationId: "setConnectionCredentials",
    path: "/v1/operator/connections/{connectionId}/credentials",
    summary:
      "Replaces the headers that authenticate at the provider, and resumes what their refusal paused",
    scope: "operate",
    body: z.strictObject({
      credentials: providerCredentials.check(z.describe("Stored encrypted, never shown.")),
      why,
    }),
    answer: ok("The connection", operatorConnection),
  },
  rotateConnectionSecret: {
    ...change,
    ...withConnection,
    operationId: "rotateConnectionSecret",
    path: "/v1/operator/connections/{connectionId}/rotate-secret",
    summary: "Replaces the webhook secret; the old one stays valid for 24 hours, or overlapHours",
    scope: "operate",
    body: z.strictObject({
      webhookSecret: text(1_024).check(z.describe("Stored encrypted, never shown.")),
      overlapHours: z.exactOptional(z.int().check(z.gte(0), z.lte(24))),
      why,
    }),
    audited: ["overlapHours"],
    answer: ok("The connection", operatorConnection),
  },
  listQuarantine: {
    ...look,
    operationId: "listQuarantine",
    path: "/v1/operator/connections/{connectionId}/quarantine",
    summary: "Lists the webhooks of a connection that failed verification while it quarantined",
    params: connectionParams,
    query: z.strictObject({ limit: paging.limit }),
    answer: ok(
      "Up to `limit` of them",
      z.object({
        items: z.array(z.object({ key: z.string(), at: z.optional(time) })),
        hasMore: z.boolean(),
      }),
    ),
    problems: [404],
  },
  releaseQuarantine: {
    ...change,
    operationId: "releaseQuarantine",
    path: "/v1/operator/connections/{connectionId}/quarantine/release",
    summary: "Verifies the webhooks in quarantine again, and processes those that pass",
    scope: "operate",
    params: connectionParams,
    deadlineMs: 25_000,
    answer: ok(
      "What became of them",
      z.object({
        released: z.int(),
        kept: z.int().check(z.describe("They fail verification still.")),
        isComplete: z.boolean().check(z.describe("`false`: call again for the rest.")),
      }),
    ),
    problems: [404, 409],
  },
} as const satisfies Record<string, OperatorOperation>;

export type OperatorConnectionView = z.output<typeof operatorConnection>;
