import { categories } from "../../contracts/pace.ts";
import { toIso } from "../clock.ts";
import { limitBudgets } from "../pace/budget.ts";
import { waitOf } from "../pace/choose-next.ts";
import { isOpen, nextOpening } from "../pace/hours.ts";
import type { PaceSettings } from "../pace/pace-settings.ts";
import { readLedgerFor } from "../pace/spread.ts";
import { currentCounters, noCounters } from "../requests/state/lane-counters.ts";
import type { Lane } from "../requests/state/record.ts";

/** What an account has used of its limits, as the API returns it. */
export function budgetView(settings: PaceSettings, lane: Lane | undefined, nowMs: number) {
  const { usage } = lane ? currentCounters(lane) : noCounters;
  const { hours } = settings;
  const isOpenNow = isOpen(hours, nowMs);
  const gapEndMs = lane?.nextSubmissionNotBeforeMs ?? 0;
  const isInGap = gapEndMs > nowMs;
  const ledger = readLedgerFor(settings, usage);
  return {
    limits: limitBudgets(settings, usage, nowMs).map(({ availableAtMs, ...limit }) => ({
      ...limit,
      availableAt: toIsoIfFinite(availableAtMs),
    })),
    categories: categories.map((category) => {
      const next = { category, notBeforeMs: lane?.categoryPauses[category]?.untilMs };
      // The worker chooses when the gap has ended.
      const { atMs, waitsFor } = waitOf(settings, ledger, next, Math.max(nowMs, gapEndMs));
      return {
        category,
        nextAt: toIsoIfFinite(atMs),
        waitsFor: waitsFor === "now" && isInGap ? ("pace" as const) : waitsFor,
      };
    }),
    hours,
    isOpen: isOpenNow,
    opensAt: isOpenNow ? undefined : toIsoIfFinite(nextOpening(hours, nowMs)),
    warmUpStartedAt: toIso(usage.warmUpStartedMs),
    nextSubmissionNotBefore: isInGap ? toIso(gapEndMs) : undefined,
  };
}

function toIsoIfFinite(ms: number): string | undefined {
  return Number.isFinite(ms) ? toIso(ms) : undefined;
}
