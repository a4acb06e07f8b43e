import type { EventType } from "../../contracts/events.ts";

/** The content of a webhook in Ackwire's terms. */
export interface InboundEvent {
  type: EventType;
  /** The provider's id of the subject: a request, a workflow or an account. */
  subjectId: string;
  /** Distinguishes events of one type and subject, if there can be several. */
  discriminator?: string;
  /** ISO 8601, if the provider sends the time of the event. */
  createdAt?: string;
  /** Labels that were sent with the request and returned with the result. */
  labels?: readonly string[];
  /** `eventType` is the provider's own value. */
  hasOwnEventType?: true;
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
    /** The provider should confirm the event, and has no call for it. */
    unverified?: true;
  };
}
