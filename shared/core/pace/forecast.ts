import { gapMs } from "./account-gap.ts";
import { ledgerAfterTake } from "./after-take.ts";
import { choose, type WaitingRequest, waitOf } from "./choose-next.ts";
import { isOpen } from "./hours.ts";
import type { PaceSettings } from "./pace-settings.ts";
import { readLedgerFor } from "./spread.ts";
import type { Ledger, Usage } from "./usage.ts";

export interface ForecastInput {
  settings: PaceSettings;
  usage: Usage;
  /** When the account's gap ends. */
  nextSubmissionNotBeforeMs: number;
  queue: readonly WaitingRequest[];
  highInARow: number;
  nowMs: number;
  /** Submissions after which the forecast ends. */
  maxTakes: number;
  /** By how much a lane that is idle for longer than `afterMs` is woken late. Absent: never. */
  lateWakeUp?: { afterMs: number; byMs: number };
}

/**
 * When each waiting request is submitted if nothing changes. Simulates the submissions by the
 * rules and the draws of the worker, with the lane busy after each for as long as it was lately.
 * Exact where answers take no time; else with a margin, so that a time is seldom too early.
 *
 * @returns times by the request's id; without those behind `maxTakes`, and those that are never submitted
 */
export function forecast(input: ForecastInput): Map<string, number> {
  const { settings, nowMs, maxTakes } = input;
  const times = new Map<string, number>();
  const queues = queuesOf(input.queue);
  let ledger: Ledger = readLedgerFor(settings, input.usage);
  const { latenessMs = 0 } = ledger;
  const { afterMs = Number.POSITIVE_INFINITY, byMs = 0 } = input.lateWakeUp ?? {};
  let idleSinceMs = nowMs;
  let { highInARow } = input;
  let atMs = Math.max(nowMs, input.nextSubmissionNotBeforeMs);
  while (times.size < maxTakes) {
    const heads = queues.flatMap((queue) => queue.at(-1) ?? []);
    const next = choose(heads, { highInARow, nowMs: atMs }, (head) =>
      waitOf(settings, ledger, head, atMs),
    );
    if (next.kind === "idle") break;
    if (next.kind === "wait") {
      if (!Number.isFinite(next.wait.atMs)) break;
      atMs = next.wait.atMs;
      continue;
    }
    if (atMs - idleSinceMs > afterMs && isOpen(settings.hours, atMs + byMs)) atMs += byMs;
    const { id, category, isHigh } = next.head;
    const marginMs = marginOf({ latenessMs, takesBefore: times.size, waitMs: atMs - nowMs });
    times.set(id, isOpen(settings.hours, atMs + marginMs) ? atMs + marginMs : atMs);
    queues.find((queue) => queue.at(-1) === next.head)?.pop();
    ledger = ledgerAfterTake(settings, ledger, { category, atMs });
    highInARow = isHigh ? highInARow + 1 : 0;
    idleSinceMs = atMs;
    atMs += latenessMs + gapMs(settings, ledger);
  }
  return times;
}

/** The margin is at most half of what a time may be too late: 5 minutes, or 10 % of the wait. */
const MAX_MARGIN_MS = 150_000;
const MAX_MARGIN_OF_WAIT = 0.05;

/** How far times are off in multiples of the lateness: at once, and more with each submission before. */
const MARGIN = 6;
const MARGIN_PER_TAKE = 0.3;

function marginOf(of: { latenessMs: number; takesBefore: number; waitMs: number }): number {
  const marginMs = of.latenessMs * (MARGIN + MARGIN_PER_TAKE * of.takesBefore);
  return Math.round(Math.min(marginMs, Math.max(MAX_MARGIN_MS, MAX_MARGIN_OF_WAIT * of.waitMs)));
}

/** The requests by category and priority, each with its first at the end. */
function queuesOf(queue: readonly WaitingRequest[]): WaitingRequest[][] {
  const sorted = queue.toSorted((one, other) => other.position - one.position);
  return [...Map.groupBy(sorted, ({ category, isHigh }) => `${category} ${isHigh}`).values()];
}
