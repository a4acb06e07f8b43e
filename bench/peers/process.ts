import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";

const START_MS = 60_000;

/** A server in a process of its own. */
export interface Server {
  pid: number;
  /** Ends it, with a signal that it handles unless another one is given. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

interface ProgramOptions {
  cwd: string;
  env?: Readonly<Record<string, string>>;
  /** Runs as this user, where root starts it. */
  uid?: number | undefined;
}

/** Starts a program. `printed` returns the end of what it has printed. */
function startProgram(program: string, args: readonly string[], of: ProgramOptions) {
  const child = spawn(program, args, {
    cwd: of.cwd,
    env: { ...process.env, ...of.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(of.uid === undefined ? {} : { uid: of.uid, gid: of.uid }),
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-4_000);
    });
  }
  return { child, printed: () => printed };
}

/**
 * Starts a program, and waits until its port accepts connections.
 *
 * @throws Error with what it printed if it ends before
 */
export async function startServer(
  [program = "", ...args]: readonly string[],
  of: ProgramOptions & { port: number },
): Promise<Server> {
  const { child, printed } = startProgram(program, args, of);
  const endAtExit = () => child.kill("SIGKILL");
  process.once("exit", endAtExit);
  child.once("exit", () => process.off("exit", endAtExit));
  const untilMs = Date.now() + START_MS;
  while (!(await accepts(of.port))) {
    if (hasEnded(child) || Date.now() > untilMs) {
      endAtExit();
      throw new Error(`${program} does not listen on ${of.port}:\n${printed()}`);
    }
    await setTimeout(50);
  }
  return {
    pid: child.pid ?? 0,
    async end(signal = "SIGTERM") {
      if (hasEnded(child)) return;
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
  };
}

/** Runs a program to its end. @throws Error with what it printed if it fails */
export async function runToEnd(
  [program = "", ...args]: readonly string[],
  of: ProgramOptions,
): Promise<void> {
  const { child, printed } = startProgram(program, args, of);
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${printed()}`);
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
