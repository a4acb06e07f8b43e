import type { Category } from "../../../contracts/pace.ts";
import { gapMs } from "../../pace/account-gap.ts";
import { afterTake } from "../../pace/after-take.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import { noUsage, restartWarmUp, withoutTake } from "../../pace/usage.ts";
import type { BlockedTime, Lane, LaneBudget, RequestRecord } from "./record.ts";

/** The budget of a lane from which nothing was taken. */
export const noBudget: LaneBudget = { usage: noUsage, highInARow: 0, blocked: {} };

/** The lane's budget without the takes that were given back, and with a new warm-up after a restriction. */
export function currentBudget({ budget, givenBack, restrictedMs = 0 }: Lane): LaneBudget {
  const usage = givenBack.reduce(withoutTake, budget.usage);
  const { warmUpStartedMs } = usage;
  const mustRestart = warmUpStartedMs !== undefined && warmUpStartedMs <= restrictedMs;
  return { ...budget, usage: mustRestart ? restartWarmUp(usage) : usage };
}

/**
 * Counts a request that was taken from the lane. A login counts against no limit.
 *
 * @param eligibleSinceMs when it began to wait; absent where that is not known
 */
export function withTaken(
  budget: LaneBudget,
  { requestId, category = "other", takenMs, isHigh, isLogin }: RequestRecord,
  settings: PaceSettings,
  eligibleSinceMs = takenMs,
): LaneBudget {
  if (takenMs === undefined || eligibleSinceMs === undefined) return budget;
  const take = { category, atMs: takenMs, eligibleSinceMs };
  return {
    ...budget,
    usage: isLogin ? budget.usage : afterTake(settings, budget.usage, take),
    lastTaken: { requestId, atMs: takenMs },
    highInARow: isHigh ? budget.highInARow + 1 : 0,
  };
}

/** The gap that follows the answer to the request that is taken next: the draw after its take, as the forecast knows it. */
export function gapAfterTake(settings: PaceSettings, { usage }: LaneBudget): number {
  const { takeCounts } = usage;
  return gapMs(settings, { takeCounts: { ...takeCounts, any: (takeCounts.any ?? 0) + 1 } });
}

/** How long the category was blocked until `atMs`, in total. A block that is known to end later counts until then. */
export function blockedUntil({ blocked }: LaneBudget, category: Category, atMs: number): number {
  const known = blocked[category];
  return known ? totalAt(known, atMs) : 0;
}

function totalAt({ totalMs, sinceMs, untilMs }: BlockedTime, atMs: number): number {
  return totalMs + Math.max(0, Math.min(atMs, untilMs) - sinceMs);
}

/** How long the request's category has been blocked until `atMs` since the request joined its lane. */
export function blockedSinceJoin(
  { category = "other", blockedAtJoinMs = 0 }: RequestRecord,
  budget: LaneBudget,
  atMs: number,
): number {
  return Math.max(0, blockedUntil(budget, category, atMs) - blockedAtJoinMs);
}

/** How long a request has waited in its lane, without the time in which its category was blocked. */
export function countedWaitMs(request: RequestRecord, budget: LaneBudget, nowMs: number): number {
  const { joinedMs = nowMs } = request;
  return Math.max(0, nowMs - joinedMs - blockedSinceJoin(request, budget, nowMs));
}

/**
 * Notes which categories are blocked from now on.
 *
 * @param untilMs until when, by category; those that are absent are not blocked
 */
export function withBlocks(
  budget: LaneBudget,
  untilMs: ReadonlyMap<Category, number>,
  nowMs: number,
): LaneBudget {
  const known = Object.keys(budget.blocked) as Category[];
  const blocked = [...new Set([...known, ...untilMs.keys()])].map((category) => {
    const until = Math.max(nowMs, untilMs.get(category) ?? nowMs);
    const totalMs = blockedUntil(budget, category, nowMs);
    return [category, { totalMs, sinceMs: nowMs, untilMs: until }] as const;
  });
  return { ...budget, blocked: Object.fromEntries(blocked) };
}
