import * as z from "zod/mini";
import { clientScope } from "./client-scope.ts";
import { eventTypeFilter } from "./event-type-filter.ts";
import { paceRange } from "./http/accounts.ts";
import { secretText } from "./http/parts.ts";
import { recurrence } from "./http/recurrence.ts";
import { hoursSchema, limitsSchema, presetSchema, warmUpSchema } from "./pace.ts";
import { providerId } from "./providers.ts";
import { webhookFormat } from "./webhook-format.ts";
import { hashForm, hashFormat, payloadMode } from "./webhook-forms.ts";
import { framingHeaders } from "./webhook-headers.ts";

/** The items of the `config` table. `pk` is `<kind>#<id>`. */
export const configKey = {
  client: (clientId: string) => `client#${clientId}`,
  /** In the partition `CLIENT_DIRECTORY` of the index: that there is such a client. */
  listedClient: (clientId: string) => `listed#${clientId}`,
  /** In the partition `OPERATORS` of the index. */
  operatorKey: (keyId: string) => `operatorKey#${keyId}`,
  apiKey: (keyId: string) => `key#${keyId}`,
  connection: (connectionId: string) => `connection#${connectionId}`,
  account: (connectionId: string, accountId: string) => `account#${connectionId}#${accountId}`,
  /** One for each client, which has at most one active webhook. */
  webhook: (clientId: string) => `webhook#${clientId}`,
  recurring: (clientId: string, recurringId: string) => `recurring#${clientId}#${recurringId}`,
} as const;

/** Take the place of a client's id in items that belong to no client. No client's id has a `#`. */
export const CLIENT_DIRECTORY = "#clients";
export const OPERATORS = "#operators";

const common = { pk: z.string(), clientId: z.string(), createdAt: z.string() };

export const clientItem = z.object({ ...common, name: z.string() });

/** By it the clients are listed. Its key has the client's id. */
export const listedClientItem = z.object(common);

export const operatorKeyItem = z.object({
  ...common,
  keyId: z.string(),
  name: z.string(),
  scope: z.enum(["read", "operate", "admin"]),
  /** SHA-256 of the key's secret part, hex. */
  secretSha256: z.string(),
  expiresAt: z.optional(z.string()),
  revokedAt: z.optional(z.string()),
  /** Accurate to five minutes. */
  lastUsedAt: z.optional(z.string()),
});

export const apiKeyItem = z.object({
  ...common,
  keyId: z.string(),
  /** Absent: every scope. */
  scopes: z.optional(z.array(clientScope)),
  /** From then on it is refused; absent: never. */
  expiresAt: z.optional(z.string()),
  /** SHA-256 of the key's secret part, hex. The key itself is shown once and not stored. */
  secretSha256: z.string(),
  revokedAt: z.optional(z.string()),
  /** Accurate to the hour: a write per call would cost more than the call. */
  lastUsedAt: z.optional(z.string()),
});

/** A replaced value is accepted until `validUntil` (business time). The current value has none. */
const rotated = { validUntil: z.optional(z.string()) };

/** The settings of a connection that its client may change. */
export const connectionSettings = z.object({
  /** `paused`: nothing is sent to the provider. Webhooks are still accepted. */
  status: z.enum(["active", "paused"]),
  /** `quarantine`: a webhook whose signature fails is answered 200 and stored aside, and not processed. */
  signature: z.enum(["enforce", "quarantine"]),
  /** The forms of a signature in the body that are accepted. Pin one when it is known. */
  hashForms: z.array(hashForm).check(
    z.minLength(1),
    z.refine((forms) => new Set(forms).size === forms.length, "contains a form twice"),
    z.meta({ uniqueItems: true }),
  ),
  /** Accepts a JWT `hash` that names the request and does not bind the body. */
  allowUnboundJwt: z.boolean(),
  /** Takes the content of an event from the provider's API and not from the webhook. */
  verifyByFetch: z.boolean(),
});

export const connectionItem = z.object({
  ...common,
  connectionId: z.string(),
  provider: providerId,
  /** SHA-256 of the inbound URL's tokens, hex. */
  tokens: z.array(z.object({ sha256: z.string(), ...rotated })),
  /** The `ConnectionSecrets`, sealed with the master key. The item's key is the associated data. */
  sealedSecrets: z.string(),
  settings: connectionSettings,
  /** Why it was paused by Ackwire; absent when a person paused it. */
  pausedBecause: z.optional(z.enum(["CREDENTIALS_REFUSED"])),
  /**
   * Webhooks that were refused because of their signature, as `ingest` has counted them: at most
   * one write in some seconds, so that `count` is a lower bound. A new secret removes it.
   */
  refused: z.optional(
    z.object({
      count: z.number(),
      since: z.string(),
      lastAt: z.string(),
      addresses: z.array(z.string()),
    }),
  ),
  /**
   * The form of `hash` that its webhooks have, as `ingest` has observed. It decides what is tried
   * first and what is logged, and not what is accepted.
   */
  settledForm: z.optional(z.object({ form: hashForm, encoding: z.optional(z.string()) })),
  /** Number of writes, for optimistic locking. */
  version: z.number(),
});

/** Headers that authenticate Ackwire at a provider, by name. */
export const providerCredentials = z.record(
  z.string().check(
    z.regex(/^[A-Za-z0-9-]{1,64}$/, "is not the name of a header"),
    z.refine((name) => !framingHeaders.test(name), "is not a header that can be a credential"),
  ),
  secretText,
);

/** The secrets of a connection, which are stored sealed. */
export const connectionSecrets = z.object({
  /** Secrets with which the provider may sign its webhooks. */
  webhookSecrets: z.array(z.object({ secret: z.string(), ...rotated })),
  /** Headers that authenticate the connection at the provider, by name. */
  credentials: z.optional(providerCredentials),
});

export const accountItem = z.object({
  ...common,
  connectionId: z.string(),
  accountId: z.string(),
  provider: providerId,
  /** Grows with each write, from the time of its creation on; absent: an earlier version wrote it. */
  version: z.optional(z.number()),
  /** The provider's token of this account, sealed. */
  sealedIdentificationToken: z.optional(z.string()),
  /** When that was stored (real time); absent: by an earlier version. */
  tokenStoredRealMs: z.optional(z.number()),
  /** The account's own interval between submissions. */
  pace: z.optional(paceRange),
  /** Absent: registered before there were presets, and without limits. */
  preset: z.optional(presetSchema),
  /** The account's own limits, which replace those of the preset. */
  limits: z.optional(limitsSchema),
  hours: z.optional(hoursSchema),
  warmUp: z.optional(warmUpSchema),
});

/** A recurring request: what it makes, and when. */
export const recurringItem = z.object({
  ...common,
  recurringId: z.string(),
  provider: providerId,
  connectionId: z.string(),
  accountId: z.string(),
  action: z.string(),
  group: z.optional(z.string()),
  isHigh: z.optional(z.literal(true)),
  /** JSON text. */
  params: z.string(),
  every: recurrence,
  /** `paused`: no firing makes a request. */
  status: z.enum(["active", "paused"]),
  changedAt: z.string(),
  /** Number of writes, for optimistic locking. */
  version: z.number(),
});

export type RecurringItem = z.output<typeof recurringItem>;

/** A client's webhook. A deleted one stays until the next one replaces it. */
export const webhookItem = z.object({
  ...common,
  webhookId: z.string(),
  /** As it was parsed when it was set. */
  url: z.string(),
  /**
   * Counts the client's endpoints: each new webhook and each change of the URL is the next one.
   * A higher number is the later endpoint.
   */
  endpointNumber: z._default(z.number(), 0),
  /** Headers that the client adds to each delivery. The item's key is the associated data of `sealed`. */
  headers: z.optional(z.object({ names: z.array(z.string()), sealed: z.string() })),
  status: z.enum(["active", "disabled", "deleted"]),
  disabledReason: z.optional(z.string()),
  disabledAt: z.optional(z.string()),
  /** The provider in whose own scheme deliveries are signed, besides Standard Webhooks. */
  signedAs: z.optional(providerId),
  payloadMode,
  format: webhookFormat,
  hashFormat,
  /** The types to deliver; absent: every type that the format has. */
  eventTypes: z.optional(z.array(eventTypeFilter)),
  description: z.optional(z.string()),
  /** The inputs from which its signing secrets are derived, the current one first. */
  secrets: z.array(
    z.object({
      version: z.number(),
      masterKeyId: z.string(),
      /** SHA-256 of the Idempotency-Key of the call that created it. The same call returns it again. */
      keySha256: z.optional(z.string()),
      ...rotated,
    }),
  ),
  /** The client's earlier webhooks, and whether each was disabled or deleted: this decides how its deliveries end. */
  previousWebhooks: z.array(
    z.object({
      webhookId: z.string(),
      status: z.enum(["disabled", "deleted"]),
      disabledReason: z.optional(z.string()),
      disabledAt: z.optional(z.string()),
    }),
  ),
  /** The last job that a `recover` started: the next one waits until it has ended. */
  recoveryId: z.optional(z.string()),
  /** Number of writes, for optimistic locking. */
  version: z.number(),
});

export type WebhookItem = z.output<typeof webhookItem>;
export type ListedClientItem = z.output<typeof listedClientItem>;
export type OperatorKeyItem = z.output<typeof operatorKeyItem>;
export type ClientItem = z.output<typeof clientItem>;
export type ApiKeyItem = z.output<typeof apiKeyItem>;
export type AccountItem = z.output<typeof accountItem>;
export type ConnectionItem = z.output<typeof connectionItem>;
export type ConnectionSecrets = z.output<typeof connectionSecrets>;
export type ConnectionSettings = z.output<typeof connectionSettings>;
