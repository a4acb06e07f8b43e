import { join } from "node:path";
import type { RunFiles } from "./run-files.ts";

/** Returns the files of the package. It takes the place of `run-files.ts`, which builds them. */
export async function runFiles(): Promise<RunFiles> {
  const directory = join(import.meta.dirname, "run");
  return { directory, program: join(directory, "thread.cjs") };
}
