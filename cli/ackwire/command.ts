import type { Options } from "yargs";
import type { Place } from "./place.ts";
import { UsageError } from "./usage-error.ts";

/** An option of a command line, as its library takes it. */
export type Option = Options;

/** The values of a command's options and positional arguments, by name. */
export type Values = Readonly<Record<string, unknown>>;

/** What a command answers: data for programs, and lines for people. */
export interface Shown {
  data: unknown;
  /** @param width columns of the terminal; absent: as wide as the content */
  lines(width?: number): string[];
}

/** One command, as data: the command line, its help and its completion are built from it. */
export interface Command {
  /** The words of the command, such as `dlq show`. */
  words: string;
  summary: string;
  /** It also runs when only its first word is given. */
  isDefault?: true;
  /** In the order of the command line; `[NAME]` is optional. */
  positionals: readonly { name: string; isOptional?: boolean; describe?: string }[];
  options: Readonly<Record<string, Option>>;
  /** Command lines without `ackwire`. */
  examples: readonly string[];
  /** Its options are those of another program, and are passed on as they are. */
  passesOptions?: true;
  /**
   * Runs the command. What it prints itself goes to the standard output while it runs.
   *
   * @returns what is left to print; `undefined`: nothing
   */
  run(values: Values, place: () => Promise<Place>): Promise<Shown | undefined>;
}

export { UsageError };

/** A text option that must be there. @throws UsageError */
export function textOf(values: Values, name: string): string {
  const value = values[name];
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(`--${name} is missing`);
}

/** A text option that may be absent. */
export function optionalTextOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
