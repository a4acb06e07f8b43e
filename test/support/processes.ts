import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";

/** A server that does not answer within this time is considered hung. */
const START_MS = 180_000;

/** A server in a process of its own. */
export interface Server {
  pid: number;
  /** Ends it, with a signal that it handles unless another one is given. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

interface ProgramOptions {
  cwd?: string;
  /** By default that of this process. */
  env?: NodeJS.ProcessEnv;
  /** Runs as this user, where root starts it. */
  uid?: number | undefined;
}

export interface CommandResult {
  /** -1 if the command cannot be started or a signal ended it. */
  exitCode: number;
  /** What it printed, both streams. */
  output: string;
}

function startProgram(
  program: string,
  args: readonly string[],
  of: ProgramOptions & { isGroup?: boolean; onPrinted(chunk: Buffer): void },
): ChildProcess {
  const { uid, isGroup = false, onPrinted, ...options } = of;
  const child = spawn(program, args, {
    ...options,
    detached: isGroup,
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", onPrinted);
  return child;
}

/** Runs a command to its end; what it prints is kept, and shown if `isShown`. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: ProgramOptions & { isShown?: boolean } = {},
): Promise<CommandResult> {
  const { isShown = false, ...of } = options;
  return new Promise((resolve) => {
    let output = "";
    const child = startProgram(command, args, {
      ...of,
      onPrinted(chunk) {
        output += chunk;
        if (isShown) process.stdout.write(chunk);
      },
    });
    child.once("error", (error) => resolve({ exitCode: -1, output: String(error) }));
    child.once("close", (code) => resolve({ exitCode: code ?? -1, output }));
  });
}

/** Runs a program to its end. @throws Error with the end of what it printed if it fails */
export async function runToEnd(
  [program = "", ...args]: readonly string[],
  of: ProgramOptions,
): Promise<void> {
  const { exitCode, output } = await runCommand(program, args, of);
  if (exitCode === 0) return;
  throw new Error(
    `${program} ${args.join(" ")} ended with ${exitCode}:\n${output.slice(-4_000).trim()}`,
  );
}

/**
 * Starts a program, and waits until its port accepts connections.
 *
 * @param of.isGroup it gets a process group of its own, so that the processes that it starts end with it
 * @param of.isUp what is waited for instead of an open port
 * @throws Error with the end of what it printed if it ends before
 */
export async function startServer(
  [program = "", ...args]: readonly string[],
  of: ProgramOptions & { port: number; isGroup?: boolean; isUp?: () => Promise<boolean> },
): Promise<Server> {
  const { port, isUp = () => accepts(port), ...options } = of;
  let printed = "";
  const child = startProgram(program, args, {
    ...options,
    onPrinted(chunk) {
      printed = (printed + chunk.toString()).slice(-4_000);
    },
  });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  const kill = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || hasEnded(child)) return;
    process.kill(of.isGroup ? -child.pid : child.pid, signal);
  };
  const endAtExit = () => kill("SIGKILL");
  process.once("exit", endAtExit);
  child.once("exit", () => process.off("exit", endAtExit));
  const untilMs = Date.now() + START_MS;
  while (!(await isUp())) {
    if (failure || hasEnded(child) || Date.now() > untilMs) {
      endAtExit();
      throw new Error(`${program} does not listen on ${port}:\n${printed}`, { cause: failure });
    }
    await setTimeout(50);
  }
  return {
    pid: child.pid ?? 0,
    async end(signal = "SIGTERM") {
      if (hasEnded(child)) return;
      const exited = once(child, "exit");
      kill(signal);
      await exited;
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null;

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
