import type { FaultKind } from "./engine/faults.ts";
import { shrink } from "./shrink.ts";
import { type RunResult, simulate } from "./simulate.ts";
import { hashOfLines, linesOf, noteCommands } from "./trace-lines.ts";
import { type Part, tell, workTogether } from "./workers.ts";

export interface SeedsOptions {
  args: readonly string[];
  workers: number;
  part: Part | undefined;
  first: number;
  count: number;
  kinds: readonly FaultKind[];
  only: ReadonlySet<string> | undefined;
  trace: boolean;
  hashes: boolean;
  unshrunk: boolean;
  all: boolean;
  defect?: string | undefined;
  with?: string | undefined;
  /** Real milliseconds after which no further run starts; absent: all runs are made. */
  limitMs: number | undefined;
}

/** What was simulated. */
interface Totals {
  runs: number;
  faults: number;
  requests: number;
  deliveries: number;
  events: number;
  /** Milliseconds of processor time. */
  cpuMs: number;
}

/** What a process tells: its totals so far, the report of a failed run, or the faults of a run. */
type Message = { totals: Totals } | { failure: string } | { struck: readonly string[] };

/** Runs that a process makes between two messages. */
const RUNS_PER_MESSAGE = 20;

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 10_000;

/** Less than this is not worth another process, which takes seconds to start. */
const LEAST_SEEDS = 60;

const program = new URL("run.ts", import.meta.url).pathname;

const none = (): Totals => ({
  runs: 0,
  faults: 0,
  requests: 0,
  deliveries: 0,
  events: 0,
  cpuMs: 0,
});

/**
 * Runs seeds, in several processes if there are many.
 *
 * @returns the exit code: 0 when no run breaks a guarantee, each seed has run (with a time limit,
 *   at least one), and each fault of `only` has struck
 */
export async function runSeeds(options: SeedsOptions): Promise<number> {
  const { part, count, workers, trace, hashes, only, limitMs } = options;
  if (part) return runPart(options, part, tell);
  const isTold = trace || hashes || only !== undefined;
  const startedMs = performance.now();
  const parts = new Map<number, Totals>();
  const unstruck = new Set<string>(only);
  let failures = 0;
  let printedMs = startedMs;
  const onMessage = (message: Message, of: number): boolean => {
    if ("failure" in message) {
      failures++;
      console.log(message.failure);
      return options.all;
    }
    if ("struck" in message) {
      for (const id of message.struck) unstruck.delete(id);
      return true;
    }
    parts.set(of, message.totals);
    if (performance.now() - printedMs > PROGRESS_MS) {
      printedMs = performance.now();
      console.log(summary([...parts.values()], startedMs));
    }
    return true;
  };
  let isWhole = true;
  if (isTold || count < LEAST_SEEDS || workers === 1) {
    await runPart(options, { part: 0, of: 1 }, (message) => onMessage(message, 0));
  } else {
    isWhole = await workTogether<Message>(program, options.args, { workers, onMessage });
  }
  const totals = [...parts.values()];
  const runs = sumOf(totals, "runs");
  const isEnough = runs === count || (limitMs !== undefined && runs > 0);
  console.log(
    [
      summary(totals, startedMs),
      ...(isWhole ? [] : ["ended early"]),
      ...(runs === count ? [] : [`${runs} of ${count} seeds ran${withinOf(limitMs)}`]),
      ...(unstruck.size === 0 ? [] : [`did not strike: ${[...unstruck].join(",")}`]),
      endOf(runs, failures),
    ].join("; "),
  );
  return failures === 0 && isWhole && isEnough && unstruck.size === 0 ? 0 : 1;
}

/** Runs the seeds of one process. */
async function runPart(
  options: SeedsOptions,
  { part, of }: Part,
  onMessage: (message: Message) => unknown,
): Promise<number> {
  const { first, count, kinds, only, limitMs = Number.POSITIVE_INFINITY } = options;
  const totals = none();
  for (let seed = first + part; seed < first + count; seed += of) {
    if (performance.now() > limitMs) break;
    const commands = options.hashes ? noteCommands() : [];
    const result = await simulate({ seed, kinds, only });
    if (options.trace) console.log(result.history.trace.join("\n"));
    if (options.hashes) console.log(`${seed} ${hashOfLines(linesOf(result, commands))}`);
    add(totals, result);
    if (only) await onMessage({ struck: result.history.struck.map(({ id }) => id) });
    if (result.violations.length > 0) {
      await onMessage({ failure: await reportOf(result, options) });
      if (!options.all) break;
    }
    if (totals.runs % RUNS_PER_MESSAGE === 0) onMessage({ totals });
  }
  await onMessage({ totals });
  return 0;
}

function add(totals: Totals, { history, end }: RunResult): void {
  totals.runs++;
  totals.faults += history.struck.length;
  totals.requests += end.requests.length;
  totals.deliveries += end.deliveries.length;
  totals.events += history.published.length;
  const { user, system } = process.cpuUsage();
  totals.cpuMs = (user + system) / 1_000;
}

const sumOf = (parts: readonly Totals[], name: keyof Totals) =>
  parts.reduce((total, one) => total + one[name], 0);

function summary(parts: readonly Totals[], startedMs: number): string {
  const names = ["runs", "faults", "requests", "deliveries", "events"] as const;
  const counts = names.map((name) => `${sumOf(parts, name)} ${name}`);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const each = (sumOf(parts, "cpuMs") / Math.max(1, sumOf(parts, "runs"))).toFixed(0);
  return `${counts.join(", ")} in ${seconds} s (${each} ms of processor time a run)`;
}

const withinOf = (limitMs: number | undefined) =>
  limitMs === undefined ? "" : ` within ${limitMs / 1_000} s`;

function endOf(runs: number, failures: number): string {
  if (failures > 0) return `${failures} seeds break a guarantee`;
  return runs > 0 ? "no guarantee was broken" : "nothing is known of the guarantees";
}

async function reportOf(failed: RunResult, options: SeedsOptions): Promise<string> {
  if (options.all) return headOf(failed);
  const isShort = options.only !== undefined || options.unshrunk;
  const { seed, history, violations } = isShort ? failed : await shrink(failed);
  const faults = history.struck.map(({ id }) => id).join(",") || "none";
  const defect = options.defect ? ` --defect ${options.defect}` : "";
  const version = options.with ? ` --with ${options.with}` : "";
  return [
    headOf({ seed, violations }),
    `with the faults ${faults}`,
    "the run:",
    ...history.trace.map((line) => `  ${line}`),
    `again: npm run simulate -- --seed ${seed} --seeds 1 --only "${faults}"${defect}${version} --trace`,
  ].join("\n");
}

const headOf = ({ seed, violations }: Pick<RunResult, "seed" | "violations">) =>
  [
    `seed ${seed} breaks:`,
    ...violations.map(({ guarantee, text }) => `  ${guarantee}: ${text}`),
  ].join("\n");
