import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface JsonAnswer {
  status: number;
  body: unknown;
  contentType?: string;
}

export interface LocalServer {
  /** Without a trailing slash. */
  url: string;
  close(): Promise<void>;
}

/** A small HTTP server on loopback; an error of the handler is a 500 with its message. */
export async function startJsonServer(
  port: number,
  handle: (request: { method: string; path: string; text: string }) => Promise<JsonAnswer>,
): Promise<LocalServer> {
  const server = createServer(async (request, response) => {
    const answer = await readBody(request)
      .then((text) =>
        handle({
          method: request.method ?? "GET",
          path: new URL(request.url ?? "/", "http://local").pathname,
          text,
        }),
      )
      .catch((error: unknown) => ({
        status: 500,
        body: { error: error instanceof Error ? error.message : "unknown error" },
        contentType: undefined,
      }));
    response.writeHead(answer.status, {
      "content-type": answer.contentType ?? "application/json",
    });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => closeServer(server),
  };
}

/** @throws Error that says which port is taken, and what to do */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is in use: stop what uses it, or choose another`;
      reject(error.code === "EADDRINUSE" ? new Error(taken, { cause: error }) : error);
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
