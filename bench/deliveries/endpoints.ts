import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** How an endpoint answers each POST. */
export type Behaviour = "healthy" | "fails" | "hangs" | "drips" | "redirects" | "gone";

/** A message to this process. An endpoint is identified by its number, which is its path. */
export type ToEndpoints =
  | { kind: "endpoint"; n: number; behaviour: Behaviour; secret: string }
  | { kind: "behave"; n: number; behaviour: Behaviour };

/** A message from this process. */
export type FromEndpoints = { kind: "listening"; port: number } | { kind: "posts"; posts: Post[] };

/** A POST as it arrived. */
export interface Post {
  /** -1 where no endpoint is: what a redirect leads to. */
  endpoint: number;
  /** Its `webhook-id`. */
  id: string;
  /** Real time, as the endpoint's process has it. */
  atMs: number;
  sha256: string;
  /** Why its signature or its id is not right. */
  fault?: string;
}

const ANSWER_AFTER_MS = 5;
const DRIP_EVERY_MS = 100;
/** The target of a redirect, which belongs to no endpoint. */
const TRAP_PATH = "/trap";
/** Posts are sent in batches, so that the messages cost little. */
const TELL_EVERY_MS = 200;

const endpoints = new Map<number, { behaviour: Behaviour; verify: (post: Received) => unknown }>();
let unsent: Post[] = [];

interface Received {
  body: Buffer;
  headers: IncomingMessage["headers"];
}

const answers: Readonly<Record<Behaviour, (response: ServerResponse) => void>> = {
  healthy: (response) => {
    setTimeout(() => response.writeHead(204).end(), ANSWER_AFTER_MS);
  },
  fails: (response) => response.writeHead(500).end("out of order"),
  hangs: () => undefined,
  drips: drip,
  redirects: (response) => response.writeHead(307, { location: TRAP_PATH }).end(),
  gone: (response) => response.writeHead(410).end(),
};

/** Headers byte by byte, without an end. */
function drip({ socket }: ServerResponse): void {
  socket?.write("HTTP/1.1 200 OK\r\nx-drip: ");
  const timer = setInterval(() => socket?.write("a"), DRIP_EVERY_MS);
  socket?.once("close", () => clearInterval(timer));
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const atMs = performance.timeOrigin + performance.now();
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const received = { body: Buffer.concat(chunks), headers: request.headers };
  const n = Number(/^\/hook\/(\d+)$/.exec(request.url ?? "")?.[1] ?? -1);
  const endpoint = endpoints.get(n);
  const fault = endpoint ? faultOf(received, endpoint.verify) : "at no endpoint";
  unsent.push({
    endpoint: n,
    id: String(request.headers["webhook-id"]),
    atMs,
    sha256: createHash("sha256").update(received.body).digest("hex"),
    ...(fault === undefined ? {} : { fault }),
  });
  if (endpoint) answers[endpoint.behaviour](response);
  else response.writeHead(204).end();
}

function faultOf(received: Received, verify: (post: Received) => unknown): string | undefined {
  try {
    const { id } = verify(received) as { id: unknown };
    return id === received.headers["webhook-id"] ? undefined : `webhook-id is not the event's`;
  } catch (error) {
    return String(error);
  }
}

process.on("message", (message: ToEndpoints) => {
  if (message.kind === "endpoint") {
    const webhook = new Webhook(message.secret);
    endpoints.set(message.n, {
      behaviour: message.behaviour,
      verify: ({ body, headers }) => webhook.verify(body, headers as Record<string, string>),
    });
    return;
  }
  const endpoint = endpoints.get(message.n);
  if (endpoint) endpoint.behaviour = message.behaviour;
});
process.once("disconnect", () => process.exit());

const send = (message: FromEndpoints) => process.send?.(message);
setInterval(() => {
  if (unsent.length > 0) send({ kind: "posts", posts: unsent });
  unsent = [];
}, TELL_EVERY_MS);

const server = createServer((request, response) => {
  // A client that disconnects in the middle has not posted.
  take(request, response).catch(() => undefined);
});
server.listen(0, "127.0.0.1", () =>
  send({ kind: "listening", port: (server.address() as AddressInfo).port }),
);
