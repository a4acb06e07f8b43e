import * as http from "node:http";
import * as https from "node:https";
import { limits } from "../../contracts/limits.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import { USER_AGENT } from "../../contracts/version.ts";
import { decodeBody } from "../../core/json/decode-body.ts";
import type { ProviderHttpCall } from "../../core/providers/http-call.ts";
import type { ProviderAnswer } from "../../core/providers/provider-client.ts";
import type { CallResult, ProviderCalls } from "../../core/requests/state/ports.ts";

/**
 * Calls providers, each time over a new connection, so that it is known whether
 * anything can have been sent. Makes no retry; a redirect is an answer.
 *
 * A call that fails before TCP (and TLS, for an https address) is connected is
 * `notSent`: no byte of the request was sent. A call that fails later is `incomplete`.
 */
export function makeHttpProviderCalls(options: {
  baseUrls: Readonly<Record<ProviderId, string>>;
}): ProviderCalls {
  return {
    send(provider, request, timeoutMs) {
      const baseUrl = options.baseUrls[provider].replace(/\/$/, "");
      return exchangeWith(`${baseUrl}${request.path}`, request, timeoutMs);
    },
  };
}

function exchangeWith(
  address: string,
  request: ProviderHttpCall,
  timeoutMs: number,
): Promise<CallResult> {
  return new Promise((resolve) => {
    let isConnected = false;
    let call: http.ClientRequest | undefined;
    // One deadline, from the name's resolution to the last byte.
    const deadline = setTimeout(() => fail("TIMEOUT"), timeoutMs);

    function settle(exchange: CallResult) {
      clearTimeout(deadline);
      resolve(exchange);
      call?.destroy();
    }
    const fail = (reason: string) =>
      settle({ kind: isConnected ? "incomplete" : "notSent", reason });

    try {
      call = send(new URL(address), request);
    } catch (error) {
      // An address or a header that cannot be written.
      return fail(reasonOf(error));
    }
    call.on("socket", (socket) => {
      const connected = address.startsWith("https:") ? "secureConnect" : "connect";
      socket.once(connected, () => {
        isConnected = true;
      });
    });
    call.on("error", (error) => fail(reasonOf(error)));
    call.on("close", () => fail("CONNECTION_CLOSED"));
    call.on("response", (response) => {
      readAnswer(response, {
        done: (answer) => settle({ kind: "answered", answer }),
        fail,
      });
    });
  });
}

function send(url: URL, { method, headers, body }: ProviderHttpCall): http.ClientRequest {
  const { request } = url.protocol === "https:" ? https : http;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const call = request(url, {
    method,
    agent: false,
    headers: {
      accept: "application/json",
      // A response that is compressed all the same is decompressed.
      "accept-encoding": "identity",
      "user-agent": USER_AGENT,
      ...headers,
      "content-type": "application/json",
      ...(bytes ? { "content-length": bytes.byteLength } : {}),
    },
  });
  call.end(bytes);
  return call;
}

function readAnswer(
  response: http.IncomingMessage,
  { done, fail }: { done(answer: ProviderAnswer): void; fail(reason: string): void },
): void {
  const receivedRealMs = Date.now();
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > limits.maxAnswerBytes) fail("ANSWER_TOO_LARGE");
    else chunks.push(chunk);
  });
  response.on("error", (error) => fail(reasonOf(error)));
  response.on("end", () => {
    if (!response.complete) return fail("ANSWER_CUT");
    // `response.headers` drops the second value of most headers.
    const headers = Object.fromEntries(
      Object.entries(response.headersDistinct).map(([name, values = []]) => [
        name,
        values.join(", "),
      ]),
    );
    const body = decoded(Buffer.concat(chunks), headers);
    if (!body) return fail("ANSWER_TOO_LARGE");
    done({ status: response.statusCode ?? 0, headers, body, receivedRealMs });
  });
}

/** Returns `undefined` when the decoded body is too large. */
function decoded(body: Uint8Array, headers: ProviderAnswer["headers"]): Uint8Array | undefined {
  try {
    return decodeBody(body, headers, limits.maxAnswerBytes);
  } catch {
    return undefined;
  }
}

/** A code, or the kind of fault: messages of the network may hold addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN_ERROR";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
