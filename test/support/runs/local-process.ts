import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LocalFile } from "../../../local/run/local-file.ts";

const mainOfRepository = fileURLToPath(new URL("../../../local/main.js", import.meta.url));

export interface LocalProcess {
  child: ChildProcess;
  lines: string[];
  local: LocalFile;
  /** Sends the signal and waits for the process's end; returns its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/**
 * Runs `npm start` as a process of its own, in `directory`; returns at the line `ackwire ready`.
 *
 * @param main the script of a copy of the repository
 */
export async function startLocalProcess(
  directory: string,
  args: readonly string[] = [],
  main: string = mainOfRepository,
): Promise<LocalProcess> {
  const file = join(directory, ".ackwire/local.json");
  rmSync(file, { force: true });
  const ports = ["--port", "--aws-port", "--console-port", "--provider-port"];
  const child = spawn(process.execPath, [main, ...ports.flatMap((port) => [port, "0"]), ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const lines: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    const decode = (line: string) => {
      lines.push(line);
      // The contract: local.json is complete before this line.
      if (line.startsWith("ackwire ready")) {
        if (existsSync(file)) resolve();
        else reject(new Error("ready without local.json"));
      }
    };
    createInterface({ input: child.stdout }).on("line", decode);
    createInterface({ input: child.stderr }).on("line", decode);
    void exited.then(() => reject(new Error(`The local run ended:\n${lines.join("\n")}`)));
  });
  await ready;
  return {
    child,
    lines,
    local: JSON.parse(readFileSync(file, "utf8")) as LocalFile,
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
