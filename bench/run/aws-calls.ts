import type { LocalFile } from "../../local/run/local-file.ts";
import type { Report } from "./report.ts";

type Counts = Record<string, { calls: number; entries: number }>;

export async function awsCalls({ consoleUrl }: LocalFile): Promise<Counts> {
  const response = await fetch(`${consoleUrl}/aws-calls`);
  return (await response.json()) as Counts;
}

const isSweep = (call: string) => /^(Ackwire)?Reconcile/.test(call);

/** Calls that are made without any request, and calls of the load itself. */
const isIdle = (call: string) => call.endsWith("(empty)") || call.startsWith("other ");

/**
 * Returns the calls of the functions and their pollers between two counts, for one of `count`:
 * without receives that gave nothing, without the sweeps of `reconcile`, which run once a minute
 * whatever happens, and without these operations.
 */
export function callsOfOne(of: {
  before: Counts;
  after: Counts;
  count: number;
  without?: readonly string[];
}): number {
  const { before, after, count, without = [] } = of;
  const work = Object.entries(after).filter(
    ([call]) =>
      !isIdle(call) &&
      !isSweep(call) &&
      !without.some((operation) => call.endsWith(` ${operation}`)),
  );
  return (
    work.reduce((sum, [call, { calls }]) => sum + calls - (before[call]?.calls ?? 0), 0) / count
  );
}

/**
 * What the functions and their pollers called between two counts, per
 * request or delivery. Receives that gave nothing are paid by time, not by those: they stand apart,
 * and so do the sweeps of `reconcile`, which run once a minute whatever happens.
 */
export function reportAwsCalls(
  report: Report,
  of: {
    before: Counts;
    after: Counts;
    /** What the calls are divided by, and what that is. */
    count: number;
    unit: string;
  },
): void {
  const { before, after, count, unit } = of;
  const rows = Object.entries(after)
    .map(([call, { calls, entries }]) => ({
      call: call.replace(/^Ackwire(\w+?)Function\w{8}/, "$1"),
      calls: calls - (before[call]?.calls ?? 0),
      entries: entries - (before[call]?.entries ?? 0),
    }))
    .filter(({ calls }) => calls > 0);
  const work = rows.filter(({ call }) => !isIdle(call));
  const sweeps = work.filter(({ call }) => isSweep(call));
  const sum = (of: typeof rows) => of.reduce((total, { calls }) => total + calls, 0);
  for (const { call, calls, entries } of work.toSorted((a, b) => b.calls - a.calls)) {
    const carried = entries > calls ? `, ${(entries / calls).toFixed(1)} in each` : "";
    report.figure(`  ${call}`, `${(calls / count).toFixed(3)}${carried}`);
  }
  report.figure(`billed AWS calls per ${unit}`, (sum(work) / count).toFixed(2));
  report.figure("  of them by reconcile", (sum(sweeps) / count).toFixed(2));
  report.figure(
    "receives without a message",
    sum(rows.filter(({ call }) => call.endsWith("(empty)"))),
  );
}
