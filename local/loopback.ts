import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Listens on loopback, where everything of the local run is. Returns `host:port`.
 *
 * @throws Error that says which port is taken, and what to do
 */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is in use: stop what uses it, or choose another`;
      reject(error.code === "EADDRINUSE" ? new Error(taken, { cause: error }) : error);
    };
    server.once("error", refuse);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", refuse);
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
 * A port that nothing listens on now. It lies below those that systems give out by
 * themselves (from 32768), so that it is free still when the caller gets to it.
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
