import type { Category } from "../../contracts/pace.ts";
import { nextOpening } from "./hours.ts";
import { freeFrom, limitsOf } from "./limits.ts";
import type { PaceLimit, PaceSettings } from "./pace-settings.ts";
import { readLedgerFor } from "./spread.ts";
import type { Ledger, Usage } from "./usage.ts";

/** When a category may be submitted, and what decides that time. */
export interface Wait {
  /** Epoch milliseconds. Not after the time that was asked about: now. Infinity: never. */
  atMs: number;
  waitsFor: "now" | "pace" | "hours" | "budget";
  /** The limit whose budget is used up. */
  limit?: PaceLimit;
}

/** When the category may be submitted by hours, budgets, spread and cool-down; the account's gap is not part of it. */
export function whenEligible(
  settings: PaceSettings,
  usage: Usage,
  category: Category,
  nowMs: number,
): Wait {
  return eligibleFrom(settings, readLedgerFor(settings, usage), category, nowMs);
}

/** Rounds after which the earliest time is taken as found; each moves it later. */
const MAX_ROUNDS = 100;

export function eligibleFrom(
  settings: PaceSettings,
  ledger: Ledger,
  category: Category,
  nowMs: number,
): Wait {
  const dueMs = Math.max(ledger.nextMs[category] ?? 0, ledger.nextMs.any ?? 0);
  let wait: Wait =
    dueMs > nowMs ? { atMs: dueMs, waitsFor: "pace" } : { atMs: nowMs, waitsFor: "now" };
  const limits = [...limitsOf(settings, category), ...limitsOf(settings, "any")];
  for (let round = 0; round < MAX_ROUNDS && Number.isFinite(wait.atMs); round += 1) {
    const { atMs } = wait;
    for (const limit of limits) {
      const freeMs = freeFrom(limit, settings, ledger, wait.atMs);
      if (freeMs > wait.atMs) wait = { atMs: freeMs, waitsFor: "budget", limit };
    }
    const opensMs = nextOpening(settings.hours, wait.atMs);
    if (opensMs > wait.atMs) wait = { atMs: opensMs, waitsFor: "hours" };
    if (wait.atMs === atMs) break;
  }
  return wait;
}
