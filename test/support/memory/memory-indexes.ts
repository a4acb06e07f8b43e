/** A test may have the indexes of a store in memory stay as they are, as an eventually consistent index does for a while. */
export interface MemoryIndexes {
  freezeIndexes(): void;
  thawIndexes(): void;
}

/** Tells a simulation which sweeps it can leave out. */
export interface SweepTimes {
  /** The earliest time, business or real, at which a sweep finds anything. */
  nextSweepMs(): number;
}

/** The key of an index entry: its time, and what tells entries of the same time apart. */
type Key = readonly (number | string)[];

/** Compares two keys of one index, for a sort. */
export function order(one: Key, other: Key): number {
  for (const [index, value] of one.entries()) {
    const compared = other[index] ?? "";
    if (value !== compared) return value < compared ? -1 : 1;
  }
  return 0;
}

export function isBehind(one: Key, other: Key): boolean {
  return order(one, other) > 0;
}
