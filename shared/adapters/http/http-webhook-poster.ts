import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { USER_AGENT } from "../../contracts/version.ts";
import type { WebhookTargets } from "../../contracts/webhook-targets.ts";
import type { PostResult, WebhookPost, WebhookPoster } from "../../core/deliveries/state/ports.ts";
import { targetUrlProblem } from "../../core/deliveries/webhooks/target-url.ts";
import { type RetryAfterAnswer, retryAfterOf } from "../../core/providers/retry-after.ts";
import {
  ConnectionFault,
  connectionClosed,
  connectToAllowedAddress,
  type Network,
  systemNetwork,
} from "./checked-connection.ts";
import { type MalformedResponse, readMalformedResponse } from "./malformed-response.ts";

const maxHeaderBytes = 16_384;
const maxBodyBytes = 16_384;
/** Maximum bytes of a response, including informational responses, headers and trailers. */
const maxResponseBytes = maxHeaderBytes + maxBodyBytes;
const maxBodyMs = 1_000;
const keptBodyBytes = 512;
const maxInformationalCount = 10;
/** Statuses whose `Location` is kept: it is shown and never followed. */
const redirectStatuses = [301, 302, 303, 307, 308];
const keptLocationBytes = 1_024;

type Outcome = Omit<PostResult, "durationMs">;

/**
 * Posts webhooks to subscribers, who are not trusted (SSRF guard): checks the URL before every
 * POST, and every address that its name resolves to. Opens one connection per POST, without a
 * proxy. Does not retry, follow redirects, decompress, or upgrade. The status is final once the
 * headers have arrived, even if the body then fails; where a header is malformed or the
 * connection ends, once the status line has arrived.
 *
 * @param options.timeoutMs from the name's resolution to the last byte, in real time
 * @param options.lambdaRuntimeApi `host:port` of the Lambda runtime's API. Its port is refused on
 *   this machine, in every notation of the address
 */
export function makeHttpWebhookPoster(
  options: {
    targets: WebhookTargets;
    timeoutMs: number;
    lambdaRuntimeApi?: string | undefined;
  } & Partial<Network>,
): WebhookPoster {
  const { timeoutMs, lambdaRuntimeApi } = options;
  const { lookup = systemNetwork.lookup, connect = systemNetwork.connect } = options;
  const refusedPort = lambdaRuntimeApi?.split(":").at(-1);
  const targets: WebhookTargets = {
    ...options.targets,
    refusedPorts: [...options.targets.refusedPorts, ...(refusedPort ? [Number(refusedPort)] : [])],
  };

  return {
    async post(webhook) {
      const startedMs = performance.now();
      const end = new AbortController();
      const deadline = setTimeout(() => end.abort(new ConnectionFault("TIMEOUT")), timeoutMs);
      const outcome = await exchange(webhook, end.signal).catch((error) => ({
        // After the deadline, the error is TIMEOUT and not that of the destroyed socket.
        error: codeOf(end.signal.aborted ? end.signal.reason : error),
      }));
      clearTimeout(deadline);
      // Destroys the connection if it is still open.
      end.abort(connectionClosed);
      return { ...outcome, durationMs: Math.round(performance.now() - startedMs) };
    },
  };

  async function exchange(webhook: WebhookPost, signal: AbortSignal): Promise<Outcome> {
    if (targetUrlProblem(webhook.url, targets)) throw new ConnectionFault("ADDRESS_REFUSED");
    const url = new URL(webhook.url);
    const network = { lookup, connect };
    const socket = await connectToAllowedAddress(url, { targets, network, signal });
    return receiveResponse(send(webhook, url, socket), signal);
  }
}

function send(webhook: WebhookPost, url: URL, socket: Socket): ClientRequest {
  const body = Buffer.from(webhook.body);
  const call = request({
    method: "POST",
    path: `${url.pathname}${url.search}`,
    // Without an agent, no connection is kept alive and no proxy is read from the environment.
    createConnection: () => socket,
    maxHeaderSize: maxHeaderBytes,
    headers: {
      ...webhook.headers,
      // Without these, common rules of web application firewalls refuse a request.
      accept: "*/*",
      "user-agent": USER_AGENT,
      host: hostHeaderOf(url),
      "accept-encoding": "identity",
      connection: "close",
      "content-length": body.byteLength,
    },
  });
  call.end(body);
  return call;
}

/** The host without the full stop of a full name, which few servers know, and the port. */
function hostHeaderOf(url: URL): string {
  return url.host.replace(/\.(?=:|$)/, "");
}

function receiveResponse(call: ClientRequest, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const fail = (code: string) => reject(new ConnectionFault(code));
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    const received: Buffer[] = [];
    call.on("error", (error) => {
      const refused = readMalformedResponse(Buffer.concat(received));
      if (refused && !(error instanceof ConnectionFault)) resolve(outcomeOfMalformed(refused));
      else reject(error);
    });
    call.on("close", () => reject(connectionClosed));
    call.on("upgrade", () => fail("UPGRADE_REFUSED"));
    let hasResponse = false;
    let informationalCount = 0;
    call.on("information", () => {
      if (++informationalCount > maxInformationalCount) fail("TOO_MANY_INFORMATIONAL");
    });
    let bytes = 0;
    call.on("socket", (socket) => {
      // Before the parser gets it: what the parser refuses is read from these bytes.
      socket.prependListener("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (!hasResponse) received.push(chunk);
        if (bytes > maxResponseBytes) call.destroy(new ConnectionFault("ANSWER_TOO_LARGE"));
      });
    });
    // The status is final from here on: a later failure does not change it.
    call.on("response", (response) => {
      hasResponse = true;
      resolve(readResponse(response, signal));
    });
  });
}

function outcomeOfMalformed({ status, headers, body }: MalformedResponse): Outcome {
  return outcomeOf({ status, headers, receivedRealMs: Date.now(), bodyStart: textOf(body) });
}

function outcomeOf({
  status,
  bodyStart,
  ...answer
}: RetryAfterAnswer & { status: number | undefined; bodyStart: string }): Outcome {
  const location = isRedirect(status) ? locationIn(answer.headers) : "";
  return {
    httpStatus: status,
    ...(bodyStart === "" ? {} : { bodyStart }),
    ...(location === "" ? {} : { location }),
    ...retryAfterOf(answer),
  };
}

/** The first `Location`, whose bytes may be UTF-8. */
function locationIn({ location }: RetryAfterAnswer["headers"]): string {
  const [first = ""] = [location ?? ""].flat();
  return cutTo(withoutControls(Buffer.from(first, "latin1").toString()), keptLocationBytes);
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && redirectStatuses.includes(status);
}

async function readResponse(response: IncomingMessage, signal: AbortSignal): Promise<Outcome> {
  const { statusCode: status, headersDistinct: headers } = response;
  const receivedRealMs = Date.now();
  const bodyStart = await readBodyStart(response, signal);
  return outcomeOf({ status, headers, receivedRealMs, bodyStart });
}

/** Reads a body to its end or to the first limit, and returns its beginning as text. */
async function readBodyStart(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  await new Promise<void>((done) => {
    const timer = setTimeout(done, maxBodyMs);
    const enough = () => {
      clearTimeout(timer);
      done();
    };
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      if (bytes < keptBodyBytes) chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= maxBodyBytes) enough();
    });
    for (const event of ["end", "error", "close"]) response.on(event, enough);
    signal.addEventListener("abort", enough, { once: true });
  });
  return textOf(Buffer.concat(chunks));
}

function textOf(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, keptBodyBytes));
  return cutTo(withoutControls(text), keptBodyBytes);
}

/** The beginning of a text, of at most so many bytes as UTF-8: what is no UTF-8 takes more as text. */
function cutTo(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  let end = Math.min(maxBytes, bytes.byteLength);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, "");
}

/** Returns only the error's code: its message may hold addresses. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : "FAILED";
}
