import { spawn } from "node:child_process";

export interface CommandResult {
  /** -1 if the command cannot be started. */
  exitCode: number;
  /** What it printed, both streams. */
  output: string;
}

/** Runs a command to its end; what it prints is kept, and shown if `isShown`. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; isShown?: boolean } = {},
): Promise<CommandResult> {
  const { isShown = false, ...spawned } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...spawned, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
        if (isShown) process.stdout.write(chunk);
      });
    }
    child.once("error", (error) => resolve({ exitCode: -1, output: String(error) }));
    child.once("close", (code) => resolve({ exitCode: code ?? -1, output }));
  });
}
