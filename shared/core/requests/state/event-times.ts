import type { ProviderEvent } from "../../events/provider-event.ts";
import type { DecisionContext } from "./decision-context.ts";
import { isTerminal, type RequestRecord } from "./record.ts";

/**
 * The `createdAt` of a request's events is the provider's time where its webhook caused
 * them, and otherwise our own. It is moved where it must be, so that the events of
 * one request sort by it: created, started, then prompts and the end, strictly, in
 * whatever order they arrive.
 */
type EventTimes = Pick<RequestRecord, "lastEventMs" | "firstAfterStartMs">;

/** The time of `workflow.started`, which may come after the request's end. */
export function startedEventTime(
  request: RequestRecord,
  { nowMs }: DecisionContext,
  event?: Pick<ProviderEvent, "createdAt">,
): { atMs: number; times: EventTimes } {
  const { createdMs, lastEventMs = createdMs, finishedMs = nowMs } = request;
  const ended = isTerminal(request) ? finishedMs : Number.POSITIVE_INFINITY;
  const { firstAfterStartMs = ended } = request;
  const atMs = Math.max(createdMs + 1, Math.min(reportedMs(event, nowMs), firstAfterStartMs - 1));
  return { atMs, times: { lastEventMs: Math.max(lastEventMs, atMs) } };
}

/** The time of a prompt, or of the end. It leaves room for `workflow.started`, which may come later. */
export function laterEventTime(
  request: RequestRecord,
  { nowMs }: DecisionContext,
  event?: Pick<ProviderEvent, "createdAt">,
): { atMs: number; times: EventTimes } {
  const { createdMs, lastEventMs = createdMs, firstAfterStartMs } = request;
  const atMs = Math.max(createdMs + 2, lastEventMs + 1, reportedMs(event, nowMs));
  return { atMs, times: { lastEventMs: atMs, firstAfterStartMs: firstAfterStartMs ?? atMs } };
}

/** An event does not happen after it is known. */
function reportedMs(event: Pick<ProviderEvent, "createdAt"> | undefined, nowMs: number): number {
  return event?.createdAt === undefined ? nowMs : Math.min(Date.parse(event.createdAt), nowMs);
}
