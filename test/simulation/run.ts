import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { defects } from "./defects/defects.ts";
import { runDefects } from "./defects/run-defects.ts";
import { type FaultKind, faultKinds } from "./engine/faults.ts";
import { simulateModules } from "./hooks.ts";
import type { RunResult } from "./simulate.ts";

/**
 * Simulates the pipeline, one run for each seed, and checks every guarantee:
 *
 *     npm run simulate -- --seed 1 --seeds 1000
 *
 * Exits with 1 when a run breaks a guarantee. `docs/reliability.md` describes it.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "100" },
    /** Kinds of faults, separated by commas; absent: all. */
    faults: { type: "string" },
    /** Only these faults, by the ids that a failure prints. */
    only: { type: "string" },
    /** Prints what happens in each run. */
    trace: { type: "boolean", default: false },
    /** Prints a hash of each run's trace. */
    hashes: { type: "boolean", default: false },
    /** Plants one defect. */
    defect: { type: "string" },
    /** Plants each defect in turn, and tells at which seed it is found. */
    defects: { type: "boolean", default: false },
    /** Reports a failure as it is, without a search for a shorter list of faults. */
    unshrunk: { type: "boolean", default: false },
    /** Real seconds after which no further run starts. */
    seconds: { type: "string" },
  },
});

const startedMs = performance.now();
// Timers of the last run's functions would keep the process for almost a minute.
process.exit(values.defects ? await runDefects(Number(values.seeds)) : await runSeeds());

/** @returns the exit code */
async function runSeeds(): Promise<number> {
  simulateModules(patchesOf(values.defect));
  const { installVirtualGlobals } = await import("./engine/virtual-globals.ts");
  const { simulate } = await import("./simulate.ts");
  const { shrink } = await import("./shrink.ts");
  installVirtualGlobals();
  const first = Number(values.seed);
  const last = first + Number(values.seeds) - 1;
  const limitMs = Number(values.seconds ?? Number.POSITIVE_INFINITY) * 1_000;
  const totals = { runs: 0, faults: 0, requests: 0, deliveries: 0, events: 0 };
  for (let seed = first; seed <= last && performance.now() - startedMs < limitMs; seed++) {
    const options = { seed, kinds: kindsOf(values.faults), only: onlyOf(values.only) };
    const result = await simulate(options);
    if (values.trace) console.log(result.history.trace.join("\n"));
    if (values.hashes) console.log(`${seed} ${hashOfTrace(result)}`);
    totals.runs++;
    totals.faults += result.history.struck.length;
    totals.requests += result.end.requests.length;
    totals.deliveries += result.end.deliveries.length;
    totals.events += result.history.published.length;
    if (result.violations.length > 0) {
      const isShort = values.only !== undefined || values.unshrunk;
      reportFailure(isShort ? result : await shrink(result));
      return 1;
    }
    if (totals.runs % 100 === 0) console.log(summary(totals));
  }
  console.log(`${summary(totals)}; no guarantee was broken`);
  return 0;
}

function summary(totals: Record<string, number>): string {
  const { runs = 0 } = totals;
  const { user, system } = process.cpuUsage();
  const counts = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  return `${counts.join(", ")} in ${seconds} s (${((user + system) / 1_000 / runs).toFixed(0)} ms of processor time a run)`;
}

function reportFailure({ seed, violations, history }: RunResult): void {
  const faults = history.struck.map(({ id }) => id).join(",");
  const defect = values.defect ? ` --defect ${values.defect}` : "";
  console.log(`seed ${seed} breaks:`);
  for (const { guarantee, text } of violations) console.log(`  ${guarantee}: ${text}`);
  console.log(`with the faults ${faults || "none"}`);
  const replay = `npm run simulate -- --seed ${seed} --seeds 1 --only "${faults || "none"}"${defect}`;
  console.log(`the run:\n${history.trace.map((line) => `  ${line}`).join("\n")}`);
  console.log(`again: ${replay} --trace`);
}

function hashOfTrace({ history }: RunResult): string {
  return createHash("sha256").update(history.trace.join("\n")).digest("hex");
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return faultKinds;
  const names = text.split(",");
  const unknown = names.filter((name) => !(faultKinds as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`${unknown} are not among the faults ${faultKinds}`);
  return faultKinds.filter((kind) => names.includes(kind));
}

function onlyOf(text: string | undefined): ReadonlySet<string> | undefined {
  return text === undefined ? undefined : new Set(text.split(","));
}

function patchesOf(name: string | undefined) {
  if (name === undefined) return [];
  const found = defects.find((defect) => defect.name === name);
  if (!found) throw new Error(`there is no defect ${name}`);
  return found.patches;
}
