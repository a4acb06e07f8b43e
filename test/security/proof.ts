/** One figure with its goal. */
export interface Figure {
  name: string;
  value: number;
  goal: string;
  isReached: boolean;
  /** What keeps the goal from being reached, one line each. */
  shortfalls?: readonly string[];
}

/** The figures of one row of the security table in `docs/reliability.md`. */
export interface Proof {
  id: string;
  title: string;
  figures: readonly Figure[];
  /** What could not be measured here, with the reason. */
  skipped?: readonly string[];
}

export const atLeast = (name: string, value: number, least: number): Figure => ({
  name,
  value,
  goal: `at least ${count(least)}`,
  isReached: value >= least,
});

export const atMost = (name: string, value: number, most: number, unit = ""): Figure => ({
  name,
  value,
  goal: `at most ${count(most)}${unit}`,
  isReached: value <= most,
});

/** A figure that counts what must not be. */
export const none = (name: string, found: readonly string[]): Figure => ({
  name,
  value: found.length,
  goal: "0",
  isReached: found.length === 0,
  shortfalls: [...new Set(found)],
});

/**
 * Whether every goal is reached.
 *
 * @param options.allowsSkipped whether what could not be measured here counts as reached
 */
export const isProven = (
  { figures, skipped = [] }: Proof,
  { allowsSkipped = false }: { allowsSkipped?: boolean } = {},
): boolean =>
  figures.every(({ isReached }) => isReached) && (allowsSkipped || skipped.length === 0);

/** The proof as text: a line for each figure, and the first shortfalls. */
export function reportOf({ id, title, figures, skipped = [] }: Proof): string {
  const lines = figures.flatMap(({ name, value, goal, isReached, shortfalls = [] }) => [
    `  ${isReached ? "ok  " : "MISS"} ${name}: ${count(value)} (goal: ${goal})`,
    ...shortfalls.slice(0, 20).map((one) => `       ${one}`),
    ...(shortfalls.length > 20 ? [`       and ${shortfalls.length - 20} more`] : []),
  ]);
  return [`${id} ${title}`, ...lines, ...skipped.map((one) => `  skipped: ${one}`)].join("\n");
}

const count = (value: number) => value.toLocaleString("en-US");
