import { parseArgs } from "node:util";
import { makeReport } from "./run/report.ts";
import { scenarios } from "./testing/scenarios.ts";

const usage = `node bench/testing-package.ts [options]

  --runs N      of each scenario, each with a start of its own (100)
  --only TEXT   the scenarios whose name contains it`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

/** Real seconds that a scenario may take; the start is another figure. */
const LIMIT_SECONDS = 2;

const runs = Number(values.runs);
const report = makeReport(`${runs} runs of each scenario of @ackwire/testing`);
for (const [name, scenario] of Object.entries(scenarios)) {
  if (!name.includes(values.only)) continue;
  const times: { start: number; alone: number; whole: number }[] = [];
  const results = new Set<string>();
  // The first one builds the package's run.
  await scenario();
  for (let run = 0; run < runs; run += 1) {
    const startedMs = performance.now();
    const { startMs: start, scenarioMs: alone, result } = await scenario();
    times.push({ start, alone, whole: performance.now() - startedMs });
    results.add(JSON.stringify(result));
  }
  report.figure(`${name}: start`, secondsOf(times.map(({ start }) => start)));
  report.figure(`${name}: scenario`, secondsOf(times.map(({ alone }) => alone)));
  report.figure(`${name}: start, scenario and stop`, secondsOf(times.map(({ whole }) => whole)));
  const different = results.size - 1;
  report.check(`${name}: runs with another result`, different === 0 ? [] : [...results]);
  const late = times.filter(({ alone }) => alone > LIMIT_SECONDS * 1_000);
  report.check(
    `${name}: runs longer than ${LIMIT_SECONDS} s`,
    late.map(({ alone }) => `${(alone / 1_000).toFixed(2)} s`),
  );
}
report.end();

function secondsOf(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => {
    const ms = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return `${(ms / 1_000).toFixed(2)} s`;
  };
  return `median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(1)}`;
}
