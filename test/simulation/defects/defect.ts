import type { SourcePatch } from "../hooks.ts";

/** A defect that is planted in the product's source while it is loaded, and never on the disk. */
export interface Defect {
  name: string;
  /** What it breaks: a run that it breaks must break one of these guarantees. */
  guarantees: readonly string[];
  /** The same in words, after the guarantees. */
  breaks: string;
  patches: readonly SourcePatch[];
}

/**
 * Makes a defect of several changes: of a rule and of its second safeguard, without which each
 * of them keeps the other's absence from doing harm.
 *
 * @param breaks the guarantees and what they no longer hold against, such as `G1, G2: an ack is lost`
 */
export const defectOf = (
  name: string,
  breaks: string,
  ...patches: readonly (readonly [file: string, find: string, replace: string])[]
): Defect => ({
  name,
  guarantees: guaranteesIn(breaks),
  breaks,
  patches: patches.map(([file, find, replace]) => ({ file, find, replace })),
});

/** Makes a defect of one change. */
export const defect = (
  name: string,
  breaks: string,
  ...[file, find, replace]: readonly [file: string, find: string, replace: string]
): Defect => defectOf(name, breaks, [file, find, replace]);

function guaranteesIn(breaks: string): string[] {
  const [, listed] = /^(G\d+(?:, G\d+)*): ./.exec(breaks) ?? [];
  if (listed === undefined) throw new Error(`"${breaks}" names no guarantee`);
  return listed.split(", ");
}
