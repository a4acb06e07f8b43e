import { waitsForDependency } from "../../core/requests/state/dependency.ts";
import type { RequestRecord, SubQueue } from "../../core/requests/state/record.ts";
import { subQueueOf } from "../../core/requests/state/sub-queue.ts";
import { readSubQueueName, subQueueName } from "./lane-item.ts";

/**
 * Prefixes of `laneKey`: a request that holds the lane sorts before the waiting requests; those
 * that are not due yet sort behind both, and those that were taken and do not hold it any more
 * behind all.
 */
export const HOLDING = "held#";
export const WAITING = "wait#";
export const SCHEDULED = "when#";
const WORKED = "worked#";

/** The key of a request in the local index of its lane; `undefined` if it is not there. */
export function laneKey(request: RequestRecord): string | undefined {
  const { status, laneState, lanePosition = 0, takenMs } = request;
  // A request without a time must not stand in front of those that have one.
  if (waitsForDependency(request)) return undefined;
  if (status === "SCHEDULED") return scheduledKey(request);
  if (laneState === "waiting")
    return `${waitingPrefix(subQueueOf(request))}${padded(lanePosition)}`;
  if (laneState === "holding") return `${HOLDING}${padded(lanePosition)}`;
  return takenMs === undefined ? undefined : workedKey(takenMs);
}

const padded = (position: number) => String(position).padStart(16, "0");

/** Business time has fractions of a millisecond. */
const paddedTime = (ms: number) => ms.toFixed(3).padStart(20, "0");

/** The keys of the waiting requests of one sub-queue. A position without one is that of an earlier version. */
export const waitingPrefix = (subQueue: SubQueue) => `${WAITING}${subQueueName(subQueue)}#`;

/** Between these are the keys of waiting requests that were stored before there were sub-queues. */
export const WITHOUT_SUB_QUEUE = { from: `${WAITING}0`, to: `${WAITING}:` };

/** Sorts the requests that a lane has worked by the time at which they were taken. */
export const workedKey = (takenMs: number) => `${WORKED}${paddedTime(takenMs)}`;

/** Reads the key of a waiting request; `undefined` for any other. */
export function readWaitingKey(key: string): (SubQueue & { position: number }) | undefined {
  if (!key.startsWith(WAITING)) return undefined;
  const parts = key.slice(WAITING.length).split("#");
  const position = Number(parts.at(-1));
  const subQueue = readSubQueueName(parts.slice(0, -1).join("#")) ?? {
    category: "other",
    isHigh: false,
  };
  return { ...subQueue, position };
}

/** Sorts the scheduled requests of a lane by the order in which they join. */
export function scheduledKey({ scheduledMs = 0, createdMs, requestId }: RequestRecord): string {
  return `${SCHEDULED}${[scheduledMs, createdMs].map(paddedTime).join("#")}#${requestId}`;
}
