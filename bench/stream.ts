import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { percentile } from "./run/report.ts";
import type { makeTableStreams } from "./stream/table-streams.ts";

const usage = `node bench/stream.ts BENCH [its options]

Runs another bench of this folder twice: as the product is, and with a stack whose events the
streams of its tables publish. For example:

  node bench/stream.ts events.ts --rate 5 --seconds 20 --warm-up 20
  node bench/stream.ts cost.ts --load light`;

const [bench, ...args] = process.argv.slice(2);
if (bench === undefined || bench === "--help") {
  console.log(usage);
  process.exit(0);
}
const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const directory = mkdtempSync(join(tmpdir(), "ackwire-stream-"));
const figuresFile = join(directory, "figures.json");
const sides = [
  { name: "As it is", env: {} },
  {
    name: "Published by streams",
    env: { BENCH_MAIN: fileOf("stream/main.ts"), STREAM_FIGURES: figuresFile },
  },
];
for (const { name, env } of sides) {
  console.log(`\n== ${name}\n`);
  const child = spawn(process.execPath, [fileOf(bench), ...args], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
const { waitsMs, batches } = JSON.parse(readFileSync(figuresFile, "utf8")) as Figures;
const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(waitsMs, share).toFixed(0));
console.log(`\nThe streams of the whole run, warm-up included: ${waitsMs.length} records`);
console.log(`  waited for a poll: p50 / p99 / max         ${p50} / ${p99} / ${max} ms`);
console.log(
  `  records in a batch                         ${(waitsMs.length / batches).toFixed(1)}`,
);
rmSync(directory, { recursive: true });

type Figures = ReturnType<ReturnType<typeof makeTableStreams>["figures"]>;
