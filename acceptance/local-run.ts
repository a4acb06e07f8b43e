import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../local/main.js", import.meta.url));

/**
 * Settings with which each case is done in seconds: business time passes 10 times as fast, a request
 * can be scheduled for any time, and a missing result is polled after a minute.
 */
const FIRST_POLL_SECONDS = 60;
const options = [
  ...["--port", "--aws-port", "--console-port", "--provider-port"].flatMap((port) => [port, "0"]),
  ...["--no-demo", "--speed", "10"],
  ...["--setting", "scheduleLeadSeconds=0"],
  ...["--setting", `firstPollSeconds=${FIRST_POLL_SECONDS}`],
];

/**
 * Starts a local run as a process of its own, on free ports, in a temporary folder.
 *
 * @returns the file that describes it as a target
 * @throws Error with what it printed if it does not start
 */
export async function startLocalRun(): Promise<{ target: string; stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-acceptance-"));
  const child = spawn(process.execPath, [main, ...options], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Also when this process ends without an orderly stop.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "exit");
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const lines: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (line.startsWith("ackwire ready")) resolve();
      });
    }
    void exited.then(() => reject(new Error(`The local run ended:\n${lines.join("\n")}`)));
  });
  await ready.catch((error: unknown) => {
    remove();
    throw error;
  });
  const file = join(directory, ".ackwire/local.json");
  const local = JSON.parse(readFileSync(file, "utf8")) as object;
  const target = join(directory, "target.json");
  const described = JSON.stringify({ ...local, firstPollSeconds: FIRST_POLL_SECONDS });
  writeFileSync(target, described, { mode: 0o600 });
  return {
    target,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      process.removeListener("exit", kill);
      remove();
    },
  };
}
