/**
 * Shows that coverage guides the inputs: a planted mistake is found with it, and not without it.
 * An input that takes too much processor time is found too.
 */
import { openCoverage } from "./coverage.ts";
import { fuzz } from "./engine.ts";

const RUNS = 8_000;

/** Milliseconds of processor time: what an input may take here, and what the slow ones take. */
const [MOST_CPU_MS, SLOW_CPU_MS] = [100, 150];

const target = {
  name: "planted",
  seeds: [""],
  check(input: Buffer): void {
    if (input[0] !== 0x7b) return;
    if (input[1] !== 0x61) return;
    if (input[2] === 0x31) throw new Error("found");
  },
};

const slow = {
  name: "planted slowness",
  seeds: [""],
  check(input: Buffer): number {
    const before = process.cpuUsage();
    let rounds = 0;
    while (input[0] === 0x7b && process.cpuUsage(before).user < SLOW_CPU_MS * 1_000) rounds++;
    return rounds;
  },
};

const coverage = openCoverage((url) => url === import.meta.url);
const blind = { take: () => [], stop: () => undefined };
const common = { seed: 1, runs: RUNS, untilMs: Number.POSITIVE_INFINITY };
const results = [
  await fuzz(target, { ...common, coverage }),
  await fuzz(target, { ...common, coverage: blind }),
  await fuzz(slow, { ...common, coverage, mostCpuMs: MOST_CPU_MS }),
];
coverage.stop();
console.log(
  JSON.stringify(
    results.map(({ runs, finding }) => ({
      runs,
      ...(finding ? { found: finding.input.toString(), error: String(finding.error) } : {}),
    })),
  ),
);
