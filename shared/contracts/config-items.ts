import * as z from "zod/mini";
import { providerId } from "./providers.ts";

/** The items of the `config` table. `pk` is `<kind>#<id>`. */
export const configKey = {
  client: (clientId: string) => `client#${clientId}`,
  apiKey: (keyId: string) => `key#${keyId}`,
  connection: (connectionId: string) => `connection#${connectionId}`,
} as const;

export const clientItem = z.object({
  pk: z.string(),
  clientId: z.string(),
  name: z.string(),
  createdAt: z.string(),
});

export const apiKeyItem = z.object({
  pk: z.string(),
  clientId: z.string(),
  keyId: z.string(),
  /** SHA-256 of the key's secret part, hex. The key itself is shown once and kept nowhere. */
  secretSha256: z.string(),
  createdAt: z.string(),
});

export const connectionItem = z.object({
  pk: z.string(),
  clientId: z.string(),
  connectionId: z.string(),
  provider: providerId,
  /** SHA-256 of the inbound URL's token, hex. */
  tokenSha256: z.string(),
  /** The `ConnectionSecrets`, sealed with the master key; the item's key is the associated data. */
  sealedSecrets: z.string(),
  createdAt: z.string(),
});

/** What a connection keeps sealed. */
export const connectionSecrets = z.object({
  /** Secrets by which the provider signs its webhooks; any of them is accepted. */
  webhookSecrets: z.array(z.string()),
});

export type ClientItem = z.output<typeof clientItem>;
export type ApiKeyItem = z.output<typeof apiKeyItem>;
export type ConnectionItem = z.output<typeof connectionItem>;
export type ConnectionSecrets = z.output<typeof connectionSecrets>;
