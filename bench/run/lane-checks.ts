import type { RequestView } from "./api.ts";
import { type Submission, tookEffect } from "./simulator.ts";

export interface LaneRules {
  /** Business milliseconds, as the stack was set. */
  paceMinMs: number;
  laneHoldMs: number;
  /** Absent where no submission can have lost its answer. */
  unknownHoldMs?: number;
}

/** What is wrong with the order of submissions, one line for each; and what was let pass. */
export interface LaneFaults {
  gaps: string[];
  overlaps: string[];
  /** Submitted while the one before still ran, because its hold of the lane had ended. */
  afterHold: number;
  /** Business milliseconds between submissions of one account. */
  gapsMs: number[];
}

/**
 * Holds the submissions of each account against its pace and against its
 * requests: what the simulator saw when, and when each request had ended.
 */
export function checkLanes(
  submissions: readonly Submission[],
  viewOf: (submission: Submission) => RequestView | undefined,
  rules: LaneRules,
): LaneFaults {
  const faults: LaneFaults = { gaps: [], overlaps: [], afterHold: 0, gapsMs: [] };
  const lanes = Map.groupBy(submissions, ({ provider, accountId }) => `${provider} ${accountId}`);
  for (const [lane, calls] of lanes) {
    calls.sort((a, b) => a.seq - b.seq);
    let running: { call: Submission; view: RequestView | undefined } | undefined;
    calls.forEach((call, index) => {
      const atMs = Date.parse(call.at);
      const before = calls[index - 1];
      if (before) checkGap(lane, before, call, running?.call === before ? running.view : undefined);
      if (running?.view) checkOverlap(lane, running.call, running.view, atMs);
      if (tookEffect(call)) running = { call, view: viewOf(call) };
    });
  }
  return faults;

  function checkGap(lane: string, before: Submission, call: Submission, view?: RequestView): void {
    // The answer came no earlier than the call. `submittedAt` is its time, unless it was lost.
    const mayBeLost = rules.unknownHoldMs !== undefined;
    const knownAt = (mayBeLost ? undefined : view?.submittedAt) ?? before.at;
    const answeredMs = Math.max(Date.parse(before.at), Date.parse(knownAt));
    const gapMs = Date.parse(call.at) - answeredMs;
    faults.gapsMs.push(gapMs);
    if (gapMs < rules.paceMinMs) {
      faults.gaps.push(`${lane}: ${gapMs} ms between ${before.seq} and ${call.seq}`);
    }
  }

  function checkOverlap(lane: string, before: Submission, view: RequestView, atMs: number): void {
    const finishedMs = Date.parse(view.finishedAt ?? "9999-01-01T00:00:00Z");
    if (atMs >= finishedMs) return;
    const { laneHoldMs, unknownHoldMs = laneHoldMs } = rules;
    if (atMs - Date.parse(before.at) >= Math.min(laneHoldMs, unknownHoldMs)) {
      faults.afterHold++;
      return;
    }
    faults.overlaps.push(
      `${lane}: ${view.requestId} (${before.seq}) ran until ${view.finishedAt}, the next came at ${new Date(atMs).toISOString()}`,
    );
  }
}
