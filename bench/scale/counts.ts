import type { Measured } from "../cost/measure.ts";
import type { Part } from "../cost/prices.ts";
import { shortName } from "../run/measured-units.ts";

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
