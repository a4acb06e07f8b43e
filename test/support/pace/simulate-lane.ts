import type { Category } from "../../../shared/contracts/pace.ts";
import { gapMs } from "../../../shared/core/pace/account-gap.ts";
import { afterTake } from "../../../shared/core/pace/after-take.ts";
import { chooseNext, type WaitingRequest } from "../../../shared/core/pace/choose-next.ts";
import type { PaceSettings } from "../../../shared/core/pace/pace-settings.ts";
import { noUsage, type Usage } from "../../../shared/core/pace/usage.ts";

/** A request that a simulated worker has submitted. */
export interface SimulatedTake {
  id: string;
  category: Category;
  isHigh: boolean;
  position: number;
  atMs: number;
  /** When the provider answered. */
  answeredMs: number;
  /** When the gap after the submission before ended. */
  gapEndMs: number;
}

/** The lane between two submissions. */
export interface SimulatedLane {
  usage: Usage;
  nextSubmissionNotBeforeMs: number;
  highInARow: number;
  waiting: () => readonly WaitingRequest[];
  nowMs: number;
}

/** Works one lane as the worker does: one request at a time, its answer, the gap. Ends when nothing waits or at `untilMs`. */
export function simulateLane(of: {
  settings: PaceSettings;
  queue: readonly WaitingRequest[];
  startMs: number;
  untilMs?: number;
  usage?: Usage;
  latencyMs: () => number;
  /** Called before each submission. */
  onTake?: (lane: SimulatedLane) => void;
}): { takes: SimulatedTake[]; usage: Usage } {
  const { settings, startMs, untilMs = Number.POSITIVE_INFINITY } = of;
  const queues = [
    ...Map.groupBy(of.queue, ({ category, isHigh }) => `${category} ${isHigh}`).values(),
  ].map((queue) => queue.toSorted((one, other) => other.position - one.position));
  const takes: SimulatedTake[] = [];
  let usage = of.usage ?? noUsage;
  let [nowMs, gapEndMs, highInARow] = [startMs, startMs, 0];
  for (;;) {
    const heads = queues.flatMap((queue) => queue.at(-1) ?? []);
    const next = chooseNext(settings, usage, { heads, highInARow, nowMs });
    if (next.kind === "idle") break;
    if (next.kind === "wait") {
      nowMs = next.wait.atMs;
      if (nowMs > untilMs || !Number.isFinite(nowMs)) break;
      continue;
    }
    if (nowMs > untilMs) break;
    const waiting = () => queues.flat();
    of.onTake?.({ usage, nextSubmissionNotBeforeMs: gapEndMs, highInARow, waiting, nowMs });
    const { id, category, isHigh, position } = next.head;
    queues.find((queue) => queue.at(-1) === next.head)?.pop();
    // Now and then, the worker reads what the lane has stored.
    if (takes.length % 16 === 0) usage = structuredClone(usage);
    usage = afterTake(settings, usage, { category, atMs: nowMs, eligibleSinceMs: startMs });
    const answeredMs = nowMs + of.latencyMs();
    takes.push({ id, category, isHigh, position, atMs: nowMs, answeredMs, gapEndMs });
    highInARow = isHigh ? highInARow + 1 : 0;
    gapEndMs = answeredMs + gapMs(settings, usage);
    nowMs = gapEndMs;
  }
  return { takes, usage };
}

/** A generator of numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
