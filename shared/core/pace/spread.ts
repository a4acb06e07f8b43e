import type { Category, LimitCategory } from "../../contracts/pace.ts";
import { draw } from "./draw.ts";
import { nextOpening, openBetween, openDayFrom } from "./hours.ts";
import { limitsOf, maxAt } from "./limits.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { countSince, TICK_SECONDS } from "./takes.ts";
import { type Ledger, readLedger, type Usage } from "./usage.ts";
import { DAY_MS } from "./windows.ts";

/** The part of an opening at its end that is kept for submissions that come late. */
const RESERVE = 0.1;

/** Gaps are drawn from the mean ± this part of it. */
const VARIATION = 0.2;

/**
 * The shortest gap, as a part of the even one: a backlog is never crammed into the rest of a day.
 * With a gap of at least 0.6 of the even one, no hour has more than twice its even share.
 */
const SHORTEST = 0.6;

/** When the next submission is due after the one that `ledger` has counted at `atMs`; `undefined`: at once. */
export function nextDueMs(
  settings: PaceSettings,
  ledger: Ledger,
  category: LimitCategory,
  atMs: number,
): number | undefined {
  const random = draw(settings.seed, category, ledger.takeCounts[category] ?? 0);
  const spreadMs = spreadFrom({ settings, ledger, category, atMs, random });
  const coolDown = category === "any" ? undefined : settings.coolDowns[category as Category];
  if (!coolDown) return spreadMs;
  const restedMs = atMs + coolDown.minMs + random * (coolDown.maxMs - coolDown.minMs);
  return Math.ceil(Math.max(restedMs, spreadMs ?? 0));
}

/** The ledger that was read last of each usage, which is immutable, and for which settings. */
const ledgersRead = new WeakMap<Usage, { settings: PaceSettings; ledger: Ledger }>();

/**
 * Reads a usage for these settings. If they were changed after the last submission of a category
 * and allow the next one earlier than was drawn then, it is due when it would be if they had been
 * in force. Every other due time stays as it was drawn.
 */
export function readLedgerFor(settings: PaceSettings, usage: Usage): Ledger {
  const known = ledgersRead.get(usage);
  if (known?.settings === settings) return known.ledger;
  const drawn = readLedger(usage);
  const nextMs: Ledger["nextMs"] = {};
  for (const [key, dueMs] of Object.entries(drawn.nextMs)) {
    nextMs[key as LimitCategory] = earlierDueMs(settings, drawn, key as LimitCategory, dueMs);
  }
  const ledger = { ...drawn, nextMs };
  ledgersRead.set(usage, { settings, ledger });
  return ledger;
}

/**
 * When the next submission is due by these settings, with the draw of the last one; never later than
 * `drawnMs`. The last one's time is recorded to ten seconds: it counts as the beginning or the end
 * of these, whichever makes the next one due later.
 */
function earlierDueMs(
  settings: PaceSettings,
  ledger: Ledger,
  category: LimitCategory,
  drawnMs: number,
): number {
  const last = ledger.takes[category]?.at(-1);
  if (!last) return drawnMs;
  const endMs = last.atSeconds * 1_000;
  const dueAfter = (atMs: number) => nextDueMs(settings, ledger, category, atMs) ?? 0;
  const dueMs = dueAfter(endMs);
  if (dueMs >= drawnMs) return drawnMs;
  // Where the hours close at the end of the tick, that end belongs to the next day.
  return Math.min(drawnMs, Math.max(dueMs, dueAfter(endMs - TICK_SECONDS * 1_000 + 1)));
}

interface SpreadInput {
  settings: PaceSettings;
  ledger: Ledger;
  category: LimitCategory;
  atMs: number;
  random: number;
}

function spreadFrom(input: SpreadInput): number | undefined {
  const { settings, ledger, category, atMs, random } = input;
  const share = shareOfDay(settings, ledger, category, atMs);
  if (share === undefined) return undefined;
  const varied = 1 - VARIATION + 2 * VARIATION * random;
  const { hours } = settings;
  if (!hours)
    return Math.ceil(atMs + (DAY_MS / share) * Math.max(SHORTEST, (1 - RESERVE) * varied));
  const today = openDayFrom(hours, atMs);
  const [first] = today?.intervals ?? [];
  const last = today?.intervals.at(-1);
  if (!today || !first || !last) return undefined;
  if (share < 1) {
    return afterOpenTime(settings, atMs, (today.openMs / share) * (1 - RESERVE) * varied);
  }
  const takesOfDay = Math.ceil(share - 1e-9);
  const evenMs = today.openMs / takesOfDay;
  // One at the moment of the opening is of this day.
  const taken = countSince(ledger.takes[category] ?? [], first.fromMs - 1);
  const leftMs = openBetween(hours, atMs, last.toMs) - RESERVE * today.openMs;
  const meanMs = leftMs / (takesOfDay - taken + 1);
  const gapMs = Math.max(SHORTEST * evenMs, meanMs * varied);
  const nextMs = atMs + gapMs;
  if (taken < takesOfDay && nextMs < last.toMs) return Math.ceil(nextMs);
  const opensMs = nextOpening(hours, last.toMs);
  return Math.ceil(opensMs + random * Math.min(evenMs, RESERVE * today.openMs));
}

/** Submissions per open day that use the tightest of the limits up; `undefined` without limits of a day or longer. */
function shareOfDay(
  settings: PaceSettings,
  ledger: Ledger,
  category: LimitCategory,
  atMs: number,
): number | undefined {
  const openDays = settings.hours?.days.length ?? 7;
  const daysPer = { day: 1, week: openDays, month: (openDays * 30) / 7 };
  const shares = limitsOf(settings, category).flatMap((limit) => {
    if (limit.per === "hour" || limit.max === 0) return [];
    return [maxAt(limit, settings, ledger, atMs) / daysPer[limit.per]];
  });
  return shares.length === 0 ? undefined : Math.min(...shares);
}

/** The time at which the hours have been open for so long. */
function afterOpenTime({ hours }: PaceSettings, fromMs: number, openMs: number): number {
  let leftMs = openMs;
  let atMs = fromMs;
  while (hours && Number.isFinite(atMs)) {
    const interval = openDayFrom(hours, atMs)?.intervals.find(({ toMs }) => toMs > atMs);
    if (!interval) break;
    const sinceMs = Math.max(atMs, interval.fromMs);
    if (sinceMs + leftMs < interval.toMs) return Math.ceil(sinceMs + leftMs);
    leftMs -= interval.toMs - sinceMs;
    atMs = interval.toMs;
  }
  return Math.ceil(atMs + leftMs);
}
