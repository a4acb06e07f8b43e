import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "../infra/constructs/bundle.ts";
import { usualFiles } from "./cpu/sides.ts";
import { loadedBytes } from "./load/loaded-files.ts";
import { assembleInto, functionsOf } from "./run/assembly.ts";
import { makeReport, percentile } from "./run/report.ts";

const usage = `node bench/load.ts [options]

Bytes and CPU time of loading each function, beside a handler that is written by hand.

  --loads N       of each, in alternation; at least 7 (9)
  --before DIR    another commit's assembly (cdk.out), which is measured too`;

const { values } = parseArgs({
  options: {
    loads: { type: "string", default: "9" },
    before: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const loads = Math.max(7, Number(values.loads));

interface Candidate {
  name: string;
  /** What is loaded at a cold start. */
  bytes: number;
  file: string;
  environment: Record<string, string>;
  cpuMs: number[];
}

const directory = mkdtempSync(join(tmpdir(), "ackwire-load-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/** @param files texts by name, with a file `handler.js` */
function bareCandidate(name: string, files: ReadonlyMap<string, string>): Candidate {
  const asset = join(directory, name.replaceAll(" ", "-"));
  mkdirSync(asset);
  for (const [file, text] of files) writeFileSync(join(asset, file), text);
  writeFileSync(join(asset, "package.json"), '{"type":"module"}');
  const file = join(asset, "handler.js");
  return { name, bytes: loadedBytes(files), file, environment: {}, cpuMs: [] };
}

/** The functions of an assembly, with the variables of its template. */
const candidatesOf = (assembly: string): Candidate[] =>
  functionsOf(assembly).map(({ name, asset, environment }) => {
    const files = new Map(
      readdirSync(asset).map((file) => [file, readFileSync(join(asset, file), "utf8")]),
    );
    const file = join(asset, "index.js");
    return { name, bytes: loadedBytes(files), file, environment, cpuMs: [] };
  });

const program = `
  const before = process.cpuUsage();
  await import(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1000);`;

/** Loads it in a process of its own. Returns user and system time. */
function load({ file, environment }: Candidate): number {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program, pathToFileURL(file).href],
    { encoding: "utf8", env: { AWS_REGION: "us-east-1", ...environment } },
  );
  if (stdout === "") throw new Error(stderr);
  return Number(stdout);
}

const report = makeReport(
  "Loading each function: bytes and CPU time against a hand-written handler",
);
const bare = "bench/ingest/bare-handler.ts";
const usual = bareCandidate("bare, usually bundled", usualFiles(bare));
const same = bareCandidate("bare, bundled like ours", build(bare));
const assembly = join(directory, "assembly");
await assembleInto(assembly);
const functions = candidatesOf(assembly);
const ingest = functions.find(({ name }) => name === "ingest");
if (!ingest) throw new Error("the stack has no function ingest");
const NODE_COMPILE_CACHE = join(directory, "compile-cache");
const cached: Candidate = {
  ...ingest,
  name: "ingest, with a compile cache",
  environment: { ...ingest.environment, NODE_COMPILE_CACHE },
  cpuMs: [],
};
// The first load writes the cache.
load(cached);
const before = (values.before === undefined ? [] : candidatesOf(resolve(values.before))).map(
  (one) => ({ ...one, name: `${one.name}, before` }),
);
const all = [usual, same, cached, ...functions, ...before];
for (let round = 0; round < loads; round++) {
  // Who is first in one round is last in the next.
  for (const one of round % 2 === 0 ? all : all.toReversed()) one.cpuMs.push(load(one));
}

const msOf = ({ cpuMs }: Candidate) => percentile(cpuMs, 0.5);
for (const one of all) {
  const ratio = (msOf(one) / msOf(usual)).toFixed(2);
  const cpu = `${msOf(one).toFixed(1)} ms (${Math.min(...one.cpuMs).toFixed(1)} to ${Math.max(...one.cpuMs).toFixed(1)})`;
  report.figure(one.name, `${kilobytes(one.bytes)} KB; ${cpu}; ${ratio} x bare, usually bundled`);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

const more = (ingest.bytes - usual.bytes) / 1000;
const moreMs = msOf(ingest) - msOf(usual);
const largest = functions.toSorted((one, other) => other.bytes - one.bytes)[0];
report.goal({
  ...{ id: "P3", name: "KB that the largest function loads" },
  ...{ value: (largest?.bytes ?? Number.NaN) / 1000, unit: "KB", goal: { atMost: 450 } },
  samples: Object.fromEntries(all.map(({ name, cpuMs }) => [`${name}, CPU ms of a load`, cpuMs])),
});
report.goal({
  ...{ id: "P3", name: "KB that ingest loads beyond bare, usually bundled" },
  ...{ value: more, unit: "KB", goal: { atMost: 25 } },
});
report.goal({
  ...{ id: "P3", name: "CPU of loading ingest beyond bare, usually bundled" },
  ...{ value: moreMs, unit: "ms", goal: { atMost: 6 } },
});
report.end();
