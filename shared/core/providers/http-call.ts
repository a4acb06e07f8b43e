/** A call to a provider's API, as its pack wants it made. */
export interface ProviderHttpCall {
  method: "GET" | "POST" | "DELETE";
  /** Below the provider's base URL, with its leading slash. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}
