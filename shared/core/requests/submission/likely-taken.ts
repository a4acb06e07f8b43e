import type { SubmitMessage } from "../../../contracts/messages/submit.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { activePause } from "../state/pause-after.ts";
import type { Lane, RequestRecord } from "../state/record.ts";
import type { SubmitRequestResult } from "./submit-request.ts";

/** Which requests a batch of messages takes from their lanes. */

export type FoundRequests = Map<string, { request: RequestRecord; lane: Lane | undefined }>;

/** The accepted requests that a message names. */
export function acceptedIn(message: SubmitMessage | undefined): readonly string[] {
  if (message?.kind === "accepted") return [message.requestId];
  return message?.kind === "acceptedBatch" ? message.requestIds : [];
}

/** The request that a submission has claimed, by a write that removed its published events. */
export function claimedIn(submission: SubmitRequestResult): RequestRecord[] {
  return submission.kind === "attempted" ? [submission.request] : [];
}

/**
 * The requests that this batch takes from their lanes, unless another worker does: of each lane
 * that is free, the first of those that found nothing planned in it.
 */
export function likelyTaken(
  messages: readonly (SubmitMessage | undefined)[],
  found: FoundRequests,
  { nowMs }: DecisionContext,
): ReadonlySet<string> {
  const firsts = new Map<string, RequestRecord>();
  for (const message of messages) {
    const isAcceptance = message?.kind === "accepted" || message?.kind === "acceptedBatch";
    if (!isAcceptance || !message.wakesLane) continue;
    for (const requestId of acceptedIn(message)) {
      const { request, lane } = found.get(requestId) ?? {};
      if (request?.status !== "QUEUED" || !lane || !isFree(lane, nowMs)) continue;
      const first = firsts.get(request.lane);
      if (!first || (request.lanePosition ?? 0) < (first.lanePosition ?? 0)) {
        firsts.set(request.lane, request);
      }
    }
  }
  return new Set([...firsts.values()].map(({ requestId }) => requestId));
}

function isFree({ owner, pause, nextSubmissionNotBeforeMs }: Lane, nowMs: number): boolean {
  const isPaused = activePause(pause, nowMs) !== undefined;
  return owner === undefined && !isPaused && nextSubmissionNotBeforeMs <= nowMs;
}

/** A request of whose acceptance a message tells. */
export interface AcceptedRequest {
  /** Of its message. */
  index: number;
  request: RequestRecord;
}

/** The requests of whose acceptance the messages tell, each once. */
export function acceptedOf(
  messages: readonly (SubmitMessage | undefined)[],
  found: FoundRequests,
): AcceptedRequest[] {
  const indexes = new Map(
    messages.flatMap((message, index) => acceptedIn(message).map((id) => [id, index] as const)),
  );
  return [...indexes].flatMap(([id, index]) => {
    const request = found.get(id)?.request;
    return request ? [{ index, request }] : [];
  });
}

export const recordsOf = (accepted: readonly AcceptedRequest[]): RequestRecord[] =>
  accepted.map(({ request }) => request);
