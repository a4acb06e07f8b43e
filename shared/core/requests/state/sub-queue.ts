import type { RequestRecord, SubQueue } from "./record.ts";

/** Returns the sub-queue of its lane in which the request waits. */
export function subQueueOf({
  category = "other",
  isHigh,
}: Pick<RequestRecord, "category" | "isHigh">): SubQueue {
  return { category, isHigh: isHigh === true };
}

/** Returns the first waiting request of each sub-queue, by position. */
export function firstOfEachSubQueue(waiting: readonly RequestRecord[]): RequestRecord[] {
  const firsts = new Map<string, RequestRecord>();
  for (const request of [...waiting].sort(byPosition)) {
    const { category, isHigh } = subQueueOf(request);
    const key = `${category} ${isHigh}`;
    if (!firsts.has(key)) firsts.set(key, request);
  }
  return [...firsts.values()];
}

function byPosition(one: RequestRecord, other: RequestRecord): number {
  return (one.lanePosition ?? 0) - (other.lanePosition ?? 0);
}
