import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installPythonTool } from "../test/support/python-tool.ts";

const here = import.meta.dirname;

/** MiniStack starts in seconds; after this time it is considered hung. */
const START_TIMEOUT_MS = 180_000;

/**
 * Installs MiniStack from PyPI into a virtual environment.
 *
 * @returns why it cannot be installed here; `undefined` where it is
 */
export function installMinistack(venv: string): Promise<string | undefined> {
  return installPythonTool("MiniStack", join(here, "requirements.txt"), venv);
}

/**
 * Starts MiniStack on a free port of 127.0.0.1.
 *
 * @param directory of its files and its log
 * @throws Error with the end of its log if it does not start
 */
export async function startMinistack(
  venv: string,
  directory: string,
): Promise<{ endpoint: string; stop(): Promise<void> }> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const logFile = join(directory, "ministack.log");
  const log = openSync(logFile, "w");
  const child = spawn(join(venv, "bin/python"), [join(here, "start_ministack.py")], {
    cwd: directory,
    // A group of its own, so that the processes of its functions end with it.
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      // Functions run on this Node.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      ...{ HOME: directory, TMPDIR: directory, S3_DATA_DIR: join(directory, "s3") },
      ...{ BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port), SFTP_ENABLED: "0" },
    },
  });
  const exited = once(child, "exit");
  const kill = () => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // The group has ended.
    }
  };
  process.once("exit", kill);
  const endpoint = `http://127.0.0.1:${port}`;
  const endMs = Date.now() + START_TIMEOUT_MS;
  while (!(await isUp(endpoint))) {
    if (child.exitCode !== null || Date.now() > endMs) {
      kill();
      throw new Error(`MiniStack did not start:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
    }
    await sleep(500);
  }
  return {
    endpoint,
    async stop() {
      kill();
      await exited;
      process.removeListener("exit", kill);
    },
  };
}

async function isUp(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/_ministack/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Returns a port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
