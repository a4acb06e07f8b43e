import type { LimitWindow } from "../../contracts/pace.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The length of each rolling window. */
export const windowMs: Readonly<Record<LimitWindow, number>> = {
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
};
