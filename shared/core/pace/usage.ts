import type { Category, LimitCategory } from "../../contracts/pace.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { addTake, readTakes, removeTake, type Takes, writeTakes } from "./takes.ts";
import { windowMs } from "./windows.ts";

/** What an account has submitted, as its lane stores it. Immutable. */
export interface Usage {
  /** The submissions that a window may count, as `writeTakes` writes them. */
  takes: Partial<Record<LimitCategory, string>>;
  /** When the next submission is due by the spread or the cool-down. */
  nextMs: Partial<Record<LimitCategory, number>>;
  /** All submissions ever; each one has its own draw. */
  takeCounts: Partial<Record<LimitCategory, number>>;
  /** When the last submission was taken. */
  lastTakeMs?: number;
  /** When the first submission of the warm-up was taken. */
  warmUpStartedMs?: number;
  /** Moving average of how long a lane stays busy after a submission, beyond the gap. */
  latenessMs?: number;
  /** Number of submissions in the average. */
  latenessCount?: number;
}

export const noUsage: Usage = { takes: {}, nextMs: {}, takeCounts: {} };

/** `Usage` with its takes parsed. */
export interface Ledger extends Omit<Usage, "takes"> {
  takes: Partial<Record<LimitCategory, Takes>>;
}

/** The ledger of each usage, which is immutable. */
const ledgers = new WeakMap<Usage, Ledger>();

export function readLedger(usage: Usage): Ledger {
  const known = ledgers.get(usage);
  if (known) return known;
  const { takes, ...rest } = usage;
  const read = mapValues(takes, (text) => readTakes(text, rest.lastTakeMs ?? 0));
  const ledger = { ...rest, takes: read };
  ledgers.set(usage, ledger);
  return ledger;
}

export function writeLedger(ledger: Ledger): Usage {
  const { takes, ...rest } = ledger;
  const usage = { ...rest, takes: mapValues(takes, writeTakes) };
  ledgers.set(usage, ledger);
  return usage;
}

/** How many takes are kept for a later limit where no limit counts them. */
const SPARE_ENTRIES = 24;

/** Most takes kept of one category; further ones are merged. */
const MAX_ENTRIES = 150;

/** The ledger with a submission of this category counted. */
export function countTake(
  ledger: Ledger,
  { limits }: PaceSettings,
  { category, atMs }: { category: Category; atMs: number },
): Ledger {
  const takes = { ...ledger.takes };
  const takeCounts = { ...ledger.takeCounts };
  for (const counted of [category, "any"] as const) {
    const own = limits.filter((limit) => limit.category === counted);
    takes[counted] = addTake(takes[counted] ?? [], atMs, {
      horizonMs: windowMs.month,
      windowsMs: own.map(({ per }) => windowMs[per]).toSorted((one, other) => one - other),
      maxEntries: Math.min(MAX_ENTRIES, SPARE_ENTRIES + Math.max(0, ...own.map(({ max }) => max))),
    });
    takeCounts[counted] = (takeCounts[counted] ?? 0) + 1;
  }
  return { ...ledger, takes, takeCounts };
}

/**
 * The usage without a submission that provably did not happen: its slot is free again. If it was
 * the last one, the next may be made at once.
 */
export function withoutTake(
  usage: Usage,
  { category, atMs }: { category: Category; atMs: number },
): Usage {
  const { takes, ...rest } = readLedger(usage);
  const without = { ...takes };
  const nextMs = { ...rest.nextMs };
  for (const counted of [category, "any"] as const) {
    const left = removeTake(takes[counted] ?? [], atMs);
    without[counted] = left;
    if ((left.at(-1)?.atSeconds ?? 0) * 1_000 < atMs) delete nextMs[counted];
  }
  return writeLedger({ ...rest, nextMs, takes: without });
}

/** The usage with the warm-up not begun: the next submission begins it. */
export function restartWarmUp({ warmUpStartedMs: _, ...usage }: Usage): Usage {
  return usage;
}

function mapValues<Value, Mapped>(
  record: Partial<Record<LimitCategory, Value>>,
  map: (value: Value) => Mapped,
): Partial<Record<LimitCategory, Mapped>> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, map(value as Value)]),
  );
}
