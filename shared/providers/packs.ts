import type { ProviderId } from "../contracts/providers.ts";
import type { ProviderPack } from "../core/providers/provider-pack.ts";
import { linkedApi } from "./linked-api/pack.ts";
import { weLink } from "./we-link/pack.ts";

/** Every provider that Ackwire speaks with. A new one is one file and one line here. */
export const providerPacks: Readonly<Record<ProviderId, ProviderPack>> = {
  "we-link": weLink,
  "linked-api": linkedApi,
};
