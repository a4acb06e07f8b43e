import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { makeHttpWebhookPoster } from "../../../shared/adapters/http/http-webhook-poster.ts";
import type { PostResult } from "../../../shared/core/deliveries/state/ports.ts";

/** Not hostile: they count what a redirect causes. */
const counting = ["followed", "how many followed"];

export type HostileEndpoints = Awaited<ReturnType<typeof startHostileEndpoints>>;

/** The endpoints that misbehave, in a process of their own. */
export async function startHostileEndpoints() {
  const file = new URL("../../contract/http/hostile-endpoints-child.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const ports = JSON.parse(line) as Record<string, number>;
  return {
    names: Object.keys(ports).filter((name) => !counting.includes(name)),

    /** Makes one POST and returns its result, its sockets and the number of bytes read. */
    async post(
      name: string,
      { body = "{}", timeoutMs }: { body?: string; timeoutMs: number },
    ): Promise<{ posted: PostResult; sockets: Socket[]; readBytes: number }> {
      const sockets: Socket[] = [];
      const poster = makeHttpWebhookPoster({
        targets: { ports: [443], allowsLocal: true, refusedPorts: [] },
        timeoutMs,
        connect(options) {
          const socket = connect(options);
          sockets.push(socket);
          return socket;
        },
      });
      const url = `${name.startsWith("TLS") ? "https" : "http"}://127.0.0.1:${ports[name]}/hooks`;
      const headers = { "content-type": "application/json" };
      const posted = await poster.post({ url, headers, body });
      return {
        posted,
        sockets,
        readBytes: sockets.reduce((sum, one) => sum + one.bytesRead, 0),
      };
    },

    async close(): Promise<void> {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
