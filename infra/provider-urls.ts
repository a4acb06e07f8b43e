import { providerPacks } from "../shared/contracts/providers.ts";
import { baseUrlsForm, readBaseUrls } from "./config-values.ts";
import { ConfigurationError } from "./configuration-error.ts";

const ownUrls: Record<string, string> = Object.fromEntries(
  Object.values(providerPacks).map(({ id, baseUrl }) => [id, baseUrl]),
);

/** The base URL of each provider's API, as the value of `PROVIDER_BASE_URLS`. */
export const providersOwnUrls = JSON.stringify(ownUrls);

/**
 * Returns the value of `PROVIDER_BASE_URLS`: these URLs, and those of the other providers.
 *
 * @throws ConfigurationError for a provider that does not exist, or for no URL
 */
export function providerUrlsText(urls: Readonly<Record<string, string>> = {}): string {
  const text = JSON.stringify({ ...ownUrls, ...urls });
  if (readBaseUrls(text) === undefined) {
    throw new ConfigurationError([
      `providerBaseUrls: got ${JSON.stringify(urls)}; must be of ${baseUrlsForm}, each without a query or a slash at its end`,
    ]);
  }
  return text;
}
