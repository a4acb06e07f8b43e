import type { ProviderId } from "../contracts/providers.ts";
import type { ProviderPack } from "../core/provider-pack.ts";
import { linkedApi } from "./linked-api.ts";
import { weLink } from "./we-link.ts";

/** Every provider that Ackwire speaks with. A new one is one file and one line here. */
export const providerPacks: Readonly<Record<ProviderId, ProviderPack>> = {
  "we-link": weLink,
  "linked-api": linkedApi,
};
