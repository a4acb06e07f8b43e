import { createServer } from "node:http";
import type { FunctionName } from "../../shared/contracts/env.ts";
import { closeServer, freePort, listen } from "../loopback.ts";
import type { LocalOptions } from "./options.ts";

type RequestedPorts = Pick<
  LocalOptions,
  "port" | "awsPort" | "consolePort" | "providerPort" | "inspect"
>;

/**
 * Chooses the ports on which a run listens, and the inspector port of each debugged
 * function: the requested one, or a free port where the requested port is 0. This
 * happens before the synthesis, because the stack refuses to deliver webhooks to
 * these ports.
 *
 * @throws Error when an inspector port is in use, also by the run itself: Node would
 *   only log that, and end the function
 */
export async function choosePorts(requested: RequestedPorts) {
  const { port, awsPort, consolePort, providerPort, inspect = new Map() } = requested;
  const taken = new Set<number>([port, awsPort, consolePort, providerPort, ...inspect.values()]);

  async function choose(wanted: number): Promise<number> {
    if (wanted !== 0) return wanted;
    const free = await freePort();
    // A port chosen earlier still counts as free, because nothing listens on it yet.
    if (taken.has(free)) return choose(wanted);
    taken.add(free);
    return free;
  }

  const run = {
    api: await choose(port),
    aws: await choose(awsPort),
    console: await choose(consolePort),
    provider: await choose(providerPort),
  };
  const inspectors = new Map<FunctionName, number>();
  for (const [name, wanted] of inspect) {
    const chosen = await choose(wanted);
    if (Object.values(run).includes(chosen)) {
      throw new Error(`--inspect ${name} cannot take port ${chosen}: the run itself listens on it`);
    }
    if ([...inspectors.values()].includes(chosen)) {
      throw new Error(`Two functions cannot share the inspector port ${chosen}`);
    }
    await assertFree(chosen);
    inspectors.set(name, chosen);
  }
  return { run, inspectors };
}

async function assertFree(port: number): Promise<void> {
  const server = createServer();
  await listen(server, port);
  await closeServer(server);
}
