import { parseArgs } from "node:util";
import { defects } from "./defects/defects.ts";
import { runDefects } from "./defects/run-defects.ts";
import { earlierColdStarts, extractEarlierCode } from "./earlier-code.ts";
import { type FaultKind, faultKinds } from "./engine/faults.ts";
import { simulateModules } from "./hooks.ts";
import { partOf, usualWorkers } from "./workers.ts";

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
    /** Runs the code of this commit beside today's: each instance starts with either. */
    with: { type: "string" },
    /** Plants one defect. */
    defect: { type: "string" },
    /** Plants each defect in turn, and tells at which seed it is found. */
    defects: { type: "boolean", default: false },
    /** Strikes each call of each function in each way, and then pairs of calls. */
    exhaustive: { type: "boolean", default: false },
    /** With `--exhaustive`: pairs of each single fault and a later one. */
    pairs: { type: "string", default: "1" },
    /** With `--exhaustive`: only one of so many single faults. */
    sample: { type: "string", default: "1" },
    /** Makes so many deliveries to random endpoints. */
    deliveries: { type: "string" },
    /** Sends so many events to an endpoint that is down for six hours. */
    outage: { type: "string" },
    /** Submits requests of so many accounts while workers crash. */
    accounts: { type: "string" },
    /** With `--accounts`: requests of each. */
    requests: { type: "string", default: "100" },
    /** Reports a failure as it is, without a search for a shorter list of faults. */
    unshrunk: { type: "boolean", default: false },
    /** Goes on after a failure, and lists every seed that fails. */
    all: { type: "boolean", default: false },
    /** Replays what seeds do with DynamoDB on the simulated one and on the one of a local run. */
    conformance: { type: "boolean", default: false },
    /** Writes the commands for DynamoDB of each seed into this file, and checks nothing. */
    commands: { type: "string" },
    /** Real seconds after which no further run starts. */
    seconds: { type: "string" },
    /** Processes; absent: one for each core. */
    workers: { type: "string" },
    /** Which part of the work is this process's. */
    part: { type: "string" },
  },
});

// Timers of the last run's functions would keep the process for almost a minute.
process.exit(await main());

/** @returns the exit code */
async function main(): Promise<number> {
  const workers = Number(values.workers ?? usualWorkers);
  if (values.defects) return runDefects(Number(values.seeds), workers);
  if (values.conformance) {
    const { runConformance } = await import("./conformance.ts");
    return runConformance({ first: Number(values.seed), count: Number(values.seeds), workers });
  }
  const earlierCode = values.with === undefined ? undefined : extractEarlierCode(values.with);
  simulateModules(patchesOf(values.defect), earlierCode);
  const { installVirtualGlobals } = await import("./engine/virtual-globals.ts");
  installVirtualGlobals();
  if (earlierCode !== undefined) {
    const { addVersion } = await import("./functions.ts");
    addVersion(await earlierColdStarts(earlierCode));
  }
  const common = {
    args: process.argv.slice(2),
    workers,
    part: values.part === undefined ? undefined : partOf(values.part),
  };
  if (values.commands !== undefined) {
    const { recordCommands } = await import("./record-commands.ts");
    return recordCommands(values.commands, Number(values.seed), Number(values.seeds));
  }
  if (values.exhaustive) {
    const { runExhaustive } = await import("./exhaustive.ts");
    const [pairs, sample] = [Number(values.pairs), Number(values.sample)];
    return runExhaustive({ ...common, pairs, sample });
  }
  if (values.deliveries !== undefined) {
    const { runDeliveries } = await import("./deliveries-run.ts");
    return runDeliveries({ ...common, deliveries: Number(values.deliveries) });
  }
  if (values.outage !== undefined) {
    const { runOutage } = await import("./outage-run.ts");
    return runOutage(Number(values.outage));
  }
  if (values.accounts !== undefined) {
    const { runAccounts } = await import("./accounts-run.ts");
    const [accounts, requests] = [Number(values.accounts), Number(values.requests)];
    return runAccounts({ ...common, accounts, requests });
  }
  const { runSeeds } = await import("./run-seeds.ts");
  return runSeeds({
    ...values,
    ...common,
    first: Number(values.seed),
    count: Number(values.seeds),
    kinds: kindsOf(values.faults),
    only: values.only === undefined ? undefined : new Set(values.only.split(",")),
    limitMs: Number(values.seconds ?? Number.POSITIVE_INFINITY) * 1_000,
  });
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return faultKinds;
  const names = text.split(",");
  const unknown = names.filter((name) => !(faultKinds as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`${unknown} are not among the faults ${faultKinds}`);
  return faultKinds.filter((kind) => names.includes(kind));
}

function patchesOf(name: string | undefined) {
  if (name === undefined) return [];
  const found = defects.find((defect) => defect.name === name);
  if (!found) throw new Error(`there is no defect ${name}`);
  return found.patches;
}
