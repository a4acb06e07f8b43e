import { HttpClient, LinkedApiError } from "@linkedapi/node";

/**
 * An HTTP client for `LinkedApiAdmin` with a base URL of its own: the admin part of
 * `@linkedapi/node` 1.2.19 takes its base URL by an `HttpClient` only.
 */
export function nodeAdminClient(of: { baseUrl: string; linkedApiToken: string }): HttpClient {
  const send = async (method: string, path: string, data?: unknown) => {
    const response = await fetch(`${of.baseUrl}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        "linked-api-token": of.linkedApiToken,
        client: "node",
      },
      body: data ? JSON.stringify(data) : null,
    });
    // biome-ignore lint/suspicious/noExplicitAny: the envelope of any call
    const body = (await response.json()) as any;
    if (response.ok) return body;
    throw new LinkedApiError(body.error.type, body.error.message, body);
  };
  class AdminHttpClient extends HttpClient {
    get = (path: string) => send("GET", path);
    post = (path: string, data?: unknown) => send("POST", path, data);
    delete = (path: string) => send("DELETE", path);
  }
  return new AdminHttpClient();
}
