import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Defect } from "./defect.ts";
import { defects } from "./defects.ts";

const run = promisify(execFile);
const program = new URL("../run.ts", import.meta.url).pathname;

/** Characters of what one run prints. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** The exit code of a simulation that has broken a guarantee. */
const BROKEN = 1;

/** What became of a planted defect. */
interface DefectResult {
  /**
   * - `found`: a check of one of its guarantees reports it;
   * - `WRONG`: only checks of other guarantees do, or the same seed fails without the defect;
   * - `MISSED`: no seed breaks a guarantee;
   * - `FAILED`: the simulation has ended with an error.
   */
  kind: "found" | "WRONG" | "MISSED" | "FAILED";
  /** The seed and what it breaks, or the error; empty where nothing is to be told. */
  text: string;
}

/**
 * Plants each defect in a process of its own, several at the same time, and runs seeds until a
 * check finds it.
 *
 * @returns 0 when each is found within so many seeds, by a check of a guarantee that it names
 */
export async function runDefects(seeds: number, workers: number): Promise<number> {
  const left = [...defects];
  let found = 0;
  const workThrough = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { kind, text } = await judgeDefect(next, seeds);
      if (kind === "found") found++;
      console.log([`${kind} ${text}`.trim(), next.name, next.breaks].join("\t"));
    }
  };
  await Promise.all(Array.from({ length: workers }, workThrough));
  console.log(`${found} of ${defects.length} defects found within ${seeds} seeds`);
  return found === defects.length ? 0 : 1;
}

/** Plants a defect, runs seeds until one breaks a guarantee, and runs that seed without the defect. */
export async function judgeDefect(
  { name, guarantees }: Pick<Defect, "name" | "guarantees">,
  seeds: number,
): Promise<DefectResult> {
  const planted = await simulate("--defect", name, "--seeds", String(seeds));
  if (planted.code === 0) return { kind: "MISSED", text: "" };
  const failure = planted.code === BROKEN ? failureIn(planted.stdout) : undefined;
  if (!failure) return { kind: "FAILED", text: errorIn(planted.stderr) };
  const { seed, broken } = failure;
  const own = broken.find(({ guarantee }) => guarantees.includes(guarantee));
  const told = own ?? broken[0];
  const text = `at seed ${seed}: ${told?.guarantee} ${told?.text}`;
  if (!own) return { kind: "WRONG", text };
  const without = await simulate("--seed", seed, "--seeds", "1");
  return without.code === 0
    ? { kind: "found", text }
    : { kind: "WRONG", text: `at seed ${seed}, which also fails without it` };
}

/** How a process has ended. */
interface Ended {
  code: number | undefined;
  stdout: string;
  stderr: string;
}

async function simulate(...options: string[]): Promise<Ended> {
  const args = [program, ...options, "--unshrunk", "--workers", "1"];
  try {
    const { stdout, stderr } = await run(process.execPath, args, { maxBuffer: MAX_OUTPUT });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as Partial<Record<keyof Ended, unknown>>;
    return {
      code: typeof code === "number" ? code : undefined,
      stdout: String(stdout),
      stderr: String(stderr) || String(error),
    };
  }
}

/** The seed that has failed, and everything that it breaks. */
function failureIn(stdout: string) {
  const [, seed, told = ""] = /^seed (\d+) breaks:\n((?: {2}G\d+: .*\n)+)/m.exec(stdout) ?? [];
  if (seed === undefined) return undefined;
  const broken = [...told.matchAll(/^ {2}(G\d+): (.*)$/gm)].map(
    ([, guarantee = "", text = ""]) => ({ guarantee, text }),
  );
  return { seed, broken };
}

/** The line of an error that names it. */
function errorIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines[0] ?? "";
}
