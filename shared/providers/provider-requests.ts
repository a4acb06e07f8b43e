import type { ProviderId } from "../contracts/providers.ts";
import type { ProviderClient } from "../core/providers/provider-client.ts";
import { providerPacks } from "./packs.ts";

/** How each provider takes requests. */
export const providerRequests: Readonly<Record<ProviderId, ProviderClient>> = {
  "we-link": providerPacks["we-link"].requests,
  "linked-api": providerPacks["linked-api"].requests,
};
