/** Shows that coverage guides the inputs: a planted mistake is found with it, and not without it. */
import { openCoverage } from "./coverage.ts";
import { fuzz } from "./engine.ts";

const RUNS = 8_000;

const target = {
  name: "planted",
  seeds: [""],
  check(input: Buffer): void {
    if (input[0] !== 0x7b) return;
    if (input[1] !== 0x61) return;
    if (input[2] === 0x31) throw new Error("found");
  },
};

const coverage = openCoverage((url) => url === import.meta.url);
const blind = { take: () => [], stop: () => undefined };
const results = [];
for (const by of [coverage, blind]) {
  const of = { coverage: by, seed: 1, runs: RUNS, untilMs: Number.POSITIVE_INFINITY };
  const { runs, finding } = await fuzz(target, of);
  results.push({ runs, ...(finding ? { found: finding.input.toString() } : {}) });
}
coverage.stop();
console.log(JSON.stringify(results));
