import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { type LocalRun, type RunOptions, startLocalRun } from "../../../local/run/run.ts";
import { recordRights } from "../recorded-rights.ts";
import { longTimeoutSettings } from "./long-timeout-settings.ts";
import { synthesiseHere } from "./synthesise-here.ts";

export interface TestRun extends LocalRun {
  /** What the run printed: faults of the platform and of functions. */
  printed: string[];
  /** All that functions and platform logged so far. */
  logged(): string;
}

/** Starts again on other ports where another run has taken one between its choice and its use. */
async function startOnFreePorts(options: RunOptions, attempts = 3): Promise<LocalRun> {
  try {
    return await startLocalRun(options);
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    if (cause?.code !== "EADDRINUSE" || attempts <= 1) throw error;
    return startOnFreePorts(options, attempts - 1);
  }
}

/**
 * A whole local run in this process, on free ports, without the demonstration.
 * With `speed` or `settings` it synthesises a stack of its own: the tests'
 * common one is at real speed and knows no provider.
 */
export async function startTestRun(
  options: {
    assemblyDir?: string;
    dataDir?: string;
    speed?: number;
    settings?: Record<string, string>;
    providerPort?: number;
    synthesise?: NonNullable<RunOptions["synthesise"]>;
    indexLagMs?: number;
    otlpUrl?: string;
    consoleFrameAncestors?: readonly string[];
    /** Changes the stack that the run synthesises, before the run reads it; not with an `assemblyDir`. */
    edit?: (assemblyDir: string) => void;
  } = {},
): Promise<TestRun> {
  const runDirectory = mkdtempSync(join(tmpdir(), "ackwire-run-"));
  const printed: string[] = [];
  const { edit, ...runOptions } = options;
  const isOwn = options.speed !== undefined || options.settings !== undefined;
  try {
    const run = await startOnFreePorts({
      port: 0,
      awsPort: 0,
      consolePort: 0,
      providerPort: 0,
      speed: 1,
      demo: false,
      runDirectory,
      // Other tests run beside it.
      maxBatches: 4,
      ...(isOwn
        ? { synthesise: (of) => synthesiseHere(of, edit) }
        : { assemblyDir: inject("assemblyDir") }),
      print: (line) => printed.push(line),
      ...runOptions,
      settings: { ...longTimeoutSettings, ...options.settings },
    });
    const close = async () => {
      recordRights(run.rights());
      await run.close();
      rmSync(runDirectory, { recursive: true, force: true });
    };
    const logged = () => readFileSync(join(runDirectory, "functions.log"), "utf8");
    return { ...run, printed, logged, close };
  } catch (error) {
    rmSync(runDirectory, { recursive: true, force: true });
    throw error;
  }
}
