import type { PaceSettings } from "../../../shared/core/pace/pace-settings.ts";

/** The gap of `settingsWith`. */
export const GAP_MS = 10_000;

/** Settings without limits, hours, warm-up and cool-downs, whose gap is always the same. */
export const settingsWith = (of: Partial<PaceSettings> = {}): PaceSettings => ({
  minGapMs: GAP_MS,
  maxGapMs: GAP_MS,
  limits: [],
  coolDowns: {},
  seed: "lane",
  ...of,
});
