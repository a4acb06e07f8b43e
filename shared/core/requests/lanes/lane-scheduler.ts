import { ACCOUNT_CACHE_MS, MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { SubmitQueue } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";

/** A lane, and the client that it belongs to where that is known. */
type WokenLane = { lane: string; clientId?: string | undefined };

/** Time (business) after a change of an account when every function has forgotten what it was before. */
const CHANGE_IS_KNOWN_MS = ACCOUNT_CACHE_MS + 15_000;

export type LaneScheduler = ReturnType<typeof makeLaneScheduler>;

/**
 * Schedules the next worker of a lane. A wake-up message in the submit queue
 * starts it. The sweep starts it when the message is lost, or when SQS cannot
 * delay a message for so long: each lane stores when its sweep is due.
 */
export function makeLaneScheduler(deps: {
  lanes: LaneStore;
  submitQueue: SubmitQueue;
  nowMs: () => number;
  /** Time (business) after which the sweep takes a wake-up message for lost. */
  graceMs: number;
  onNonFatalError: (error: unknown) => void;
}) {
  const { lanes, submitQueue, nowMs, graceMs } = deps;

  /**
   * Sends a wake-up message for this time (business), or none when the time is later than
   * SQS can delay a message. Never throws: the sweep wakes the lane when there is no message.
   */
  async function sendWakeUp({ lane, clientId }: WokenLane, atMs: number): Promise<void> {
    const delayMs = Math.max(0, atMs - nowMs());
    if (delayMs > MAX_SQS_DELAY_MS) return;
    const message = { v: 1, kind: "wakeUp", lane, dueMs: atMs } as const;
    await submitQueue.send(message, { delayMs, clientId }).catch(deps.onNonFatalError);
  }

  async function wakeIfWaiting(of: WokenLane, atMs: number): Promise<void> {
    // Read after the write that freed the lane: what joins later finds it free.
    if ((await lanes.find(of.lane))?.dueMs === undefined) return;
    if (await lanes.bringSweepForward(of.lane, atMs + graceMs)) await sendWakeUp(of, atMs);
  }

  return {
    sendWakeUp,

    /**
     * Returns when a lane that must be woken at `wakeUpAtMs` is due for the sweep. If SQS can
     * delay the message: `wakeUpAtMs` plus a grace period. If not: `wakeUpAtMs`, and the sweep
     * wakes the lane.
     */
    dueAfterWakeUp: (wakeUpAtMs: number) =>
      wakeUpAtMs - nowMs() > MAX_SQS_DELAY_MS ? wakeUpAtMs : wakeUpAtMs + graceMs,

    /** Wakes the lane of a request that no longer holds it, if others wait in it, so that the next request does not wait for the end of the hold. */
    async wakeFreedLane(request: RequestRecord): Promise<void> {
      const { nextSubmissionNotBeforeMs = 0 } = request;
      await wakeIfWaiting(request, Math.max(nowMs(), nextSubmissionNotBeforeMs));
    },

    /** Wakes a lane before its next planned check, if requests wait in it. */
    wakeEarly: (of: WokenLane) => wakeIfWaiting(of, nowMs()),

    /**
     * Wakes a lane after a change of its account, when no function remembers what the account was
     * before: a worker that comes earlier may plan the lane by that. The message is sent for a lane
     * in which nothing waits too, because a request may join it until then.
     */
    async wakeAfterChange(of: WokenLane): Promise<void> {
      if ((await lanes.find(of.lane)) === undefined) return;
      const atMs = nowMs() + CHANGE_IS_KNOWN_MS;
      await lanes.bringSweepForward(of.lane, atMs + graceMs);
      await sendWakeUp(of, atMs);
    },

    /** Wakes a lane in which a request waits, unless a wake-up is scheduled. A worker may be releasing it without having seen the request. */
    async ensureWakeUp(of: WokenLane): Promise<void> {
      const atMs = nowMs();
      if (await lanes.ensureSweep(of.lane, atMs + graceMs)) await sendWakeUp(of, atMs);
    },

    /** Lets the sweep wake the lane soon, also one whose next check is planned for later. */
    async ensureSweep({ lane }: WokenLane): Promise<void> {
      await lanes.scheduleSweep(lane, nowMs() + graceMs);
    },

    /** Wakes a lane in any case. */
    async wakeUp(of: WokenLane): Promise<void> {
      const atMs = nowMs();
      await lanes.scheduleSweep(of.lane, atMs + graceMs);
      await sendWakeUp(of, atMs);
    },
  };
}
