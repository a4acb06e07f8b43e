import { createHash } from "node:crypto";
import { watchAwsCalls } from "./sdk/simulated-client.ts";
import type { RunResult } from "./simulate.ts";

/** What the history keeps with its contents, beside the trace. */
const parts = ["calls", "webhooks", "submissions", "posts", "published"] as const;

/** From now on, notes the name of each command of an AWS client, with a digest of its input. */
export function noteCommands(): readonly string[] {
  const noted: string[] = [];
  watchAwsCalls((name, input) => {
    noted.push(`${name} ${digestOf(input)}`);
  });
  return noted;
}

/**
 * Everything that happened in a run, one line for each thing: the trace, the commands with their
 * inputs, and what clients, providers and the bus were told.
 *
 * @param commands what `noteCommands` has noted of the run
 */
export function linesOf(
  { history }: Pick<RunResult, "history">,
  commands: readonly string[],
): string[] {
  const told = parts.flatMap((name) => {
    const entries: readonly unknown[] = history[name];
    return entries.map((one) => `${name} ${digestOf(one)}`);
  });
  return [...history.trace, ...commands, ...told];
}

export const hashOfLines = (lines: readonly string[]): string =>
  createHash("sha256").update(lines.join("\n")).digest("hex");

/** A line that differs, from 1, and what it is in each run; `undefined`: the run is over. */
export interface Difference {
  line: number;
  texts: readonly [string | undefined, string | undefined];
}

/** The first line in which two runs differ. */
export function firstDifference(
  one: readonly string[],
  other: readonly string[],
): Difference | undefined {
  const count = Math.max(one.length, other.length);
  for (let at = 0; at < count; at++) {
    if (one[at] !== other[at]) return { line: at + 1, texts: [one[at], other[at]] };
  }
  return undefined;
}

function digestOf(value: unknown): string {
  const text = JSON.stringify(value, (_, one) => (one instanceof Set ? [...one] : one));
  return createHash("sha256").update(String(text)).digest("hex").slice(0, 16);
}
