import type { SourcePatch } from "../hooks.ts";

/** A defect that is planted in the product's source while it is loaded, and never on the disk. */
export interface Defect {
  name: string;
  /** What it breaks. */
  breaks: string;
  patches: readonly SourcePatch[];
}

/** Makes a defect of one change. */
export const defect = (
  name: string,
  breaks: string,
  ...[file, find, replace]: readonly [file: string, find: string, replace: string]
): Defect => ({ name, breaks, patches: [{ file, find, replace }] });
