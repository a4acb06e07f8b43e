import { spawnSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Measures what source maps add to the cold start of each function. Each load is
 * a process of its own. A function without its environment variables throws an
 * error after it has loaded everything: its stack is read too.
 */
const [assemblyDir = "cdk.out", loads = "20"] = process.argv.slice(2);
const assets = globSync(join(assemblyDir, "asset.*/handler.js.map")).map((map) => join(map, ".."));
if (assets.length === 0) {
  console.error(`node bench/source-maps.ts [ASSEMBLY] [LOADS]\n\n${assemblyDir} has no bundle`);
  process.exit(1);
}

const program = `
  const before = process.cpuUsage();
  let error;
  try { await import(process.argv[1]); } catch (thrown) { error = thrown; }
  const { user, system } = process.cpuUsage(before);
  const startedMs = performance.now();
  error.stack;
  console.log(JSON.stringify([(user + system) / 1000, performance.now() - startedMs]));`;

function load(file: string): [cpuMs: number, stackMs: number] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program, file],
    {
      encoding: "utf8",
      env: {},
    },
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

console.log("CPU milliseconds (median); the map's kilobytes");
for (const asset of assets) {
  const runs = Array.from({ length: Number(loads) }, () => ({
    without: load(resolve(asset, "handler.js")),
    with: load(resolve(asset, "index.js")),
  }));
  const of = (name: "without" | "with", index: 0 | 1) =>
    median(runs.map((run) => run[name][index])).toFixed(0);
  const kilobytes = (statSync(join(asset, "handler.js.map")).size / 1_000).toFixed(0);
  console.log(
    `${asset.slice(-8)}  load ${of("without", 0)}, with maps ${of("with", 0)};  first stack ${of("without", 1)}, with maps ${of("with", 1)};  map ${kilobytes}`,
  );
}
