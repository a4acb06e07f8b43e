import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../support/tree.ts";
import { sampleOf } from "./sample.ts";

/**
 * Measures how many planted changes of the core and the providers the tests notice, with Stryker:
 *
 *     npm run test:mutation                         # 20 blocks of 50 lines, drawn at random
 *     npm run test:mutation -- --blocks 100 --seed 2
 *     npm run test:mutation -- --files "shared/core/pace/*.ts"
 *
 * Exits with 1 when less than `--least` percent are noticed.
 */
const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    /** Whole files instead of a sample: glob patterns, separated by commas. */
    files: { type: "string" },
    /** Percent. */
    least: { type: "string", default: "85" },
    /** Processes that run tests. */
    workers: { type: "string", default: "2" },
  },
});

const own = join(root, "test/mutation");
const results = join(root, "test-results/mutation");
const report = join(results, "mutation.json");

interface Mutant {
  id: string;
  mutatorName: string;
  status: string;
  location: { start: { line: number } };
  replacement?: string;
}

interface Report {
  files: Record<string, { mutants: Mutant[] }>;
}

/** @returns the exit code */
function main(): number {
  if (!existsSync(join(own, "node_modules"))) install();
  const mutate = values.files?.split(",") ?? sample();
  mkdirSync(results, { recursive: true });
  const config = join(results, "stryker.json");
  writeFileSync(config, JSON.stringify(settingsOf(mutate), undefined, 2));
  const stryker = join(own, "node_modules/@stryker-mutator/core/bin/stryker.js");
  const { status } = spawnSync(process.execPath, [stryker, "run", config], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) return status ?? 1;
  return summarise(JSON.parse(readFileSync(report, "utf8")) as Report);
}

function install(): void {
  const args = ["ci", "--ignore-scripts", "--legacy-peer-deps", "--workspaces=false", "--no-audit"];
  const { status } = spawnSync("npm", args, { cwd: own, stdio: "inherit" });
  if (status !== 0) throw new Error("Stryker could not be installed from the npm registry");
}

function sample() {
  const files = globSync("shared/{core,providers}/**/*.ts", { cwd: root }).sort();
  const sources = files.map((file) => ({
    file,
    lines: readFileSync(join(root, file), "utf8").split("\n").length,
  }));
  return sampleOf(sources, Number(values.seed), Number(values.blocks));
}

const settingsOf = (mutate: readonly string[]) => ({
  mutate,
  plugins: [join(own, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts" },
  coverageAnalysis: "perTest",
  // What is decided while a module is loaded would need all tests for each change.
  ignoreStatic: true,
  concurrency: Number(values.workers),
  // The first run of all tests, with every change in place and none switched on.
  dryRunTimeoutMinutes: 60,
  // A change that makes a loop endless ends after this and one and a half times the usual time.
  timeoutMS: 5_000,
  tempDirName: "test-results/mutation/sandbox",
  ignorePatterns: ["test-results", "cdk.out", "console", "site", "**/dist", "**/.vitepress"],
  // Stryker would rewrite the paths in it; Node itself reads the types.
  tsconfigFile: "none.json",
  reporters: ["progress-append-only", "json"],
  jsonReporter: { fileName: report },
  incremental: true,
  incrementalFile: join(results, "incremental.json"),
  allowEmpty: true,
});

/** Prints what was noticed, by file. @returns the exit code */
function summarise({ files }: Report): number {
  const noticed = ["Killed", "Timeout"];
  const counted = [...noticed, "Survived", "NoCoverage"];
  const rows = Object.entries(files).map(([file, { mutants }]) => {
    const own = mutants.filter(({ status }) => counted.includes(status));
    const missed = own.filter(({ status }) => !noticed.includes(status));
    return { file, count: own.length, missed };
  });
  for (const { file, missed } of rows) {
    for (const { location, mutatorName, status, replacement = "" } of missed) {
      const text = replacement.split("\n")[0]?.slice(0, 60);
      console.log(`${file}:${location.start.line} ${status} ${mutatorName} ${text}`);
    }
  }
  const all = Object.values(files).flatMap(({ mutants }) => mutants);
  for (const [name, own] of Map.groupBy(all, ({ mutatorName }) => mutatorName)) {
    const of = own.filter(({ status }) => counted.includes(status));
    const killed = of.filter(({ status }) => noticed.includes(status)).length;
    if (of.length > 0) console.log(`${name}: ${killed} of ${of.length}`);
  }
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const missed = rows.reduce((sum, row) => sum + row.missed.length, 0);
  const percent = (100 * (count - missed)) / Math.max(1, count);
  console.log(
    `R7: ${count} changes of ${rows.length} files, ${count - missed} noticed: ${percent.toFixed(1)} % (goal ${values.least} %)`,
  );
  return count > 0 && percent >= Number(values.least) ? 0 : 1;
}

process.exit(main());
