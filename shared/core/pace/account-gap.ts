import { draw } from "./draw.ts";
import type { PaceSettings } from "./pace-settings.ts";
import type { Usage } from "./usage.ts";

/** The account's gap between the answer to its last submission and the next submission. */
export function gapMs(
  { minGapMs, maxGapMs, seed }: PaceSettings,
  { takeCounts }: Pick<Usage, "takeCounts">,
): number {
  return Math.round(minGapMs + draw(seed, "gap", takeCounts.any ?? 0) * (maxGapMs - minGapMs));
}
