import { readFileSync } from "node:fs";

/** A figure that has a goal, as one run of a bench measured it. */
export interface Figure {
  /** The row of the table, `P1` to `P9`. */
  id: string;
  /** Unique within its row. */
  name: string;
  value: number;
  /** Follows the number, such as `KB` or `× bare`. */
  unit: string;
  goal: Goal;
  /** The measurements that the value is computed from, by what was measured. */
  samples?: Readonly<Record<string, readonly number[]>>;
}

export type Goal = { atMost: number } | { atLeast: number };

/** An entry of `missed-goals.json`: a goal that is known to be missed. */
export interface MissedGoal {
  /** Id and name of the figure, with a space between them. */
  figure: string;
  reason: string;
  /** `YYYY-MM-DD`, when the reason was found. */
  date: string;
}

export const missedGoals = JSON.parse(
  readFileSync(new URL("../missed-goals.json", import.meta.url), "utf8"),
) as MissedGoal[];

export const keyOf = ({ id, name }: Pick<Figure, "id" | "name">): string => `${id} ${name}`;

/** A value that is not a number meets no goal. */
export function isMet({ value, goal }: Pick<Figure, "value" | "goal">): boolean {
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}

export type Verdict = { kind: "met" | "missed" } | { kind: "known"; entry: MissedGoal };

export function verdictOf(figure: Figure, entries: readonly MissedGoal[] = missedGoals): Verdict {
  if (isMet(figure)) return { kind: "met" };
  const entry = entries.find((one) => one.figure === keyOf(figure));
  return entry ? { kind: "known", entry } : { kind: "missed" };
}

/**
 * Returns the entries that can be removed: their goal is met, or their row was measured and has no
 * such figure.
 */
export function unneededEntries(
  figures: readonly Figure[],
  entries: readonly MissedGoal[] = missedGoals,
): MissedGoal[] {
  const measured = new Set(figures.map(({ id }) => id));
  const missed = new Set(figures.filter((figure) => !isMet(figure)).map(keyOf));
  return entries.filter(
    ({ figure }) => measured.has(figure.split(" ")[0] ?? "") && !missed.has(figure),
  );
}

export function goalText(goal: Goal, unit: string): string {
  return "atMost" in goal
    ? `at most ${withUnit(goal.atMost, unit)}`
    : `at least ${withUnit(goal.atLeast, unit)}`;
}

export function valueText({ value, unit }: Pick<Figure, "value" | "unit">): string {
  return withUnit(Number(value.toPrecision(value >= 100 ? 4 : 3)), unit);
}

function withUnit(value: number, unit: string): string {
  if (unit === "$") return `$${value.toFixed(2)}`;
  return unit === "" ? String(value) : `${value} ${unit}`;
}
