import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** How an endpoint answers each POST. */
export type Behaviour = "healthy" | "fails" | "hangs" | "drips" | "redirects" | "gone";

/** What is told to this process. An endpoint is named by its number, which is its path. */
export type Told =
  | { kind: "endpoint"; n: number; behaviour: Behaviour; secret: string }
  | { kind: "behave"; n: number; behaviour: Behaviour };

/** What it tells. */
export type Heard = { kind: "listening"; port: number } | { kind: "posts"; posts: Post[] };

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
/** Where a redirect leads to: at nobody's endpoint. */
const TRAP_PATH = "/trap";
/** Posts are told together, so that the telling costs little. */
const TELL_EVERY_MS = 200;

const endpoints = new Map<number, { behaviour: Behaviour; verify: (post: Received) => unknown }>();
let untold: Post[] = [];

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
  const fault = endpoint ? faultOf(received, endpoint.verify) : "at nobody's endpoint";
  untold.push({
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

process.on("message", (told: Told) => {
  if (told.kind === "endpoint") {
    const webhook = new Webhook(told.secret);
    endpoints.set(told.n, {
      behaviour: told.behaviour,
      verify: ({ body, headers }) => webhook.verify(body, headers as Record<string, string>),
    });
    return;
  }
  const endpoint = endpoints.get(told.n);
  if (endpoint) endpoint.behaviour = told.behaviour;
});
process.once("disconnect", () => process.exit());

const tell = (heard: Heard) => process.send?.(heard);
setInterval(() => {
  if (untold.length > 0) tell({ kind: "posts", posts: untold });
  untold = [];
}, TELL_EVERY_MS);

const server = createServer((request, response) => {
  // Who hangs up in the middle has not posted.
  take(request, response).catch(() => undefined);
});
server.listen(0, "127.0.0.1", () =>
  tell({ kind: "listening", port: (server.address() as AddressInfo).port }),
);
