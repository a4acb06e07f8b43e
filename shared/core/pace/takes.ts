/** One submission or several, which all count until the last of them leaves a window. */
export interface Take {
  /** Epoch seconds, rounded up to a tick. */
  atSeconds: number;
  count: number;
}

/** Oldest first. */
export type Takes = readonly Take[];

/** Takes are recorded to ten seconds, rounded up: a take leaves a window up to ten seconds late, never early. */
export const TICK_SECONDS = 10;

/** Counts as a full budget, of any limit. */
const UNREADABLE_COUNT = 1_000_000;

export const tickSecondsOf = (atMs: number) =>
  Math.ceil(atMs / (TICK_SECONDS * 1_000)) * TICK_SECONDS;

/**
 * Reads takes from their text. An unreadable text counts as a full budget at `unreadableAtMs`,
 * so that nothing is submitted too early, and expires with it.
 */
export function readTakes(text: string, unreadableAtMs: number): Takes {
  if (text === "") return [];
  if (!written.test(text)) {
    return [{ atSeconds: tickSecondsOf(unreadableAtMs), count: UNREADABLE_COUNT }];
  }
  let ticks = 0;
  return text.split(".").map((entry) => {
    const [delta = "", count = "1"] = entry.split(":");
    ticks += Number.parseInt(delta, 36);
    return { atSeconds: ticks * TICK_SECONDS, count: Number.parseInt(count, 36) };
  });
}

const written = /^[0-9a-z]{1,8}(:[0-9a-z]{1,5})?(\.[0-9a-z]{1,8}(:[0-9a-z]{1,5})?)*$/;

/** Writes each take as the ticks since the one before it, in base 36, with its count if it is not 1. */
export function writeTakes(takes: Takes): string {
  let before = 0;
  return takes
    .map(({ atSeconds, count }) => {
      const ticks = atSeconds / TICK_SECONDS;
      const delta = (ticks - before).toString(36);
      before = ticks;
      return count === 1 ? delta : `${delta}:${count.toString(36)}`;
    })
    .join(".");
}

export interface KeptTakes {
  /** Age at which a take is dropped. */
  horizonMs: number;
  /** The windows of the limits that count these takes, shortest first. */
  windowsMs: readonly number[];
  maxEntries: number;
}

/**
 * Adds a submission. While there are more than `maxEntries` takes, merges the neighbours whose
 * merge delays an expiry least, relative to the window. Takes that no limit counts any more
 * are kept for a limit that is set later, with less precision.
 */
export function addTake(takes: Takes, atMs: number, keep: KeptTakes): Takes {
  const atSeconds = tickSecondsOf(atMs);
  const kept = takes.filter((take) => take.atSeconds * 1_000 > atMs - keep.horizonMs);
  const last = kept.at(-1);
  if (last && last.atSeconds >= atSeconds) {
    // The same tick, or a clock that went back: the later time counts.
    kept[kept.length - 1] = { atSeconds: last.atSeconds, count: last.count + 1 };
  } else {
    kept.push({ atSeconds, count: 1 });
  }
  while (kept.length > keep.maxEntries) mergeClosest(kept, atSeconds, keep.windowsMs);
  return kept;
}

/** How much cheaper it is to merge takes that no limit counts. */
const BEYOND_LIMITS = 8;

function mergeClosest(takes: Take[], nowSeconds: number, windowsMs: readonly number[]): void {
  let best = 0;
  let bestScore = Number.POSITIVE_INFINITY;
  for (let at = 0; at + 1 < takes.length; at += 1) {
    const [one, later] = [takes[at] as Take, takes[at + 1] as Take];
    const since = takes[at - 1]?.atSeconds ?? beginOf(one, later);
    const ageMs = Math.max(nowSeconds - later.atSeconds, 1) * 1_000;
    const scaleMs = windowsMs.find((window) => window > ageMs) ?? BEYOND_LIMITS * ageMs;
    const score = (later.atSeconds - since) / scaleMs;
    if (score < bestScore) [best, bestScore] = [at, score];
  }
  const [one, other] = [takes[best] as Take, takes[best + 1] as Take];
  takes.splice(best, 2, { atSeconds: other.atSeconds, count: one.count + other.count });
}

/** When the oldest take began, which is not stored: as if it were as dense as the next one. */
function beginOf(oldest: Take, next: Take): number {
  return oldest.atSeconds - ((oldest.count - 1) * (next.atSeconds - oldest.atSeconds)) / next.count;
}

/** Removes a submission that was counted at this time. Changes nothing when it is not there any more. */
export function removeTake(takes: Takes, atMs: number): Takes {
  const atSeconds = tickSecondsOf(atMs);
  const found = takes.findIndex((take) => take.atSeconds >= atSeconds);
  return takes.flatMap((take, at) => {
    if (at !== found) return [take];
    return take.count > 1 ? [{ ...take, count: take.count - 1 }] : [];
  });
}

/** The submissions that count at `nowMs` in a window of this length. */
export function countSince(takes: Takes, sinceMs: number): number {
  let count = 0;
  for (let at = takes.length - 1; at >= 0; at -= 1) {
    const take = takes[at] as Take;
    if (take.atSeconds * 1_000 <= sinceMs) break;
    count += take.count;
  }
  return count;
}

/** When the oldest submissions after `sinceMs` have been made of which `excess` must leave the window. */
export function timeOfOldest(takes: Takes, sinceMs: number, excess: number): number {
  let left = excess;
  for (const take of takes) {
    if (take.atSeconds * 1_000 <= sinceMs) continue;
    left -= take.count;
    if (left <= 0) return take.atSeconds * 1_000;
  }
  return Number.POSITIVE_INFINITY;
}
