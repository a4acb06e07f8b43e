import { createServer } from "node:http";
import { closeServer, freePort, listen } from "../loopback.ts";
import type { LocalOptions } from "./options.ts";

type RequestedPorts = Pick<LocalOptions, "port" | "awsPort" | "consolePort" | "providerPort">;

/**
 * Chooses the ports on which a run listens: the requested ones, and a free port
 * where the requested port is 0. This happens before the synthesis, because the
 * stack refuses to deliver webhooks to these ports.
 */
export async function chooseRunPorts(requested: RequestedPorts) {
  const taken = new Set([
    requested.port,
    requested.awsPort,
    requested.consolePort,
    requested.providerPort,
  ]);

  async function choose(port: number): Promise<number> {
    if (port !== 0) return port;
    const free = await freePort();
    // A port chosen earlier still counts as free, because nothing listens on it yet.
    if (taken.has(free)) return choose(port);
    taken.add(free);
    return free;
  }

  return {
    api: await choose(requested.port),
    aws: await choose(requested.awsPort),
    console: await choose(requested.consolePort),
    provider: await choose(requested.providerPort),
  };
}

/**
 * Chooses the inspector port of each debugged function: the requested one, or a
 * free one where the requested port is 0.
 *
 * @throws Error when a port is in use: Node would only log that, and end the function
 */
export async function chooseInspectorPorts<Name extends string>(
  requested: ReadonlyMap<Name, number>,
): Promise<ReadonlyMap<Name, number>> {
  const chosen = new Map<Name, number>();
  const isTaken = (port: number) => [...requested.values(), ...chosen.values()].includes(port);
  for (const [name, port] of requested) {
    let free = port;
    while (free === 0 || (port === 0 && isTaken(free))) free = await freePort();
    if ([...chosen.values()].includes(free)) {
      throw new Error(`Two functions cannot share the inspector port ${free}`);
    }
    await assertFree(free);
    chosen.set(name, free);
  }
  return chosen;
}

async function assertFree(port: number): Promise<void> {
  const server = createServer();
  await listen(server, port);
  await closeServer(server);
}
