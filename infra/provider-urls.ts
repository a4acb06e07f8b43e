import type { ProviderId } from "../shared/contracts/providers.ts";

const urls: Record<ProviderId, string> = {
  "we-link": "https://api.we-link.ai",
  "linked-api": "https://api.linkedapi.io",
};

/** Where the providers say that their APIs are, as `PROVIDER_BASE_URLS` has it. */
export const providersOwnUrls = JSON.stringify(urls);
