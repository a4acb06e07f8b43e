import { randomInt } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Starts to listen on loopback and returns `host:port`.
 *
 * @throws Error that names a port that is in use and says what to do
 */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const message = `Port ${port} is in use: stop what uses it, or choose another`;
      reject(error.code === "EADDRINUSE" ? new Error(message, { cause: error }) : error);
    };
    server.once("error", onError);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", onError);
      resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/**
 * Returns a port on which nothing listens now. It is below the ports that
 * operating systems assign themselves (from 32768), so that it is still free when
 * the caller listens on it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer();
    const free = await listen(server, port).catch(() => undefined);
    await closeServer(server);
    if (free) return port;
  }
}

const LOCAL_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

/**
 * Returns why a request may come from a web page of another site, or undefined. A
 * page can send simple requests to every port of this machine, and read the answers
 * once its own name resolves to 127.0.0.1 (DNS rebinding). Tools send no `Origin`.
 *
 * @param isPage the path is one of a page, which any site may link to: it opens without data
 */
export function foreignRequest(headers: IncomingHttpHeaders, isPage = false): string | undefined {
  const { host, origin } = headers;
  const site = headers["sec-fetch-site"];
  // HTTP/1.0 clients send no Host; a browser always does.
  if (host !== undefined && !LOCAL_HOST.test(host)) {
    return `the Host ${host} is not 127.0.0.1, localhost or [::1]`;
  }
  const isLink = isPage && headers["sec-fetch-mode"] === "navigate" && origin === undefined;
  if (site === "cross-site" && !isLink) return "Sec-Fetch-Site is cross-site";
  if (origin !== undefined && !LOCAL_HOST.test(origin.replace(/^https?:\/\//, ""))) {
    return `the Origin ${origin} is not of this machine`;
  }
  return undefined;
}
