/**
 * Fuzzes every parser of what comes from outside, guided by the ways in which functions run.
 * Prints a table, and exits with 1 when a check fails, with the input and the command that
 * repeats it.
 *
 *     npm run fuzz -- [--seconds 10] [--runs N] [--target TEXT] [--seed N] [--input BASE64]
 */
import { parseArgs } from "node:util";
import { type Coverage, openCoverage } from "./coverage.ts";
import { type Fuzzed, fuzz, type Target } from "./engine.ts";
import { targets } from "./targets.ts";

const { values } = parseArgs({
  options: {
    /** Of each target. */
    seconds: { type: "string" },
    /** Inputs of each target; together with `--seconds`, whichever is first. */
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
  for (const { name, check } of chosen) {
    await check(Buffer.from(base64, "base64"));
    console.log(`ok  ${name}`);
  }
  return 0;
}

async function fuzzAll(): Promise<number> {
  const seed = Number(values.seed);
  const runs = Number(values.runs ?? Number.POSITIVE_INFINITY);
  const seconds = Number(values.seconds ?? (values.runs === undefined ? 10 : 3_600));
  const root = new URL("../../", import.meta.url).href;
  const isProduct = (url: string) =>
    ["shared/", "client/"].some((folder) => url.startsWith(root + folder));
  const coverage: Coverage = openCoverage(isProduct);
  let failed = 0;
  let all = 0;
  for (const target of chosen) {
    const untilMs = performance.now() + seconds * 1_000;
    const fuzzed = await fuzz(target, { coverage, seed, runs, untilMs });
    all += fuzzed.runs;
    console.log(lineOf(fuzzed));
    if (fuzzed.finding) {
      failed++;
      explain(target, fuzzed.finding);
    }
  }
  coverage.stop();
  console.log(`${all} inputs of ${chosen.length} targets, ${failed} findings; seed ${seed}`);
  return failed === 0 ? 0 : 1;
}

function lineOf({ name, runs, corpus, ways, finding }: Fuzzed): string {
  const outcome = finding ? "FAIL" : "ok  ";
  return `${outcome} ${String(runs).padStart(8)} inputs ${String(ways).padStart(5)} ways ${String(corpus).padStart(5)} kept  ${name}`;
}

function explain({ name }: Target, { input, error }: NonNullable<Fuzzed["finding"]>): void {
  console.log(`     ${error instanceof Error ? error.stack : String(error)}`);
  console.log(`     the input: ${JSON.stringify(input.toString("utf8").slice(0, 300))}`);
  console.log(
    `     repeat it: npm run fuzz -- --target ${JSON.stringify(name)} --input ${input.toString("base64")}`,
  );
}
