import { draw } from "./draw.ts";
import type { PaceSettings } from "./pace-settings.ts";
import type { Usage } from "./usage.ts";

/** The account's gap between the answer to its last submission and the next submission. */
export function gapMs(settings: PaceSettings, { takeCounts }: Pick<Usage, "takeCounts">): number {
  return Math.round(drawGapMs(settings, draw(settings.seed, "gap", takeCounts.any ?? 0)));
}

/** A gap of this pace. @param random a number from 0 to 1 */
export function drawGapMs(
  { minGapMs, maxGapMs }: Pick<PaceSettings, "minGapMs" | "maxGapMs">,
  random: number,
): number {
  return minGapMs + random * (maxGapMs - minGapMs);
}
