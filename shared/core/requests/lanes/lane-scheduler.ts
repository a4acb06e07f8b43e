import { limits } from "../../../contracts/limits.ts";
import type { LaneStore, SubmitQueue } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";

/** No message is sent for a later time: the sweep sends it. */
const MAX_DELAY_MS = limits.maxSqsDelaySeconds * 1_000;

/** Has a lane looked at, at a time: by a message where SQS can wait so long, else by the sweep. */
export function makeLaneScheduler(deps: {
  lanes: LaneStore;
  queue: SubmitQueue;
  nowMs: () => number;
  /** A lane counts as overlooked when nobody came this long after the time (business). */
  graceMs: number;
}) {
  const { lanes, queue, nowMs, graceMs } = deps;

  /** Sends the hint. A lost one is made up for by the sweep. */
  async function tick(lane: string, atMs: number): Promise<void> {
    const delayMs = Math.max(0, atMs - nowMs());
    if (delayMs > MAX_DELAY_MS) return;
    await queue.send({ v: 1, kind: "tick", lane }, delayMs).catch(() => undefined);
  }

  return {
    tick,
    dueFor: (atMs: number) => atMs + graceMs,

    /** The lane may be free again: who waits in it need not wait for the end of the hold. */
    async onLaneFreed({ lane, nextSubmissionNotBeforeMs = 0 }: RequestRecord): Promise<void> {
      const atMs = Math.max(nowMs(), nextSubmissionNotBeforeMs);
      if (await lanes.bringForward(lane, atMs + graceMs)) await tick(lane, atMs);
    },

    /** Something waits in the lane: whoever was just leaving it may not have seen that. */
    async ensure(lane: string): Promise<void> {
      const atMs = nowMs();
      if (await lanes.ensure(lane, atMs + graceMs)) await tick(lane, atMs);
    },

    /** There is work in the lane again, whatever was known of it. */
    async wake(lane: string): Promise<void> {
      const atMs = nowMs();
      await lanes.wake(lane, atMs + graceMs);
      await tick(lane, atMs);
    },
  };
}

export type LaneScheduler = ReturnType<typeof makeLaneScheduler>;
