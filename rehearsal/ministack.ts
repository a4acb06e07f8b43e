import { mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { freePort } from "../local/loopback.ts";
import { startServer } from "../test/support/processes.ts";
import { installPythonTool } from "../test/support/python-tool.ts";

const here = import.meta.dirname;

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
 * @param directory of its files
 * @throws Error with the end of what it printed if it does not start
 */
export async function startMinistack(
  venv: string,
  directory: string,
): Promise<{ endpoint: string; stop(): Promise<void> }> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startServer([join(venv, "bin/python"), join(here, "start_ministack.py")], {
    cwd: directory,
    port,
    // The processes of its functions end with it.
    isGroup: true,
    isUp: () => isUp(endpoint),
    env: {
      // Functions run on this Node.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      ...{ HOME: directory, TMPDIR: directory, S3_DATA_DIR: join(directory, "s3") },
      ...{ BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port), SFTP_ENABLED: "0" },
    },
  });
  return { endpoint, stop: () => server.end("SIGKILL") };
}

async function isUp(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/_ministack/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}
