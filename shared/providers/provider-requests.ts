import type { ProviderId } from "../contracts/providers.ts";
import type { ProviderRequests } from "../core/providers/provider-client.ts";
import { providerPacks } from "./packs.ts";

/** How each provider takes requests. */
export const providerRequests: Readonly<Record<ProviderId, ProviderRequests>> = {
  "we-link": providerPacks["we-link"].requests,
  "linked-api": providerPacks["linked-api"].requests,
};
