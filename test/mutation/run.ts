import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../support/tree.ts";
import { sampleOf } from "./sample.ts";

/**
 * Measures how many planted changes of the core and the providers the unit tests notice, with
 * Stryker:
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

interface Position {
  line: number;
  /** From 1. */
  column: number;
}

interface Mutant {
  mutatorName: string;
  status: string;
  location: { start: Position; end: Position };
  replacement?: string;
}

interface Report {
  files: Record<string, { mutants: Mutant[] }>;
}

interface Change extends Mutant {
  file: string;
}

/** @returns the exit code */
function main(): number {
  if (!existsSync(join(own, "node_modules"))) install();
  mkdirSync(results, { recursive: true });
  const blocks = values.files === undefined ? sample() : filesOf(values.files.split(","));
  // What is kept of earlier runs is in the report too.
  return summarise(stryker(blocks).filter((one) => blocks.some((block) => isIn(block, one))));
}

/** Runs Stryker. @returns its changes, without those that are no change or cannot be loaded */
function stryker(mutate: readonly string[]): Change[] {
  const config = join(results, "config.json");
  const fileName = join(results, "report.json");
  const reporting = { reporters: ["progress-append-only", "json"], jsonReporter: { fileName } };
  writeFileSync(config, JSON.stringify({ ...settings, ...reporting, mutate }, undefined, 2));
  const program = join(own, "node_modules/@stryker-mutator/core/bin/stryker.js");
  const { status } = spawnSync(process.execPath, [program, "run", config], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`Stryker has ended with the exit code ${status}`);
  const { files } = JSON.parse(readFileSync(fileName, "utf8")) as Report;
  const all = Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants.map((mutant) => ({ ...mutant, file })),
  );
  return all.filter((one) => isNoticed(one) || ["Survived", "NoCoverage"].includes(one.status));
}

const isNoticed = ({ status }: Mutant) => status === "Killed" || status === "Timeout";

const filesOf = (patterns: readonly string[]) => globSync([...patterns], { cwd: root }).sort();

/** @param block a file, or lines of one: `shared/core/clock.ts:1-40` */
function isIn(block: string, { file, location: { start, end } }: Change): boolean {
  const [name, lines] = block.split(":");
  const [first = 0, last = 0] = lines?.split("-").map(Number) ?? [0, Number.POSITIVE_INFINITY];
  return file === name && start.line >= first && end.line <= last;
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

const settings = {
  concurrency: Number(values.workers),
  // The first run of all tests, with every change in place and none switched on.
  dryRunTimeoutMinutes: 60,
  // A change that makes a loop endless ends after this and one and a half times the usual time.
  timeoutMS: 5_000,
  tempDirName: "test-results/mutation/sandbox",
  ignorePatterns: [
    "test-results",
    "cdk.out",
    "console/*",
    "!console/src",
    "site",
    "**/dist",
    "**/.vitepress",
  ],
  // Stryker would rewrite the paths in it; Node itself reads the types.
  tsconfigFile: "none.json",
  allowEmpty: true,
  plugins: [join(own, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts" },
  coverageAnalysis: "perTest",
  // What is decided while a module is loaded would need all tests for each change.
  ignoreStatic: true,
  incremental: true,
  incrementalFile: join(results, "incremental.json"),
};

/** Prints what was noticed and what was missed. @returns the exit code */
function summarise(changes: readonly Change[]): number {
  const missed = changes.filter((one) => !isNoticed(one));
  for (const { file, location, mutatorName, status, replacement = "" } of missed) {
    const text = replacement.split("\n")[0]?.slice(0, 60);
    console.log(`${file}:${location.start.line} ${status} ${mutatorName} ${text}`);
  }
  for (const [name, of] of Map.groupBy(changes, ({ mutatorName }) => mutatorName)) {
    console.log(`${name}: ${of.filter(isNoticed).length} of ${of.length}`);
  }
  const count = changes.length;
  const percent = (100 * (count - missed.length)) / Math.max(1, count);
  const files = new Set(changes.map(({ file }) => file)).size;
  console.log(
    `R7: ${count} changes of ${files} files, ${count - missed.length} noticed: ${percent.toFixed(1)} % (goal ${values.least} %)`,
  );
  return count > 0 && percent >= Number(values.least) ? 0 : 1;
}

process.exit(main());
