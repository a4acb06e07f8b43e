import { readdirSync, readFileSync } from "node:fs";

/** Processor seconds of a process, user and system. */
export interface ProcessTime {
  pid: number;
  /** `local run`, or the name of the function whose code the process runs. */
  name: string;
  seconds: number;
}

/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100;

/**
 * Reads the processor time of a process and of its children, by the function that each child runs.
 *
 * @throws Error where there is no `/proc`
 */
export function processTimes(pid: number): ProcessTime[] {
  return allStats()
    .filter((one) => one.pid === pid || one.parent === pid)
    .map((one) => ({
      pid: one.pid,
      name: one.pid === pid ? "local run" : (functionOf(one.pid) ?? "other"),
      seconds: one.seconds,
    }));
}

/** Returns the ids of the children of a process. */
export function childrenOf(pid: number): number[] {
  return allStats().flatMap((one) => (one.parent === pid ? [one.pid] : []));
}

/**
 * Reads the processor seconds of a process and, unless it is alone, of everything below it, what has
 * ended included.
 *
 * @throws Error where there is no `/proc`
 */
export function processorSeconds(pid: number, { isAlone = false } = {}): number {
  const all = allStats();
  const treeSeconds = (root: number): number => {
    const own = all.find((one) => one.pid === root);
    const below = all.filter(({ parent }) => parent === root);
    const sum = (own?.seconds ?? 0) + (own?.endedSeconds ?? 0);
    return below.reduce((total, child) => total + treeSeconds(child.pid), sum);
  };
  return isAlone ? (all.find((one) => one.pid === pid)?.seconds ?? 0) : treeSeconds(pid);
}

function allStats() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => readStat(Number(name)) ?? []);
}

/** Processor seconds since `before`, by name. A process that has ended meanwhile does not count. */
export function secondsSince(
  before: readonly ProcessTime[],
  now: readonly ProcessTime[],
): ReadonlyMap<string, number> {
  const earlier = new Map(before.map(({ pid, seconds }) => [pid, seconds]));
  const sums = new Map<string, number>();
  for (const { pid, name, seconds } of now) {
    sums.set(name, (sums.get(name) ?? 0) + seconds - (earlier.get(pid) ?? 0));
  }
  return sums;
}

interface Stat {
  pid: number;
  parent: number;
  seconds: number;
  /** Of children that have ended and were waited for. */
  endedSeconds: number;
}

function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name of the command, in parentheses, may contain spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return {
    pid,
    parent: Number(fields[1]),
    seconds: (user + system) / TICKS_PER_SECOND,
    endedSeconds: (endedUser + endedSystem) / TICKS_PER_SECOND,
  };
}

function functionOf(pid: number): string | undefined {
  const name = /AWS_LAMBDA_FUNCTION_NAME=([^\0]*)/.exec(read(`/proc/${pid}/environ`) ?? "")?.[1];
  return name?.split("-").at(-1);
}

/** Returns nothing for a process that has ended. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
