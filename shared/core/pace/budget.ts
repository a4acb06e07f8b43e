import type { LimitCategory, LimitWindow } from "../../contracts/pace.ts";
import { freeFrom, maxAt, usedAt } from "./limits.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { readLedger, type Usage } from "./usage.ts";

/** The state of one limit. */
export interface Budget {
  category: LimitCategory;
  per: LimitWindow;
  /** After the warm-up. */
  max: number;
  used: number;
  left: number;
  /** When this limit allows a submission: now or later; infinity where it allows none. */
  availableAtMs: number;
}

export function limitBudgets(settings: PaceSettings, usage: Usage, nowMs: number): Budget[] {
  const ledger = readLedger(usage);
  return settings.limits.map((limit) => {
    const max = maxAt(limit, settings, ledger, nowMs);
    const used = usedAt(limit, ledger, nowMs);
    const availableAtMs = freeFrom(limit, settings, ledger, nowMs);
    const { category, per } = limit;
    return { category, per, max, used, left: Math.max(0, max - used), availableAtMs };
  });
}
