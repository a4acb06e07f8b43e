import type { PaceSettings } from "../../pace/pace-settings.ts";
import { currentCounters, withTaken } from "../state/lane-counters.ts";
import type { Lane, LaneCounters, LanePause, RequestRecord } from "../state/record.ts";
import type { Attempted } from "./submit-request.ts";

/** What this run changed of the lane, written when the lane is released. */
export interface LaneChange {
  /** The request that this run took from the lane. */
  taken?: { request: RequestRecord; eligibleSinceMs: number } | undefined;
  /** Requests that earlier workers took and did not count before they died. */
  uncounted: readonly RequestRecord[];
  /** Requests that wait no longer. */
  dequeuedCount: number;
  nextSubmissionNotBeforeMs?: number | undefined;
  pause?: LanePause | undefined;
}

/** A lane that this worker has leased, and what it has changed of it so far. */
export interface LaneRun {
  lane: Lane;
  settings: PaceSettings;
  change: LaneChange;
}

/** The lane with a pause that is not stored yet. */
export function withPause(lane: Lane, pause: LanePause | undefined): Lane {
  if (!pause) return lane;
  const { category } = pause;
  return category === undefined
    ? { ...lane, pause }
    : { ...lane, categoryPauses: { ...lane.categoryPauses, [category]: pause } };
}

export function changeAfter(
  { request, nextSubmissionNotBeforeMs, pause }: Attempted,
  eligibleSinceMs: number,
): Partial<LaneChange> {
  const dequeuedCount = request.laneState === "waiting" ? 0 : 1;
  return { taken: { request, eligibleSinceMs }, dequeuedCount, nextSubmissionNotBeforeMs, pause };
}

/** When the lane must be checked again after a submission; `undefined` when nothing waits. */
export function nextCheckAfter(submission: Attempted, othersWait: boolean): number | undefined {
  const { request, nextSubmissionNotBeforeMs, pause } = submission;
  const { laneState, holdUntilMs = 0 } = request;
  if (!othersWait && laneState !== "waiting") return undefined;
  const heldUntilMs = laneState === "holding" ? holdUntilMs : 0;
  // The next run looks at what the other categories allow.
  const pausedUntilMs = pause?.category === undefined ? (pause?.untilMs ?? 0) : 0;
  return Math.max(nextSubmissionNotBeforeMs, heldUntilMs, pausedUntilMs);
}

/** The lane's counters with the requests that this run took or found uncounted. */
export function countersAfterRun({ lane, change, settings }: LaneRun): LaneCounters {
  const { uncounted, taken } = change;
  const known = uncounted.reduce(
    (counters, request) => withTaken(counters, request, settings),
    currentCounters(lane),
  );
  return taken ? withTaken(known, taken.request, settings, taken.eligibleSinceMs) : known;
}
