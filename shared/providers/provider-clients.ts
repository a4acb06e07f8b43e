import { type ProviderId, providerPacks } from "../contracts/providers.ts";
import type { ProviderClient } from "../core/providers/provider-client.ts";

/** How each provider takes requests, by the provider's id. */
export const providerClients = Object.fromEntries(
  Object.values(providerPacks).map(({ id, client }) => [id, client]),
) as Readonly<Record<ProviderId, ProviderClient>>;
