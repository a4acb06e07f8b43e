import type { Measured } from "../cost/measure.ts";
import type { Part } from "../cost/prices.ts";
import type { Result } from "../goals/results.ts";
import { shortName } from "../run/measured-units.ts";

/** Units of one event, delivery or request: one row for each item, caller and resource. */
export interface Count {
  item: string;
  caller: string;
  /** A queue, or a table with its index after a slash; empty for other items. */
  resource: string;
  units: number;
}

/** Returns the raw counts of one, by item, caller and resource, for a file of results. */
export function countsOf({ perOne }: Measured, part: Part): Record<string, number[]> {
  const counts: Record<string, number[]> = {};
  for (const { item, caller, resource = "", units } of perOne[part]) {
    const [table = "", index] = resource.split("/");
    const of = index === undefined ? shortName(table) : `${shortName(table)}/${index}`;
    const key = [item, shortName(caller), of].join("; ");
    counts[key] = [(counts[key]?.[0] ?? 0) + units];
  }
  return counts;
}

/**
 * Reads what `countsOf` has written.
 *
 * @throws Error if the result has no counts of this part
 */
export function readCounts({ figures }: Result, part: Part): Count[] {
  const figure = figures.find(({ name }) => name.endsWith(` ${part}`));
  if (!figure?.samples) throw new Error(`bench/results has no counts of ${part}`);
  return Object.entries(figure.samples).map(([key, [units = 0]]) => {
    const [item = "", caller = "", resource = ""] = key.split("; ");
    return { item, caller, resource, units };
  });
}
