import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { ListeningPlace } from "./target.ts";

export interface Call {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A status and, unless it is empty, a body that is sent as JSON. */
export type Answer = readonly [status: number, body?: object];

/** A server on a port of 127.0.0.1 that answers every call with what `answer` returns. */
export async function startServer(place: ListeningPlace, answer: (call: Call) => Answer) {
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = "", url: path = "", headers } = request;
    const [status, json] = answer({ method, path, headers, body });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(json === undefined ? undefined : JSON.stringify(json));
  });
  server.listen(place.port, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: (place.url ?? `http://127.0.0.1:${port}`).replace(/\/$/, ""),
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
