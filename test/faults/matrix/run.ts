import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { thisMachine } from "../../../bench/goals/results.ts";
import { readTestResults, runTestFiles, type TestResult } from "../../support/test-results.ts";
import { root } from "../../support/tree.ts";
import {
  allRows,
  allTitles,
  type FileResult,
  gapsOf,
  type MatrixResults,
  readMatrixResults,
  resultsFile,
} from "./matrix.ts";
import { isTitleOf } from "./titles.ts";

const usage = `npm run faults -- [file …] [--write]

Runs the tests of the fault matrix, those of all files or of the ones that are named, and prints for
each row how many cases passed. Exit code 1: a row has no test, a test failed, or a title was not
among the tests that ran.

  --results FILE  runs nothing, and takes the results that \`npm test\` has written:
                  test-results/vitest.json
  --write         stores the results of each file that passed, and generates docs/faults.md from them`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    results: { type: "string" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const titles = allTitles();
const allFiles = [...new Set(titles.map(({ file }) => file))];
const unknown = positionals.filter((file) => !allFiles.includes(file));
if (unknown.length > 0) throw new Error(`${unknown}: the files are ${allFiles.join(", ")}`);
const files = positionals.length === 0 ? allFiles : positionals;
const wanted = titles.filter(({ file }) => files.includes(file));
const { startedAt, results: ran } = await resultsOfTests();

const cases: Record<string, FileResult["cases"]> = {};
const failed = new Set<string>();
const problems = gapsOf(titles);
for (const { file, title } of wanted) {
  const of = ran.filter((one) => one.file === file && isTitleOf(title, one.title));
  const passed = of.filter(({ status }) => status === "passed").length;
  if (of.length === 0) problems.push(`${file}: did not run: ${title}`);
  if (passed < of.length) problems.push(`${file}: ${of.length - passed} failed: ${title}`);
  if (of.length === 0 || passed < of.length) failed.add(file);
  cases[file] = { ...cases[file], [title]: passed };
}

console.log("");
const rows = allRows.filter(({ id }) => wanted.some(({ row }) => row === id));
const shown = rows.filter(({ id, fault }) => {
  const counts = wanted
    .filter(({ row }) => row === id)
    .map(({ file, title }) => cases[file]?.[title] ?? 0);
  const passed = counts.reduce((sum, one) => sum + one, 0);
  console.log(`${id.padEnd(4)}${String(passed).padStart(4)} passed  ${fault}`);
  return counts.every((one) => one > 0);
});
const known = positionals.length === 0 ? allRows : rows;
console.log(`\nR5: ${shown.length} of ${known.length} rows, ${wanted.length} titles`);
for (const problem of problems) console.log(`  ${problem}`);
if (values.write) await write();
if (problems.length > 0 || shown.length < known.length) process.exitCode = 1;

async function resultsOfTests(): Promise<{ startedAt: string; results: TestResult[] }> {
  if (values.results !== undefined) return readTestResults(values.results);
  const startedAt = new Date().toISOString();
  return { startedAt, results: await runTestFiles(files, { titles: "(^| )[A-D]\\d{1,2}:? " }) };
}

/** Stores the results of the files that passed, and generates the page. */
async function write(): Promise<void> {
  const machine = thisMachine();
  const kept = readMatrixResults();
  const results: MatrixResults = Object.fromEntries(
    allFiles.flatMap((file) => {
      const passed = files.includes(file) && !failed.has(file);
      const result = passed
        ? { measuredAt: startedAt, machine, cases: cases[file] ?? {} }
        : kept[file];
      return result === undefined ? [] : [[file, result]];
    }),
  );
  writeFileSync(join(root, resultsFile), `${JSON.stringify(results, null, 2)}\n`);
  const generate = [join(root, "docs/generate.ts")];
  await once(spawn(process.execPath, generate, { cwd: root, stdio: "inherit" }), "exit");
}
