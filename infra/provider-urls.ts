import { providerPacks } from "../shared/contracts/providers.ts";

/** The base URL of each provider's API, as the value of `PROVIDER_BASE_URLS`. */
export const providersOwnUrls = JSON.stringify(
  Object.fromEntries(Object.values(providerPacks).map(({ id, baseUrl }) => [id, baseUrl])),
);
