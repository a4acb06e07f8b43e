import type { EventType } from "../contracts/events.ts";
import type { ProviderId } from "../contracts/providers.ts";
import { unmatchedEventId } from "./event-id.ts";
import type { InboundEvent } from "./provider-pack.ts";

/** An event in its final form: these bytes are stored, published and never made anew. */
export interface FinalEvent {
  id: string;
  type: EventType;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  /** The webhook's exact bytes, kept where the envelope could not carry all of its digits. */
  raw?: Uint8Array;
}

/** The event of a webhook that belongs to no request made here. */
export function unmatchedEvent(
  event: InboundEvent,
  origin: {
    provider: ProviderId;
    clientId: string;
    connectionId: string;
    receivedAtMs: number;
    numbersAsText: boolean;
    raw?: Uint8Array;
  },
): FinalEvent {
  const id = unmatchedEventId({ ...event, connectionId: origin.connectionId });
  const { workflowId, providerRequestId, accountId, action, status, eventType, ...outcome } =
    event.data;
  const envelope = busText({
    id,
    type: event.type,
    createdAt: event.createdAt ?? new Date(origin.receivedAtMs).toISOString(),
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

/** JSON that every target of the bus takes: SQS refuses two characters that JSON leaves as they are. */
function busText(value: object): string {
  return JSON.stringify(value).replace(
    /[\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16)}`,
  );
}

/** EventBridge's `detail`: the envelope's very bytes with the tenant in front. */
export function busDetail(event: Pick<FinalEvent, "clientId" | "envelope">): string {
  return `{"clientId":${JSON.stringify(event.clientId)},${event.envelope.slice(1)}`;
}
