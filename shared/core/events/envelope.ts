import type { EventType } from "../../contracts/events.ts";
import { limits } from "../../contracts/limits.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import { readTraceparent } from "../../contracts/traceparent.ts";
import { toIso } from "../clock.ts";
import type { JsonObject } from "../json/json.ts";
import { ownTrace, type TracingDeps } from "../tracing/derived-ids.ts";
import { unmatchedEventId } from "./event-id.ts";
import type { ProviderEvent } from "./provider-event.ts";

/** An event in its final form: these bytes are stored and published, and never rebuilt. */
export interface FinalEvent {
  id: string;
  type: EventType;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  /** The webhook's exact bytes; present when the envelope could not carry all digits. */
  raw?: Uint8Array;
}

/** Builds the event of a webhook that belongs to no request made here. */
export function unmatchedEvent(
  event: ProviderEvent,
  origin: {
    provider: ProviderId;
    clientId: string;
    connectionId: string;
    receivedAtMs: number;
    numbersAsText: boolean;
    /** The trace of the webhook, where the provider names one. */
    traceparent?: string | undefined;
    raw?: Uint8Array;
  } & TracingDeps,
): FinalEvent {
  const id = unmatchedEventId({ ...event, connectionId: origin.connectionId });
  const { workflowId, providerRequestId, accountId, action, status, eventType, ...outcome } =
    event.data;
  const envelope = busSafeJson({
    id,
    type: event.type,
    createdAt: event.createdAt ?? toIso(origin.receivedAtMs),
    traceparent: ownTrace(id, origin.traceparent, origin).traceparent,
    data: {
      workflowId,
      providerRequestId,
      accountId,
      provider: origin.provider,
      action,
      status,
      eventType,
      ...outcome,
      ...(origin.numbersAsText ? { numbersAsText: true } : {}),
    },
  });
  const { clientId, raw } = origin;
  return { id, type: event.type, clientId, envelope, ...(raw ? { raw } : {}) };
}

/** Builds an event of a request made here. `n` distinguishes several of one type. */
export function requestEvent(
  type: EventType,
  request: {
    requestId: string;
    clientId: string;
    accountId: string;
    provider: ProviderId;
    action: string;
    providerRequestId?: string | undefined;
    traceparent?: string | undefined;
  },
  details: {
    atMs: number;
    status?: string;
    eventType: string;
    n?: number;
    /** `result`, `error` or `payload`, and `numbersAsText`. */
    more?: Readonly<Record<string, unknown>>;
    raw?: Uint8Array | undefined;
  },
): FinalEvent {
  const { requestId, clientId, accountId, provider, action, providerRequestId } = request;
  const id = details.n === undefined ? `${type}:${requestId}` : `${type}:${requestId}:${details.n}`;
  const envelope = busSafeJson({
    id,
    type,
    createdAt: toIso(details.atMs),
    traceparent: request.traceparent,
    data: {
      requestId,
      // A request made here is one workflow, with the same id.
      workflowId: requestId,
      providerRequestId,
      accountId,
      provider,
      action,
      status: details.status,
      eventType: details.eventType,
      ...details.more,
    },
  });
  const { raw } = details;
  return truncateForBus({ id, type, clientId, envelope, ...(raw ? { raw } : {}) });
}

/** Removes the content of an event that is too large for the bus, and marks it `resultTruncated`. */
export function truncateForBus(whole: FinalEvent): FinalEvent {
  if (Buffer.byteLength(whole.envelope) <= limits.maxPutEventsBytes) return whole;
  const { data, ...members } = JSON.parse(whole.envelope) as { data: JsonObject };
  const { result: _, payload: __, error: ___, ...small } = data;
  const envelope = busSafeJson({ ...members, data: { ...small, resultTruncated: true } });
  const { raw: ____, ...event } = whole;
  return { ...event, envelope };
}

/** Formats JSON that every target of the bus accepts: SQS refuses two characters that JSON allows. */
export function busSafeJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16)}`,
  );
}

/** Returns the trace of an event, which its envelope names before `data`. */
export function traceparentIn(envelope: string): string | undefined {
  const members = envelope.slice(0, envelope.indexOf('"data":'));
  return readTraceparent(/"traceparent":"([^"]*)"/.exec(members)?.[1]);
}

/** Returns EventBridge's `detail`: the bytes of the envelope with `clientId` in front. */
export function toEventBridgeDetail(event: Pick<FinalEvent, "clientId" | "envelope">): string {
  return `{"clientId":${JSON.stringify(event.clientId)},${event.envelope.slice(1)}`;
}
