/**
 * Fuzzes every parser of what comes from outside, guided by the ways in which functions run.
 * Prints a table, and exits with 1 when a check fails, with the input and the command that
 * repeats it, and when a target got no input but its own seeds.
 *
 *     npm run fuzz -- [--seconds 10] [--runs N] [--target TEXT] [--seed N] [--input BASE64]
 */
import { parseArgs } from "node:util";
import { wholeOption } from "../support/whole-option.ts";
import { type Coverage, openCoverage } from "./coverage.ts";
import { type Finding, type Fuzzed, findingOf, fuzz, type Target } from "./engine.ts";
import { targets } from "./targets.ts";

const { values } = parseArgs({
  options: {
    /** Of each target. */
    seconds: { type: "string" },
    /** Inputs of each target with its own seeds; together with `--seconds`, whichever is first. */
    runs: { type: "string" },
    /** Only targets whose name contains this. */
    target: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    /** Only this input. */
    input: { type: "string" },
  },
});
const chosen = targets.filter(({ name }) => name.includes(values.target));
if (chosen.length === 0) throw new Error(`No target is named ${values.target}`);
process.exitCode = values.input === undefined ? await fuzzAll() : await repeat(values.input);

/** @returns the exit code */
async function repeat(base64: string): Promise<number> {
  let failed = 0;
  for (const target of chosen) {
    const finding = await findingOf(target.check, Buffer.from(base64, "base64"));
    console.log(`${finding ? "FAIL" : "ok  "} ${target.name}`);
    if (!finding) continue;
    failed++;
    explain(target, finding);
  }
  return failed === 0 ? 0 : 1;
}

async function fuzzAll(): Promise<number> {
  const seed = wholeOption("seed", values.seed, 0);
  const { runs, seconds } = limits();
  const root = new URL("../../", import.meta.url).href;
  const isProduct = (url: string) =>
    ["shared/", "functions/", "client/"].some((folder) => url.startsWith(root + folder));
  const coverage: Coverage = openCoverage(isProduct);
  let failed = 0;
  let untried = 0;
  let all = 0;
  for (const target of chosen) {
    const untilMs = performance.now() + seconds * 1_000;
    const fuzzed = await fuzz(target, { coverage, seed, runs, untilMs });
    all += fuzzed.runs;
    console.log(lineOf(fuzzed));
    if (fuzzed.finding) {
      failed++;
      explain(target, fuzzed.finding);
    } else if (fuzzed.runs <= target.seeds.length) {
      untried++;
      console.log(`     only its ${target.seeds.length} seeds were tried`);
    }
  }
  coverage.stop();
  const left = untried === 0 ? "" : `, ${untried} targets whose seeds only were tried`;
  console.log(`${all} inputs of ${chosen.length} targets${left}, ${failed} findings; seed ${seed}`);
  return failed + untried === 0 ? 0 : 1;
}

/** How many inputs of each target are made, and for how long. */
function limits(): { runs: number; seconds: number } {
  const runs = values.runs === undefined ? undefined : wholeOption("runs", values.runs);
  const seconds = values.seconds === undefined ? undefined : wholeOption("seconds", values.seconds);
  return {
    runs: runs ?? Number.POSITIVE_INFINITY,
    seconds: seconds ?? (runs === undefined ? 10 : 3_600),
  };
}

function lineOf({ name, runs, corpus, ways, finding }: Fuzzed): string {
  const outcome = finding ? "FAIL" : "ok  ";
  return `${outcome} ${String(runs).padStart(8)} inputs ${String(ways).padStart(5)} ways ${String(corpus).padStart(5)} kept  ${name}`;
}

function explain({ name }: Target, { input, error }: Finding): void {
  console.log(`     ${error instanceof Error ? error.stack : String(error)}`);
  console.log(`     the input: ${JSON.stringify(input.toString("utf8").slice(0, 300))}`);
  console.log(
    `     repeat it: npm run fuzz -- --target ${JSON.stringify(name)} --input ${input.toString("base64")}`,
  );
}
