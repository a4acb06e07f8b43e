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

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const address = await listen(server, 0);
  await closeServer(server);
  return Number(address.split(":")[1]);
}
