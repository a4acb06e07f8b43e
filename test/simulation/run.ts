import { parseArgs } from "node:util";
import { wholeOption } from "../support/whole-option.ts";
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
 * Exits with 1 when a run breaks a guarantee, when less ran than was asked for, and when an option
 * cannot be read or has no effect. `docs/reliability.md` describes it.
 */
const { values } = parseArgs({
  options: {
    /** The first one; default 1. */
    seed: { type: "string" },
    /** How many; default 100. */
    seeds: { type: "string" },
    /** Kinds of faults, separated by commas; absent: all. */
    faults: { type: "string" },
    /** Only these faults, by the ids that a failure prints; `none`: no fault. */
    only: { type: "string" },
    /** Prints what happens in each run. */
    trace: { type: "boolean", default: false },
    /** Prints a hash of everything that happened in each run. */
    hashes: { type: "boolean", default: false },
    /** Runs the code of this commit beside today's: each instance starts with either. */
    with: { type: "string" },
    /** Plants one defect. */
    defect: { type: "string" },
    /** Plants each defect in turn, and tells at which seed it is found. */
    defects: { type: "boolean", default: false },
    /** Runs each seed twice, and compares everything that happened. */
    determinism: { type: "boolean", default: false },
    /** Strikes each call of each function in each way, and then pairs of calls. */
    exhaustive: { type: "boolean", default: false },
    /** With `--exhaustive`: pairs of each single fault and a later one; default 1. */
    pairs: { type: "string" },
    /** With `--exhaustive`: only one of so many single faults; default 1. */
    sample: { type: "string" },
    /** Makes so many deliveries to random endpoints. */
    deliveries: { type: "string" },
    /** Sends so many events to an endpoint that is down for six hours. */
    outage: { type: "string" },
    /** Submits requests of so many accounts while workers crash. */
    accounts: { type: "string" },
    /** With `--accounts`: requests of each; default 100. */
    requests: { type: "string" },
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

type Option = keyof typeof values;

const code: readonly Option[] = ["defect", "with"];
const shared: readonly Option[] = [...code, "workers", "part"];

/** What each command reads beside its own option; a run of seeds has none. */
const readBy = {
  defects: ["seeds", "workers"],
  determinism: ["seed", "seeds", "faults", ...shared],
  exhaustive: ["pairs", "sample", ...shared],
  deliveries: shared,
  outage: code,
  accounts: ["requests", ...shared],
  conformance: ["seed", "seeds", "workers"],
  commands: ["seed", "seeds", ...code],
} satisfies Partial<Record<Option, readonly Option[]>>;

type Command = keyof typeof readBy;

const chosen: readonly Option[] = ["seed", "seeds", "faults", "only", "seconds"];
const shown: readonly Option[] = ["trace", "hashes", "unshrunk", "all"];
const ofSeeds: readonly Option[] = [...chosen, ...shown, ...shared];

/** The numbers that are taken where an option is absent. */
const usual = { seed: "1", seeds: "100", pairs: "1", sample: "1", requests: "100" } as const;

// Timers of the last run's functions would keep the process for almost a minute.
process.exit(await main());

/** @returns the exit code */
async function main(): Promise<number> {
  const command = commandOf();
  const workers = values.workers === undefined ? usualWorkers : whole("workers");
  if (command === "defects") return runDefects(whole("seeds"), workers);
  if (command === "conformance") {
    const { runConformance } = await import("./conformance.ts");
    return runConformance({ first: whole("seed", 0), count: whole("seeds"), workers });
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
  switch (command) {
    case "commands": {
      const [first, count] = [whole("seed", 0), whole("seeds")];
      const { recordCommands } = await import("./record-commands.ts");
      return recordCommands(values.commands ?? "", first, count);
    }
    case "exhaustive": {
      const of = { ...common, pairs: whole("pairs", 0), sample: whole("sample") };
      const { runExhaustive } = await import("./exhaustive.ts");
      return runExhaustive(of);
    }
    case "deliveries": {
      const of = { ...common, deliveries: whole("deliveries") };
      const { runDeliveries } = await import("./deliveries-run.ts");
      return runDeliveries(of);
    }
    case "outage": {
      const events = whole("outage");
      const { runOutage } = await import("./outage-run.ts");
      return runOutage(events);
    }
    case "accounts": {
      const of = { ...common, accounts: whole("accounts"), requests: whole("requests") };
      const { runAccounts } = await import("./accounts-run.ts");
      return runAccounts(of);
    }
  }
  const seeds = {
    ...common,
    first: whole("seed", 0),
    count: whole("seeds"),
    kinds: kindsOf(values.faults),
  };
  if (command === "determinism") {
    const { runDeterminism } = await import("./determinism.ts");
    return runDeterminism(seeds);
  }
  const { runSeeds } = await import("./run-seeds.ts");
  return runSeeds({
    ...values,
    ...seeds,
    only: onlyOf(values.only),
    limitMs: values.seconds === undefined ? undefined : whole("seconds") * 1_000,
  });
}

/**
 * The command that the options name; absent: a run of seeds.
 *
 * @throws Error if there are several, or an option that it does not read
 */
function commandOf(): Command | undefined {
  const given = (Object.keys(values) as Option[]).filter(
    (name) => values[name] !== undefined && values[name] !== false,
  );
  const commands = given.filter((name): name is Command => name in readBy);
  const [command] = commands;
  const read: readonly Option[] = command === undefined ? ofSeeds : readBy[command];
  const unread = given.filter((name) => name !== command && !read.includes(name));
  if (unread.length > 0) {
    const of = command === undefined ? "a run of seeds" : `--${command}`;
    throw new Error(`${unread.map((name) => `--${name}`).join(" ")} has no effect on ${of}`);
  }
  return command;
}

type NumberOption =
  | keyof typeof usual
  | ("deliveries" | "outage" | "accounts" | "seconds" | "workers");

function whole(name: NumberOption, least = 1): number {
  const usually: Partial<Record<NumberOption, string>> = usual;
  return wholeOption(name, values[name] ?? usually[name] ?? "", least);
}

function onlyOf(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  return new Set(text === "none" ? [] : text.split(","));
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
