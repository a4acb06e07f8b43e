import { type CorrelatedMembers, keysIn, requestKey } from "../../providers/correlation.ts";
import type { DecisionContext } from "./decision-context.ts";
import { notAfterPassed } from "./not-after-passed.ts";
import type { Dependency, RequestError, RequestRecord } from "./record.ts";

/** A request that waits for its predecessor, or for an event about it. */
export type WaitingDependent = RequestRecord & { dependsOn: Dependency };

/** Whether the request has not been released: it has no time from which it may join its lane. */
export function waitsForDependency(request: RequestRecord): request is WaitingDependent {
  const { status, dependsOn, scheduledMs } = request;
  return status === "SCHEDULED" && dependsOn !== undefined && scheduledMs === undefined;
}

/** The sweep looks at a new dependent request after this time (business), in case its call has died. */
const FIRST_CHECK_MS = 60_000;

/** The sweep looks at it again after this time (business), in case the news of its predecessor was lost. */
export const CHECK_AGAIN_MS = 3_600_000;

/** When the sweep looks at a waiting request next: at the latest at the end of `within`. */
export function nextCheckOf({
  dependsOn,
  createdMs,
  dueMs,
  notAfterMs = Number.POSITIVE_INFINITY,
}: WaitingDependent): number {
  return Math.min(dueMs ?? createdMs + FIRST_CHECK_MS, dependsOn.untilMs, notAfterMs);
}

/** Whether a reply still keeps the request from being sent. */
export function isStoppable({ status, dependsOn }: RequestRecord): boolean {
  return dependsOn?.unless !== undefined && (status === "SCHEDULED" || status === "QUEUED");
}

/** What is known of a dependent request's predecessor and of the events about it. */
export interface DependencyFacts {
  /** Absent when it is not stored any more. */
  predecessor: RequestRecord | undefined;
  /** When the event of `on` was received first (business). */
  eventMs?: number | undefined;
  /** When the event of `unless` was received. */
  stoppedMs?: number | undefined;
}

export type DependencyVerdict =
  | { kind: "waits" }
  /** The condition was met at that time (business). */
  | { kind: "met"; atMs: number }
  | { kind: "ends"; error: RequestError };

/** Decides whether a request that waits for its dependency is released, ends or goes on waiting. */
export function judgeDependency(
  { dependsOn, notAfterMs = Number.POSITIVE_INFINITY }: WaitingDependent,
  { predecessor, eventMs, stoppedMs }: DependencyFacts,
  nowMs: number,
): DependencyVerdict {
  if (nowMs >= notAfterMs) return { kind: "ends", error: notAfterPassed };
  if (stoppedMs !== undefined) return { kind: "ends", error: dependencyStopped };
  const { status, finishedMs = nowMs } = predecessor ?? {};
  const metMs = dependsOn.on === "event" ? eventMs : finishedMs;
  const isMet = dependsOn.on === "event" ? eventMs !== undefined : status === "SUCCEEDED";
  if (isMet && metMs !== undefined && metMs <= dependsOn.untilMs) {
    if (metMs + dependsOn.afterMs >= notAfterMs) return { kind: "ends", error: notAfterPassed };
    return { kind: "met", atMs: metMs };
  }
  if (status === undefined || status === "FAILED" || status === "CANCELLED") {
    // An event may come after the predecessor is forgotten; its end was seen before.
    if (status !== undefined || dependsOn.on === "succeeded") {
      return { kind: "ends", error: dependencyFailed(status) };
    }
  }
  return nowMs >= dependsOn.untilMs
    ? { kind: "ends", error: dependencyExpired }
    : { kind: "waits" };
}

export const dependencyStopped: RequestError = {
  code: "DEPENDENCY_STOPPED",
  message: "The event that `unless` names was received: the request was not sent",
};

const dependencyExpired: RequestError = {
  code: "DEPENDENCY_EXPIRED",
  message: "What the request depends on did not happen within the time of `within`",
};

function dependencyFailed(status: "FAILED" | "CANCELLED" | undefined): RequestError {
  const what = status === undefined ? "is not stored any more" : `ended ${status}`;
  return {
    code: "DEPENDENCY_FAILED",
    message: `The request that this one depends on ${what}: this one was not sent`,
  };
}

/** The keys under which a provider's events about this request are found. */
export function keysOfRequest({
  correlationKeys = [],
  providerRequestId,
  dependsOn,
}: RequestRecord): string[] {
  const own = providerRequestId === undefined ? [] : [requestKey(providerRequestId)];
  return [...new Set([...own, ...correlationKeys, ...(dependsOn?.keys ?? [])])];
}

/** The request's keys with those of the people and conversations that its result names. */
export function keysWithResult(
  { correlationKeys = [] }: RequestRecord,
  result: unknown,
  members: CorrelatedMembers | undefined,
): Pick<RequestRecord, "correlationKeys"> {
  const found = keysIn(result, members, { entersLists: false });
  if (found.length === 0) return {};
  return { correlationKeys: [...new Set([...correlationKeys, ...found])] };
}

/** Until when events about the request are watched (business): longer than it can wait. */
export function watchedUntilMs(
  { untilMs, afterMs }: Dependency,
  { rules }: DecisionContext,
): number {
  return untilMs + afterMs + rules.queueTimeoutMs + rules.retentionMs;
}
