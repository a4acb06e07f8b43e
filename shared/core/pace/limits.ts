import type { LimitCategory } from "../../contracts/pace.ts";
import type { PaceLimit, PaceSettings } from "./pace-settings.ts";
import { countSince, timeOfOldest } from "./takes.ts";
import type { Ledger } from "./usage.ts";
import { DAY_MS, windowMs } from "./windows.ts";

/**
 * The limit's maximum at this time: lower while the account warms up, when each day adds the same
 * part; at least 1, unless it is 0.
 */
export function maxAt(
  limit: PaceLimit,
  { warmUp }: PaceSettings,
  { warmUpStartedMs }: Pick<Ledger, "warmUpStartedMs">,
  atMs: number,
): number {
  if (!warmUp || limit.isProviderLimit || limit.max === 0) return limit.max;
  const days = daysSince(warmUpStartedMs, atMs);
  if (days >= warmUp.days) return limit.max;
  const part = warmUp.from + ((1 - warmUp.from) * days) / warmUp.days;
  return Math.max(1, Math.floor(limit.max * part + 1e-9));
}

/** When the maximum grows next; infinity when it does not. */
function nextGrowthMs(
  limit: PaceLimit,
  { warmUp }: PaceSettings,
  { warmUpStartedMs }: Pick<Ledger, "warmUpStartedMs">,
  atMs: number,
): number {
  const days = daysSince(warmUpStartedMs, atMs);
  if (!warmUp || limit.isProviderLimit || warmUpStartedMs === undefined || days >= warmUp.days) {
    return Number.POSITIVE_INFINITY;
  }
  return warmUpStartedMs + (days + 1) * DAY_MS;
}

function daysSince(startedMs: number | undefined, atMs: number): number {
  return startedMs === undefined ? 0 : Math.max(0, Math.floor((atMs - startedMs) / DAY_MS));
}

/** The submissions that a limit counts at this time. */
export function usedAt({ category, per }: PaceLimit, { takes }: Ledger, atMs: number): number {
  return countSince(takes[category] ?? [], atMs - windowMs[per]);
}

/** The earliest time from `atMs` at which the limit allows a submission; infinity for a limit of 0. */
export function freeFrom(
  limit: PaceLimit,
  settings: PaceSettings,
  ledger: Ledger,
  atMs: number,
): number {
  if (limit.max === 0) return Number.POSITIVE_INFINITY;
  const lengthMs = windowMs[limit.per];
  const takes = ledger.takes[limit.category] ?? [];
  let freeMs = atMs;
  for (;;) {
    const excess =
      countSince(takes, freeMs - lengthMs) + 1 - maxAt(limit, settings, ledger, freeMs);
    if (excess <= 0) return freeMs;
    const expiresMs = timeOfOldest(takes, freeMs - lengthMs, excess) + lengthMs;
    freeMs = Math.min(expiresMs, nextGrowthMs(limit, settings, ledger, freeMs));
  }
}

export function limitsOf({ limits }: PaceSettings, category: LimitCategory): readonly PaceLimit[] {
  return limits.filter((limit) => limit.category === category);
}
