import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../loopback.ts";
import { MAX_RESPONSE_BYTES } from "./limits.ts";

export interface Invocation {
  requestId: string;
  functionArn: string;
  traceId: string;
  /** JSON. */
  payload: string;
  /** Epoch milliseconds, real time. */
  deadlineMs: number;
  /** By how much business time has been moved since the start of the run. */
  businessJumpedMs: number;
}

/** Requests of the process of one environment. */
export interface RuntimeEvents {
  /** The process asks for an invocation: its initialisation, or its last invocation, is over. */
  onNext(send: (invocation: Invocation) => void): void;
  onResponse(requestId: string, body: string): void;
  onResponseTooLarge(requestId: string): void;
  onError(requestId: string, body: string): void;
  onInitError(body: string): void;
}

export interface RuntimeApi {
  /** `host:port`, the format of `AWS_LAMBDA_RUNTIME_API`. */
  address: string;
  close(): void;
}

const PREFIX = "/2018-06-01/runtime/";

/**
 * Serves the Lambda Runtime API to one execution environment. Each environment
 * has its own port, because the API does not identify the caller.
 */
export async function startRuntimeApi(events: RuntimeEvents): Promise<RuntimeApi> {
  const server = createServer((request, response) => {
    void serve(events, request, response).catch(() => response.destroy());
  });
  // An idle environment waits for its next invocation as long as the local run lasts.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  return {
    address: await listen(server, 0),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function serve(events: RuntimeEvents, request: IncomingMessage, response: ServerResponse) {
  const path = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) : "";
  if (request.method === "GET" && path === "invocation/next") {
    events.onNext((invocation) => send(response, invocation));
    return;
  }
  const [scope, id = "", result] = path.split("/");
  const body = await readBody(request);
  if (path === "init/error") events.onInitError(body ?? "");
  else if (scope === "invocation" && result === "error") events.onError(id, body ?? "");
  else if (scope === "invocation" && result === "response") {
    if (body === undefined) events.onResponseTooLarge(id);
    else events.onResponse(id, body);
  } else {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(202, { "content-length": "0" }).end();
}

function send(response: ServerResponse, invocation: Invocation) {
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(invocation.payload),
    "Lambda-Runtime-Aws-Request-Id": invocation.requestId,
    "Lambda-Runtime-Deadline-Ms": String(invocation.deadlineMs),
    "Lambda-Runtime-Invoked-Function-Arn": invocation.functionArn,
    "Lambda-Runtime-Trace-Id": invocation.traceId,
    "Ackwire-Business-Jumped-Ms": String(invocation.businessJumpedMs),
  });
  response.end(invocation.payload);
}

/** @returns undefined for a body that exceeds the response limit */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MAX_RESPONSE_BYTES) chunks.push(chunk);
  }
  return size <= MAX_RESPONSE_BYTES ? Buffer.concat(chunks).toString() : undefined;
}
