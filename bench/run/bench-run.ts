import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LocalFile } from "../../local/run/local-file.ts";

/** A CloudFormation template, as the CDK writes it. */
export interface StackTemplate {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

const localMain = fileURLToPath(new URL("../../local/main.js", import.meta.url));

/** A local run in a process group of its own and in a directory that ends with it. */
export interface BenchRun {
  local: LocalFile;
  /** Of the process that runs everything but the functions, which are its children. */
  pid(): number;
  /** What it printed besides its greeting: faults of the platform. */
  faults(): string[];
  /** All that functions and platform logged. */
  logged(): string;
  /** The directory of the assembly that it has synthesised. */
  assembly(): string;
  /** The template of the stack that runs. */
  template(): StackTemplate;
  /** `kill -9` of everything at once, then a new start on the same data and ports. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

const portOptions = {
  "--port": "apiUrl",
  "--aws-port": "awsEndpoint",
  "--console-port": "consoleUrl",
  "--provider-port": "providerUrl",
} as const;

export async function startBenchRun(options: {
  speed: number;
  settings: Readonly<Record<string, number | string>>;
  keepsData?: boolean;
  /** Started instead of `local/main.js` or of what `BENCH_MAIN` names, with the same arguments. */
  main?: string;
  env?: Readonly<Record<string, string>>;
  /** Keeps the directory for a look into it. */
  keepsDirectory?: boolean;
}): Promise<BenchRun> {
  const { main = process.env.BENCH_MAIN ?? localMain } = options;
  const directory = mkdtempSync(join(tmpdir(), "ackwire-bench-"));
  const args = [
    "--no-demo",
    ...["--speed", String(options.speed)],
    // A bench measures the machine, and not the limits of an account.
    ...Object.entries({ defaultPreset: "off", ...options.settings }).flatMap(([name, value]) => [
      "--setting",
      `${name}=${value}`,
    ]),
    ...(options.keepsData ? ["--data-dir", "data"] : []),
  ];
  const assembly = () => join(directory, ".ackwire/assembly");
  const printed: string[] = [];
  let child: ChildProcess | undefined;
  let isClosing = false;

  async function start(ports: string[]): Promise<LocalFile> {
    const file = join(directory, ".ackwire/local.json");
    rmSync(file, { force: true });
    child = spawn(process.execPath, [main, ...ports, ...args], {
      cwd: directory,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const { stdout, stderr } = child;
    const exited = once(child, "exit");
    await new Promise<void>((resolve, reject) => {
      const hear = (line: string) => {
        printed.push(line);
        if (line.startsWith("ackwire ready")) resolve();
      };
      if (stdout) createInterface({ input: stdout }).on("line", hear);
      if (stderr) createInterface({ input: stderr }).on("line", hear);
      void exited.then(() => reject(new Error(`The local run ended:\n${printed.join("\n")}`)));
    });
    return JSON.parse(readFileSync(file, "utf8")) as LocalFile;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    // Ctrl-C reaches the local run, which ends its functions itself; a kill must reach them all.
    process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
    await exited;
  }

  const endAtExit = () => {
    try {
      if (child?.pid) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  };
  process.once("exit", endAtExit);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  const local = await start(Object.keys(portOptions).flatMap((option) => [option, "0"]));
  const ports = Object.entries(portOptions).flatMap(([option, member]) => [
    option,
    new URL(local[member]).port,
  ]);

  return {
    local,
    pid: () => child?.pid ?? 0,
    faults: () => printed.filter((line) => !isGreeting(line)),
    assembly,
    template: () => {
      const name = readdirSync(assembly()).find((file) => file.endsWith(".template.json")) ?? "";
      return JSON.parse(readFileSync(join(assembly(), name), "utf8")) as StackTemplate;
    },
    logged: () => readFileSync(join(directory, ".ackwire/functions.log"), "utf8"),
    async killAndRestart() {
      await end("SIGKILL");
      await start(ports);
    },
    async close() {
      if (isClosing) return;
      isClosing = true;
      await end("SIGINT");
      process.off("exit", endAtExit);
      if (!options.keepsDirectory) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function isGreeting(line: string): boolean {
  return /^$|^ {2}|^Starting|^ackwire ready|^The local run stays up|^What happens from now on|^Nothing is stored|^To receive webhooks|^Stopping/.test(
    line,
  );
}
