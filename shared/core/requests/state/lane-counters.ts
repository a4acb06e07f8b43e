import type { Category } from "../../../contracts/pace.ts";
import { gapMs } from "../../pace/account-gap.ts";
import { afterTake } from "../../pace/after-take.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import { noUsage, restartWarmUp, withoutTake } from "../../pace/usage.ts";
import type { BlockedTime, CategoryTake, Lane, LaneCounters, RequestRecord } from "./record.ts";

/** The counters of a lane from which nothing was taken. */
export const noCounters: LaneCounters = { usage: noUsage, highInARow: 0, blocked: {} };

/** The lane's counters without the takes that were given back, and with a new warm-up after a restriction. */
export function currentCounters({ counters, givenBack, restrictedMs = 0 }: Lane): LaneCounters {
  const usage = givenBack.reduce(withoutTake, counters.usage);
  const { warmUpStartedMs } = usage;
  const mustRestart = warmUpStartedMs !== undefined && warmUpStartedMs <= restrictedMs;
  return { ...counters, usage: mustRestart ? restartWarmUp(usage) : usage };
}

/**
 * Counts a request that was taken from the lane. A login counts against no limit.
 *
 * @param eligibleSinceMs when it began to wait; absent where that is not known
 */
export function withTaken(
  counters: LaneCounters,
  { requestId, category = "other", takenMs, isHigh, isLogin }: RequestRecord,
  settings: PaceSettings,
  eligibleSinceMs = takenMs,
): LaneCounters {
  if (takenMs === undefined || eligibleSinceMs === undefined) return counters;
  const take = { category, atMs: takenMs, eligibleSinceMs };
  return {
    ...counters,
    usage: isLogin ? counters.usage : afterTake(settings, counters.usage, take),
    lastTaken: { requestId, atMs: takenMs },
    highInARow: isHigh ? counters.highInARow + 1 : 0,
  };
}

/** What `withTaken` has counted for a request; `undefined` where it counts against no limit. */
export function takeOf({
  category = "other",
  takenMs,
  isLogin,
}: RequestRecord): CategoryTake | undefined {
  return takenMs === undefined || isLogin ? undefined : { category, atMs: takenMs };
}

/** The gap that follows the answer to the request that is taken next: the draw after its take, as the forecast knows it. */
export function gapAfterTake(settings: PaceSettings, { usage }: LaneCounters): number {
  const { takeCounts } = usage;
  return gapMs(settings, { takeCounts: { ...takeCounts, any: (takeCounts.any ?? 0) + 1 } });
}

/** How long the category was blocked until `atMs`, in total. A block that is known to end later counts until then. */
export function blockedUntil({ blocked }: LaneCounters, category: Category, atMs: number): number {
  const known = blocked[category];
  return known ? totalAt(known, atMs) : 0;
}

function totalAt({ totalMs, sinceMs, untilMs }: BlockedTime, atMs: number): number {
  return totalMs + Math.max(0, Math.min(atMs, untilMs) - sinceMs);
}

/** How long the request's category has been blocked until `atMs` since the request joined its lane. */
export function blockedSinceJoin(
  { category = "other", blockedAtJoinMs = 0 }: RequestRecord,
  counters: LaneCounters,
  atMs: number,
): number {
  return Math.max(0, blockedUntil(counters, category, atMs) - blockedAtJoinMs);
}

/** How long a request has waited in its lane, without the time in which its category was blocked. */
export function countedWaitMs(
  request: RequestRecord,
  counters: LaneCounters,
  nowMs: number,
): number {
  const { joinedMs = nowMs } = request;
  return Math.max(0, nowMs - joinedMs - blockedSinceJoin(request, counters, nowMs));
}

/**
 * Notes which categories are blocked from now on.
 *
 * @param untilMs until when, by category; those that are absent are not blocked
 */
export function withBlocks(
  counters: LaneCounters,
  untilMs: ReadonlyMap<Category, number>,
  nowMs: number,
): LaneCounters {
  const known = Object.keys(counters.blocked) as Category[];
  const blocked = [...new Set([...known, ...untilMs.keys()])].map((category) => {
    const until = Math.max(nowMs, untilMs.get(category) ?? nowMs);
    const totalMs = blockedUntil(counters, category, nowMs);
    return [category, { totalMs, sinceMs: nowMs, untilMs: until }] as const;
  });
  return { ...counters, blocked: Object.fromEntries(blocked) };
}
