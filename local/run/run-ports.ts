import { freePort } from "../loopback.ts";
import type { LocalOptions } from "./options.ts";

type Asked = Pick<LocalOptions, "port" | "awsPort" | "consolePort" | "providerPort">;

/**
 * Where everything of a run listens: where it was asked for, and on a free port
 * where that is 0. They are chosen before the stack is synthesised, which has to
 * name them: no webhook may be delivered to them.
 */
export async function chooseRunPorts(asked: Asked) {
  const taken = new Set([asked.port, asked.awsPort, asked.consolePort, asked.providerPort]);

  async function choose(port: number): Promise<number> {
    if (port !== 0) return port;
    const free = await freePort();
    // One that was chosen before is free still: nothing listens on it yet.
    if (taken.has(free)) return choose(port);
    taken.add(free);
    return free;
  }

  return {
    api: await choose(asked.port),
    aws: await choose(asked.awsPort),
    console: await choose(asked.consolePort),
    provider: await choose(asked.providerPort),
  };
}
