import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { goalText, keyOf, unneededEntries, valueText, verdictOf } from "./goals/figure.ts";
import { committedResults, readResults } from "./goals/results.ts";
import { goalTable, withTable } from "./goals/table.ts";

/** The bench of each row of the table. A bench may measure several. */
const benches: Readonly<Record<string, readonly string[]>> = {
  P1: ["ingest.ts"],
  P2: ["consume.ts"],
  P3: ["load.ts"],
  P4: ["cost.ts"],
  P5: ["cost.ts"],
  P6: ["ack.ts"],
  P7: ["growth.ts", "--sizes", "10000,100000"],
  P8: ["windows.ts"],
  P9: ["scale.ts"],
};
const ids = Object.keys(benches);

const usage = `npm run bench -- [${ids.join(" | ")} …] [options]

Measures the figures that have a goal, all of them or the ones that are named, and prints them
beside their goals. Exit code 1: a check failed, or a goal is missed without an entry in
bench/missed-goals.json.

  --write          puts the figures into the table of docs/performance.md, and the raw
                   measurements into bench/results
  --table          measures nothing, and writes the table from bench/results anew
  --results DIR    where the raw measurements are put (a new directory, which is printed)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    results: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (values.table) {
  await writeTable();
  process.exit(0);
}
const unknown = positionals.filter((id) => !ids.includes(id));
if (unknown.length > 0) throw new Error(`${unknown}: the figures are ${ids.join(", ")}`);
const wanted = positionals.length === 0 ? ids : positionals;
const directory = resolve(values.results ?? mkdtempSync(join(tmpdir(), "ackwire-results-")));
mkdirSync(directory, { recursive: true });

/** Runs a bench to its end. @returns whether every check and every goal without an entry held */
async function run([script = "", ...args]: readonly string[]): Promise<boolean> {
  console.log(`\n$ node bench/${[script, ...args].join(" ")}\n`);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(script, import.meta.url)), ...args],
    { stdio: "inherit", env: { ...process.env, BENCH_RESULTS: directory } },
  );
  const [code] = await once(child, "exit");
  return code === 0;
}

const runs = new Map(wanted.map((id) => [JSON.stringify(benches[id]), benches[id] ?? []]));
const failed: string[] = [];
for (const [script = "", ...args] of runs.values()) {
  const writes = values.write && script === "scale.ts" ? ["--write"] : [];
  if (!(await run([script, ...args, ...writes]))) failed.push(script);
}

const results = readResults(directory).filter(({ id }) => wanted.includes(id));
const figures = results.flatMap((result) => result.figures);
console.log(`\nRaw measurements: ${directory}\n`);
for (const figure of figures) {
  const verdict = verdictOf(figure);
  const text = verdict.kind === "known" ? `missed: ${verdict.entry.reason}` : verdict.kind;
  const goal = goalText(figure.goal, figure.unit);
  console.log(
    `${keyOf(figure).padEnd(48)} ${valueText(figure).padEnd(18)} ${goal.padEnd(26)} ${text}`,
  );
}
for (const { figure } of unneededEntries(figures)) {
  console.log(`The entry of "${figure}" in bench/missed-goals.json is not needed any more.`);
}
const absent = wanted.filter((id) => !results.some((result) => result.id === id));
if (absent.length > 0) console.log(`Not measured: ${absent.join(", ")}`);
if (failed.length > 0) console.log(`Failed: ${failed.join(", ")}`);
if (values.write) await write();
process.exitCode = failed.length + absent.length === 0 ? 0 : 1;

async function write(): Promise<void> {
  for (const { id } of results) {
    copyFileSync(join(directory, `${id}.json`), join(committedResults, `${id}.json`));
  }
  await writeTable();
}

async function writeTable(): Promise<void> {
  const file = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
  const text = withTable(readFileSync(file, "utf8"), goalTable(readResults(committedResults)));
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
