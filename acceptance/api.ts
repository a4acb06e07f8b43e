import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { waitLimitMs } from "./until.ts";

/** A JSON object as the API answers it. */
// biome-ignore lint/suspicious/noExplicitAny: the suite reads members of answers as a client without types does.
export type Json = any;

/** Calls the API as a client: method and path, a body, and the status that is expected. */
export type Api = (
  call: string,
  options?: { body?: object; headers?: Record<string, string>; status?: number | number[] },
) => Promise<Json>;

/** A call waits for its answer at most for this time. */
const CALL_TIMEOUT_MS = 60_000;

/** Pause before a call that was answered 5xx is repeated. */
const REPEAT_PAUSE_MS = 500;

/** The answer to a call; one that is answered 5xx is repeated, as providers and clients do. */
async function answerTo(url: string, init: RequestInit): Promise<Response> {
  const endMs = Date.now() + waitLimitMs;
  for (;;) {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    if (answer.status < 500 || Date.now() > endMs) return answer;
    await answer.arrayBuffer();
    await sleep(REPEAT_PAUSE_MS);
  }
}

/**
 * A client of the HTTP API. Its calls return the answer's body as JSON.
 *
 * They throw an AssertionError with the answer if its status is not the expected one: by default
 * any 2xx. A call can be repeated: one that creates something needs an idempotency key.
 */
export function makeApi(apiUrl: string, apiKey: string): Api {
  return async (call, { body, headers, status } = {}) => {
    const [method = "", path = ""] = call.split(" ");
    const answer = await answerTo(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isExpected =
      status === undefined ? answer.ok : [status].flat().some((one) => one === answer.status);
    assert.ok(isExpected, `${call} was answered ${answer.status}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
}

/** Posts a provider's webhook, and returns the status of the answer. */
export async function postWebhook(inboundUrl: string, body: string): Promise<number> {
  const answer = await answerTo(inboundUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}
