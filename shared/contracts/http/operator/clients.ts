import * as z from "zod/mini";
import { clientScope } from "../../client-scope.ts";
import { created, listOf, named, ok, paging, text, time } from "../parts.ts";
import {
  change,
  clientParams,
  look,
  type OperatorOperation,
  operatorScope,
  why,
} from "./operation.ts";

/** Clients, their keys, and operator keys. */

const name = text(200);
const expiresAt = z
  .exactOptional(time)
  .check(
    z.describe(
      "Business time from which the key is refused. It is not later than the end of the key of this call, which it is when absent.",
    ),
  );

const clientView = named(
  "Client",
  z.object({
    clientId: z.string(),
    name: z.string(),
    createdAt: time,
  }),
);

const clientDetails = named(
  "ClientDetails",
  z.extend(clientView, {
    activeKeys: z.int(),
    connections: z.int(),
    accounts: z.int(),
    webhookStatus: z.optional(z.enum(["active", "disabled"])),
  }),
);

const clientKey = named(
  "ClientKey",
  z.object({
    keyId: z.string(),
    scopes: z.array(clientScope),
    createdAt: time,
    expiresAt: z.optional(time),
    revokedAt: z.optional(time),
    lastUsedAt: z.optional(time).check(z.describe("Accurate to the hour.")),
  }),
);

const operatorKeyView = named(
  "OperatorKey",
  z.object({
    keyId: z.string(),
    name: z.string(),
    scope: operatorScope,
    createdAt: time,
    expiresAt: z.optional(time),
    revokedAt: z.optional(time),
    lastUsedAt: z.optional(time).check(z.describe("Accurate to five minutes.")),
  }),
);

export const portalLink = named(
  "PortalLink",
  z.object({
    token: z.string().check(z.describe("Authorizes as `Bearer`. A secret.")),
    url: z
      .optional(z.url())
      .check(
        z.describe("The console with the token behind `#`; absent where there is no console."),
      ),
    expiresAt: time,
  }),
);

export const clientOperations = {
  listClients: {
    ...look,
    operationId: "listClients",
    path: "/v1/operator/clients",
    summary: "Lists the clients in the order of their ids",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(clientView)),
    problems: [],
  },
  getClient: {
    ...look,
    operationId: "getClient",
    path: "/v1/operator/clients/{clientId}",
    summary: "Returns one client with what it has",
    isInPortal: true,
    params: clientParams,
    answer: ok("The client", clientDetails),
    problems: [404],
  },
  createClient: {
    ...change,
    operationId: "createClient",
    path: "/v1/operator/clients",
    summary: "Creates a client",
    scope: "admin",
    body: z.strictObject({ name, why }),
    audited: ["name"],
    auditedAnswer: ["clientId"],
    answer: created(clientView),
    problems: [],
  },
  listClientKeys: {
    ...look,
    operationId: "listClientKeys",
    path: "/v1/operator/clients/{clientId}/keys",
    summary: "Lists a client's API keys, including revoked and expired ones",
    params: clientParams,
    query: z.strictObject(paging),
    answer: ok("A page", listOf(clientKey)),
    problems: [404],
  },
  createClientKey: {
    ...change,
    operationId: "createClientKey",
    path: "/v1/operator/clients/{clientId}/keys",
    summary: "Creates an API key of a client",
    scope: "admin",
    params: clientParams,
    body: z.strictObject({
      scopes: z.exactOptional(z.array(clientScope).check(z.minLength(1))),
      expiresAt,
      why,
    }),
    audited: ["scopes", "expiresAt"],
    auditedAnswer: ["keyId"],
    answer: created(
      z.extend(clientKey, { apiKey: z.string().check(z.describe("Shown only here.")) }),
    ),
    problems: [404, 409],
  },
  revokeClientKey: {
    ...change,
    operationId: "revokeClientKey",
    path: "/v1/operator/clients/{clientId}/keys/{keyId}/revoke",
    summary: "Revokes an API key; it may be accepted for some more seconds",
    scope: "admin",
    params: z.extend(clientParams, { keyId: text(128) }),
    answer: ok("The key", clientKey),
    problems: [404],
  },
  createPortalLink: {
    ...change,
    operationId: "createPortalLink",
    path: "/v1/operator/clients/{clientId}/portal-link",
    summary: "Creates a link to the pages of one client, which is valid for 15 minutes",
    scope: "operate",
    params: clientParams,
    answer: created(portalLink),
    problems: [404],
  },
  listOperatorKeys: {
    ...look,
    operationId: "listOperatorKeys",
    path: "/v1/operator/operator-keys",
    summary: "Lists the operator keys, including revoked and expired ones",
    scope: "admin",
    query: z.strictObject(paging),
    answer: ok("A page", listOf(operatorKeyView)),
    problems: [],
  },
  createOperatorKey: {
    ...change,
    operationId: "createOperatorKey",
    path: "/v1/operator/operator-keys",
    summary: "Creates an operator key",
    scope: "admin",
    body: z.strictObject({ name, scope: operatorScope, expiresAt, why }),
    audited: ["name", "scope", "expiresAt"],
    auditedAnswer: ["keyId"],
    answer: created(
      z.extend(operatorKeyView, {
        operatorKey: z.string().check(z.describe("Shown only here.")),
      }),
    ),
    problems: [],
  },
  revokeOperatorKey: {
    ...change,
    operationId: "revokeOperatorKey",
    path: "/v1/operator/operator-keys/{keyId}/revoke",
    summary: "Revokes an operator key; it may be accepted for some more seconds",
    scope: "admin",
    params: z.strictObject({ keyId: text(128) }),
    answer: ok("The key", operatorKeyView),
    problems: [404],
  },
} as const satisfies Record<string, OperatorOperation>;
