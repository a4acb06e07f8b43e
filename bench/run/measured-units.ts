import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";
import type { LocalFile } from "../../local/run/local-file.ts";

export async function billedUnits({ consoleUrl }: LocalFile): Promise<BilledUnit[]> {
  const response = await fetch(`${consoleUrl}/billed-units`);
  return (await response.json()) as BilledUnit[];
}

const keyOf = ({ caller, operation, item, resource = "" }: BilledUnit) =>
  `${caller} ${operation} ${item} ${resource}`;

/** Returns the units of `after` beyond those of `before`. */
export function unitsSince(
  before: readonly BilledUnit[],
  after: readonly BilledUnit[],
): BilledUnit[] {
  const known = new Map(before.map((row) => [keyOf(row), row.units]));
  return after
    .map((row) => ({ ...row, units: row.units - (known.get(keyOf(row)) ?? 0) }))
    .filter(({ units }) => units > 0);
}

/** Whether `reconcile` caused it, which runs once a minute whatever happens. */
export const isSweep = ({ caller }: BilledUnit) => /^AckwireReconcile/.test(caller);
const isSweepStart = ({ caller, item }: BilledUnit) =>
  caller === "scheduler" && item === "scheduler.invocation";

/**
 * Returns what an idle stack is billed for one sweep.
 *
 * @throws Error if no sweep was seen
 */
export function idlePerSweep(rows: readonly BilledUnit[]): BilledUnit[] {
  const sweeps = countSweeps(rows);
  if (sweeps === 0) throw new Error("no sweep ran while the stack was idle");
  return rows
    .filter((row) => isSweep(row) || isSweepStart(row))
    .map((row) => ({ ...row, units: row.units / sweeps }));
}

/** How often `reconcile` has run. */
export function countSweeps(rows: readonly BilledUnit[]): number {
  const starts = rows.filter((row) => isSweep(row) && row.item === "lambda.request");
  return starts.reduce((sum, { units }) => sum + units, 0);
}

/**
 * Returns what a load of `count` is billed for one of it. It omits calls of the load itself,
 * receives without a message, which depend on time, and what as many idle sweeps are billed.
 *
 * @param queues the queues of the stack: a queue that the load attaches to the bus is its own
 */
export function unitsPerOne(
  rows: readonly BilledUnit[],
  of: { count: number; idle: readonly BilledUnit[]; queues: ReadonlySet<string> },
): BilledUnit[] {
  const sweeps = countSweeps(rows);
  const idle = new Map(of.idle.map((row) => [keyOf(row), row.units * sweeps]));
  return rows
    .filter(({ caller, item }) => caller !== "other" && item !== "sqs.emptyReceive")
    .filter(({ caller, item, resource = "" }) =>
      caller === "events" && item === "sqs.request" ? of.queues.has(resource) : true,
    )
    .map((row) => ({ ...row, units: (row.units - (idle.get(keyOf(row)) ?? 0)) / of.count }))
    .filter(({ units }) => units > 0);
}

/** Shortens the names of functions, tables, queues and the bus, which are logical ids. */
export function shortName(name: string): string {
  return name
    .replace(/^Ackwire(\w+?)Function[0-9A-F]{8}$/, (_, of: string) => of.toLowerCase())
    .replace(/^.*EventBus[0-9A-F]{8}$/, "bus")
    .replace(/^Ackwire(\w+?)(Table|Queue)[0-9A-F]{8}/, "$1");
}
