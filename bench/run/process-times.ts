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
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const all = pids.flatMap((name) => readStat(Number(name)) ?? []);
  return all
    .filter((one) => one.pid === pid || one.parent === pid)
    .map((one) => ({
      pid: one.pid,
      name: one.pid === pid ? "local run" : (functionOf(one.pid) ?? "other"),
      seconds: one.seconds,
    }));
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

function readStat(pid: number): { pid: number; parent: number; seconds: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name of the command, in parentheses, may contain spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { pid, parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
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
