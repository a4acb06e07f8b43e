import type { Category } from "../../contracts/pace.ts";
import { eligibleFrom, type Wait } from "./eligibility.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { readLedgerFor } from "./spread.ts";
import type { Ledger, Usage } from "./usage.ts";

/** A request that waits in a lane. */
export interface WaitingRequest {
  id: string;
  category: Category;
  /** Of high priority. */
  isHigh: boolean;
  /** Its place in the lane. */
  position: number;
  /** It keeps the account's gap, and neither hours nor limits. */
  isUnlimited?: boolean | undefined;
  /** The end of the pause of its category. */
  notBeforeMs?: number | undefined;
}

/** What decides when a request may be submitted. */
type Timing = Pick<WaitingRequest, "category" | "isUnlimited" | "notBeforeMs">;

/** Requests of high priority in a row after which one of normal priority is next. */
export const MAX_HIGH_IN_A_ROW = 4;

export type NextChoice<Head> =
  | { kind: "take"; head: Head }
  /** `head` is the one that may be submitted first. */
  | { kind: "wait"; wait: Wait; head: Head }
  /** Nothing waits. */
  | { kind: "idle" };

/**
 * Chooses which of the heads is submitted now: high priority first, but after four of them one of
 * normal priority; then the lowest position. A category that may not be submitted now is overtaken.
 *
 * @param heads the first request of each category and priority
 * @param highInARow submissions of high priority since the last one of normal priority
 */
export function chooseNext<Head extends WaitingRequest>(
  settings: PaceSettings,
  usage: Usage,
  { heads, highInARow, nowMs }: { heads: readonly Head[]; highInARow: number; nowMs: number },
): NextChoice<Head> {
  const ledger = readLedgerFor(settings, usage);
  return choose(heads, { highInARow, nowMs }, (head) => waitOf(settings, ledger, head, nowMs));
}

/** When this request may be submitted, from `nowMs` on; the account's gap is not part of it. */
export function waitOf(
  settings: PaceSettings,
  ledger: Ledger,
  { category, isUnlimited, notBeforeMs = 0 }: Timing,
  nowMs: number,
): Wait {
  if (isUnlimited) return { atMs: nowMs, waitsFor: "now" };
  const wait = eligibleFrom(settings, ledger, category, Math.max(nowMs, notBeforeMs));
  return wait.waitsFor === "now" && notBeforeMs > nowMs ? { ...wait, waitsFor: "budget" } : wait;
}

export function choose<Head extends WaitingRequest>(
  heads: readonly Head[],
  { highInARow, nowMs }: { highInARow: number; nowMs: number },
  eligibleAt: (head: Head) => Wait,
): NextChoice<Head> {
  const isNormalFirst = highInARow >= MAX_HIGH_IN_A_ROW;
  const rank = ({ isHigh }: Head) => (isHigh === isNormalFirst ? 1 : 0);
  let best: { head: Head; wait: Wait } | undefined;
  for (const head of heads) {
    const found = eligibleAt(head);
    const wait: Wait = found.atMs <= nowMs ? { ...found, atMs: nowMs } : found;
    // Infinity minus infinity is no number, so that the rank decides.
    const difference = best
      ? wait.atMs - best.wait.atMs ||
        rank(head) - rank(best.head) ||
        head.position - best.head.position
      : -1;
    if (difference < 0) best = { head, wait };
  }
  if (!best) return { kind: "idle" };
  return best.wait.atMs <= nowMs
    ? { kind: "take", head: best.head }
    : { kind: "wait", wait: best.wait, head: best.head };
}
