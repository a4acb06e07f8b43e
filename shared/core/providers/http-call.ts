/** An HTTP call to a provider's API. */
export interface ProviderHttpCall {
  method: "GET" | "POST" | "DELETE";
  /** Relative to the provider's base URL, with a leading slash. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}
