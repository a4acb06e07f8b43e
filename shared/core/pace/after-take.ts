import type { Category, LimitCategory } from "../../contracts/pace.ts";
import { gapMs } from "./account-gap.ts";
import { eligibleFrom } from "./eligibility.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { nextDueMs, readLedgerFor } from "./spread.ts";
import { countTake, type Ledger, type Usage, writeLedger } from "./usage.ts";

/** A submission that is taken from its lane. */
export interface TakenRequest {
  category: Category;
  atMs: number;
  /** When it began to wait: when it joined its lane, or when the last pause of the lane ended if that was later. */
  eligibleSinceMs: number;
}

/** The usage with a submission counted, the next one drawn, and the warm-up begun. */
export function afterTake(settings: PaceSettings, usage: Usage, taken: TakenRequest): Usage {
  const before = readLedgerFor(settings, usage);
  const lateness = latenessAfter(settings, before, taken);
  return writeLedger({ ...ledgerAfterTake(settings, before, taken), ...lateness });
}

/** Leaves the lateness as it is. */
export function ledgerAfterTake(
  settings: PaceSettings,
  before: Ledger,
  { category, atMs }: Pick<TakenRequest, "category" | "atMs">,
): Ledger {
  const { warmUpStartedMs: started, ...rest } = countTake(before, settings, { category, atMs });
  const warmUp = settings.warmUp ? { warmUpStartedMs: started ?? atMs } : {};
  const ledger: Ledger = { ...rest, ...warmUp, lastTakeMs: atMs };
  const nextMs: Partial<Record<LimitCategory, number>> = {};
  for (const [key, dueMs] of Object.entries(ledger.nextMs)) {
    if (dueMs > atMs) nextMs[key as LimitCategory] = dueMs;
  }
  for (const counted of [category, "any"] as const) {
    const dueMs = nextDueMs(settings, ledger, counted, atMs);
    if (dueMs !== undefined) nextMs[counted] = dueMs;
  }
  return { ...ledger, nextMs };
}

/** Most submissions over which lateness is averaged. */
const MAX_LATENESS_COUNT = 64;

/** A longer lateness is a stoppage, which says nothing about the next submission. */
const MAX_LATENESS_MS = 3_600_000;

/**
 * Adds how long the lane stayed busy after the previous submission, beyond the gap, to the moving
 * average. That time is exact if this submission waited only for the lane. Otherwise the lane may
 * have been free earlier, and the time counts only if it is longer than the average.
 */
function latenessAfter(
  settings: PaceSettings,
  ledger: Ledger,
  { category, atMs, eligibleSinceMs }: TakenRequest,
): Pick<Ledger, "latenessMs" | "latenessCount"> {
  const { latenessMs = 0, latenessCount = 0, lastTakeMs } = ledger;
  const known = latenessCount === 0 ? {} : { latenessMs, latenessCount };
  if (lastTakeMs === undefined) return known;
  const gapEndMs = lastTakeMs + gapMs(settings, ledger);
  const { atMs: allowedMs } = eligibleFrom(settings, ledger, category, eligibleSinceMs);
  const lateMs = atMs - Math.max(gapEndMs, allowedMs);
  if (lateMs < 0 || lateMs > MAX_LATENESS_MS) return known;
  if (allowedMs > gapEndMs && lateMs <= latenessMs) return known;
  const count = Math.min(latenessCount + 1, MAX_LATENESS_COUNT);
  const averageMs = Math.round(latenessMs + (lateMs - latenessMs) / count);
  return { latenessMs: averageMs, latenessCount: count };
}
