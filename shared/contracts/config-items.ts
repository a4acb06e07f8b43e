import * as z from "zod/mini";
import { deliverableType } from "./events.ts";
import { paceRange } from "./http/requests.ts";
import { providerId } from "./providers.ts";
import { webhookFormat } from "./webhook-format.ts";
import { hashForm, hashFormat, payloadMode } from "./webhook-forms.ts";

/** The items of the `config` table. `pk` is `<kind>#<id>`. */
export const configKey = {
  client: (clientId: string) => `client#${clientId}`,
  apiKey: (keyId: string) => `key#${keyId}`,
  connection: (connectionId: string) => `connection#${connectionId}`,
  account: (connectionId: string, accountId: string) => `account#${connectionId}#${accountId}`,
  /** One for each client: it holds one active webhook at a time. */
  webhook: (clientId: string) => `webhook#${clientId}`,
} as const;

const common = { pk: z.string(), clientId: z.string(), createdAt: z.string() };

const clientItem = z.object({ ...common, name: z.string() });

export const apiKeyItem = z.object({
  ...common,
  keyId: z.string(),
  /** SHA-256 of the key's secret part, hex. The key itself is shown once and kept nowhere. */
  secretSha256: z.string(),
  revokedAt: z.optional(z.string()),
  /** Kept to the hour: a write per call would cost more than the call. */
  lastUsedAt: z.optional(z.string()),
});

/** What was replaced is accepted until `validUntil` (business time); what is current has none. */
const rotated = { validUntil: z.optional(z.string()) };

/** What a client may set on a connection. */
export const connectionSettings = z.object({
  /** `paused`: nothing is sent to the provider on it. Its webhooks are taken as ever. */
  status: z.enum(["active", "paused"]),
  /** `quarantine`: a webhook whose signature fails is acked and kept aside, never processed by itself. */
  signature: z.enum(["enforce", "quarantine"]),
  /** The forms of a signature in the body that are tried; pin one once it is known. */
  hashForms: z.array(hashForm).check(
    z.minLength(1),
    z.refine((forms) => new Set(forms).size === forms.length, "names a form twice"),
  ),
  /** Accepts a JWT `hash` that names the request and does not bind the body. */
  allowUnboundJwt: z.boolean(),
  /** Acts only on what the provider itself answers when asked, not on what the webhook says. */
  verifyByFetch: z.boolean(),
});

export const connectionItem = z.object({
  ...common,
  connectionId: z.string(),
  provider: providerId,
  /** SHA-256 of the inbound URL's tokens, hex. */
  tokens: z.array(z.object({ sha256: z.string(), ...rotated })),
  /** The `ConnectionSecrets`, sealed with the master key; the item's key is the associated data. */
  sealedSecrets: z.string(),
  settings: connectionSettings,
  /** Counts the writes: one that read an older version is refused. */
  version: z.number(),
});

/** Headers that say how a message is framed and to whom it goes: never anybody's credential. */
const framingHeaders =
  /^(connection|content-.*|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|accept-.*)$/i;

/** Headers by which a provider knows us, by name. */
export const providerCredentials = z.record(
  z.string().check(
    z.regex(/^[A-Za-z0-9-]{1,64}$/),
    z.refine((name) => !framingHeaders.test(name), "is no header that can be a credential"),
  ),
  z.string().check(z.regex(/^[\x20-\x7e]{1,1000}$/)),
);

/** What a connection keeps sealed. */
export const connectionSecrets = z.object({
  /** Secrets by which the provider signs its webhooks; any of them is accepted. */
  webhookSecrets: z.array(z.object({ secret: z.string(), ...rotated })),
  /** Headers by which the provider knows us, by name. */
  credentials: z.optional(providerCredentials),
});

export const accountItem = z.object({
  ...common,
  connectionId: z.string(),
  accountId: z.string(),
  provider: providerId,
  /** The provider's token of this account, sealed. */
  sealedIdentificationToken: z.optional(z.string()),
  /** The account's own gap between submissions. */
  pace: z.optional(paceRange),
});

/** A client's present webhook; one that was deleted stays until the next takes its place. */
export const webhookItem = z.object({
  ...common,
  webhookId: z.string(),
  url: z.string(),
  status: z.enum(["active", "disabled", "deleted"]),
  disabledReason: z.optional(z.string()),
  disabledAt: z.optional(z.string()),
  payloadMode,
  format: webhookFormat,
  hashFormat,
  /** Only these; every type that its format carries where it is absent. */
  eventTypes: z.optional(z.array(deliverableType)),
  description: z.optional(z.string()),
  /** What its signing secrets are derived from, the current one first. */
  secrets: z.array(
    z.object({
      version: z.number(),
      masterKeyId: z.string(),
      /** SHA-256 of the Idempotency-Key by which it was made: the same call again is told it again. */
      keySha256: z.optional(z.string()),
      ...rotated,
    }),
  ),
  /** The client's webhooks before this one, and how each ended: their deliveries end likewise. */
  previousWebhooks: z.array(
    z.object({
      webhookId: z.string(),
      status: z.enum(["disabled", "deleted"]),
      disabledReason: z.optional(z.string()),
      disabledAt: z.optional(z.string()),
    }),
  ),
  /** Counts the writes: one that read an older version is refused. */
  version: z.number(),
});

export type WebhookItem = z.output<typeof webhookItem>;
export type ClientItem = z.output<typeof clientItem>;
export type ApiKeyItem = z.output<typeof apiKeyItem>;
export type AccountItem = z.output<typeof accountItem>;
export type ConnectionItem = z.output<typeof connectionItem>;
export type ConnectionSecrets = z.output<typeof connectionSecrets>;
export type ConnectionSettings = z.output<typeof connectionSettings>;
