import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Defect } from "./defect.ts";
import { defects } from "./defects.ts";

const run = promisify(execFile);
const program = new URL("../run.ts", import.meta.url).pathname;

/** Characters of what one run prints. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/**
 * Plants each defect in a process of its own, several at the same time, and runs seeds until a
 * check finds it.
 *
 * @returns 0 when each is found within so many seeds
 */
export async function runDefects(seeds: number, workers: number): Promise<number> {
  const left = [...defects];
  let missed = 0;
  const workThrough = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { name, breaks } = next;
      const found = await seedThatFinds(next, seeds);
      if (found === undefined) missed++;
      console.log(`${found === undefined ? "MISSED" : `found at ${found}`}\t${name}\t${breaks}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, workThrough));
  console.log(
    `${defects.length - missed} of ${defects.length} defects found within ${seeds} seeds`,
  );
  return missed === 0 ? 0 : 1;
}

/** @returns what it breaks first, with its seed, or `undefined` when no run breaks anything */
async function seedThatFinds({ name }: Defect, seeds: number): Promise<string | undefined> {
  const options = ["--defect", name, "--seeds", String(seeds), "--unshrunk", "--workers", "1"];
  try {
    await run(process.execPath, [program, ...options], { maxBuffer: MAX_OUTPUT });
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    const seed = /^seed (\d+) breaks:\n {2}(\S+): (.*)/m.exec(stdout);
    if (!seed) throw new Error(`the run with ${name} failed: ${stderr || String(error)}`);
    return `seed ${seed[1]}: ${seed[2]} ${seed[3]}`;
  }
}
