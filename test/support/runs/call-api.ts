import { setTimeout as sleep } from "node:timers/promises";
import { WAIT_TIMEOUT_MS } from "../wait-timeout.ts";

export interface ApiCall {
  method: string;
  headers?: Record<string, string> | undefined;
  body?: unknown;
  /** Whether it may be made twice. Default: of GET and PUT, and with an idempotency key. */
  isRepeatable?: boolean | undefined;
}

/**
 * Calls the API as a client does: what is answered 503, because a busy machine
 * took too long, is repeated where that is safe.
 */
export async function callApi(
  url: string,
  { method, headers, body, ...of }: ApiCall,
): Promise<{ status: number; text: string }> {
  const isRepeatable =
    of.isRepeatable ?? (["GET", "PUT"].includes(method) || headers?.["idempotency-key"]);
  const untilMs = Date.now() + WAIT_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(url, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    const text = await response.text();
    if (status !== 503 || !isRepeatable || Date.now() > untilMs) return { status, text };
    await sleep(200);
  }
}
