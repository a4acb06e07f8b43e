import type { EventType } from "../../contracts/events.ts";

/** What a webhook says, in our words. */
export interface InboundEvent {
  type: EventType;
  /** The provider's id of what the event is about: a request, a workflow, an account. */
  subjectId: string;
  /** Tells events of one type and subject apart, where there can be several. */
  discriminator?: string;
  /** ISO 8601, where the provider says when the event was produced. */
  createdAt?: string;
  /** Labels that the client's own words had, which came back with the result. */
  labels?: readonly string[];
  /** The provider itself said what the specification calls it: `eventType` is its own word. */
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
    /** The account is none that the client registered. */
    accountUnknown?: true;
    /** The provider was to be asked, and has no call that tells. */
    unverified?: true;
  };
}
