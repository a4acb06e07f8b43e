import { categories } from "../../contracts/pace.ts";
import { toIso } from "../clock.ts";
import { limitBudgets } from "../pace/budget.ts";
import { whenEligible } from "../pace/eligibility.ts";
import { isOpen, nextOpening } from "../pace/hours.ts";
import type { PaceSettings } from "../pace/pace-settings.ts";
import { currentCounters, noCounters } from "../requests/state/lane-counters.ts";
import type { Lane } from "../requests/state/record.ts";

/** What an account has used of its limits, as the API returns it. */
export function budgetView(settings: PaceSettings, lane: Lane | undefined, nowMs: number) {
  const { usage } = lane ? currentCounters(lane) : noCounters;
  const { hours } = settings;
  const isOpenNow = isOpen(hours, nowMs);
  const notBeforeMs = lane?.nextSubmissionNotBeforeMs ?? 0;
  return {
    limits: limitBudgets(settings, usage, nowMs).map(({ availableAtMs, ...limit }) => ({
      ...limit,
      availableAt: toIsoIfFinite(availableAtMs),
    })),
    categories: categories.map((category) => {
      const pausedUntilMs = lane?.categoryPauses[category]?.untilMs ?? 0;
      const fromMs = Math.max(nowMs, notBeforeMs, pausedUntilMs);
      const { atMs, waitsFor } = whenEligible(settings, usage, category, fromMs);
      const isPaused = waitsFor === "now" && pausedUntilMs > nowMs;
      const isInGap = waitsFor === "now" && notBeforeMs > nowMs;
      return {
        category,
        nextAt: toIsoIfFinite(atMs),
        waitsFor: isPaused ? ("budget" as const) : isInGap ? ("pace" as const) : waitsFor,
      };
    }),
    hours,
    isOpen: isOpenNow,
    opensAt: isOpenNow ? undefined : toIsoIfFinite(nextOpening(hours, nowMs)),
    warmUpStartedAt: toIso(usage.warmUpStartedMs),
    nextSubmissionNotBefore: notBeforeMs > nowMs ? toIso(notBeforeMs) : undefined,
  };
}

function toIsoIfFinite(ms: number): string | undefined {
  return Number.isFinite(ms) ? toIso(ms) : undefined;
}
