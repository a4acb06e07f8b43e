import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the thread of a run needs. */
export interface RunFiles {
  /** Absolute path of the built run. */
  directory: string;
  /** Absolute path of the thread's program. */
  program: string;
}

let built: Promise<RunFiles> | undefined;

/**
 * Builds the run from the sources of this repository, once in a process. In the package another
 * module takes the place of this one, which has it built.
 */
export function runFiles(): Promise<RunFiles> {
  built ??= buildHere();
  return built;
}

async function buildHere(): Promise<RunFiles> {
  const { buildRun } = await import("./build-run.ts");
  const directory = mkdtempSync(join(tmpdir(), "ackwire-testing-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  await buildRun(directory);
  return { directory, program: join(directory, "thread.cjs") };
}
