import type { EventType } from "../../contracts/events.ts";
import { limits } from "../../contracts/limits.ts";
import type { JsonObject } from "../json/json.ts";

/** What a webhook, or the answer to a call, reports in Ackwire's terms. */
export interface ProviderEvent {
  /** Present if the report is not clear: a status or code that the vocabulary does not list, or a contradiction. */
  unclear?: UnclearReport;
  type: EventType;
  /** The provider's id of what the event is about: a request, a workflow or an account. */
  providerObjectId: string;
  /** Distinguishes events of one type about one object, if there can be several. */
  discriminator?: string;
  /** ISO 8601, UTC, if the provider sends the time of the event and it can be read. */
  createdAt?: string;
  /** Labels that were sent with the request and returned with the result. */
  labels?: readonly string[];
  /** Present in a `workflow.started` that says that the provider has the request and waits to start it. */
  pendingReason?: string;
  /** The provider sent `eventType`; without this mark, it is derived from the action. */
  hasProviderEventType?: true;
  data: {
    workflowId?: string;
    providerRequestId?: string;
    accountId?: string;
    action?: string;
    status?: string;
    eventType: string;
    result?: unknown;
    error?: { code: string; message: string };
    payload?: unknown;
    /** The client has not registered the account. */
    accountUnknown?: true;
    /** The provider should have confirmed the event, and has no call for this type. */
    unverified?: true;
    /** The provider's time of the event is missing, unreadable or impossible. */
    createdAtReplaced?: true;
  };
}

/** How far a provider's clock may be ahead of ours. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/**
 * Removes the event's `createdAt` and marks the event with `createdAtReplaced` if that time is
 * more than five minutes after the receipt. Such an event is published with the time of receipt.
 *
 * @param receivedAtMs business time
 */
export function removeFutureTime(event: ProviderEvent, receivedAtMs: number): ProviderEvent {
  const { createdAt, ...others } = event;
  if (createdAt === undefined) return event;
  if (Date.parse(createdAt) <= receivedAtMs + MAX_CLOCK_SKEW_MS) return event;
  return { ...others, data: { ...others.data, createdAtReplaced: true } };
}

/** What is kept of a report that is not clear, beside what it was taken for. */
export interface UnclearReport {
  /** `unrecognised`: a status or code that the vocabulary does not list. `contradictory`: the status decided. */
  kind: "unrecognised" | "contradictory";
  /** The provider's status, as it was sent. */
  status?: string | undefined;
  /** The provider's name of the event, where it contradicts the status. */
  eventType?: string | undefined;
  /** The beginning of the body, as JSON text without its signature. */
  body: string;
}

/** Most characters of a body that are kept with a report that is not clear. */
const MAX_UNCLEAR_BODY = 1_000;

/** @param body without its signature */
export function unclearReport(
  kind: UnclearReport["kind"],
  body: JsonObject,
  { status, eventType }: { status?: string | undefined; eventType?: string | undefined },
): UnclearReport {
  return {
    kind,
    ...(status === undefined ? {} : { status: status.slice(0, limits.maxNameLength) }),
    ...(eventType === undefined ? {} : { eventType }),
    body: JSON.stringify(body).slice(0, MAX_UNCLEAR_BODY).toWellFormed(),
  };
}
