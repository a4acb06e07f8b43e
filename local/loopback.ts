import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:http";
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
