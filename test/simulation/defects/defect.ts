import type { SourcePatch } from "../hooks.ts";

/** A defect that is planted in the product's source while it is loaded, and never on the disk. */
export interface Defect {
  name: string;
  /** What it breaks. */
  breaks: string;
  patches: readonly SourcePatch[];
}

/**
 * Makes a defect of several changes: of a rule and of its second safeguard, without which each
 * of them keeps the other's absence from doing harm.
 */
export const defectOf = (
  name: string,
  breaks: string,
  ...patches: readonly (readonly [file: string, find: string, replace: string])[]
): Defect => ({
  name,
  breaks,
  patches: patches.map(([file, find, replace]) => ({ file, find, replace })),
});

/** Makes a defect of one change. */
export const defect = (
  name: string,
  breaks: string,
  ...[file, find, replace]: readonly [file: string, find: string, replace: string]
): Defect => defectOf(name, breaks, [file, find, replace]);
