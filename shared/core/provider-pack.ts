import type { EventType } from "../contracts/events.ts";
import type { ProviderId } from "../contracts/providers.ts";
import type { ReadJson } from "./json.ts";

/** A webhook as it came, its body read. */
export interface Webhook extends ReadJson {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
}

/** What a webhook says, in our words. */
export interface InboundEvent {
  type: EventType;
  /** The provider's id of what the event is about: a request, a workflow, an account. */
  subjectId: string;
  /** Tells events of one type and subject apart, where there can be several. */
  discriminator?: string;
  /** ISO 8601, where the provider says when the event was produced. */
  createdAt?: string;
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
  };
}

/** All that is particular to one provider: data and pure functions. */
export interface ProviderPack {
  id: ProviderId;
  /** True when the sender proved with one of the secrets that these bytes are its own. */
  verify(webhook: Webhook, secrets: readonly string[]): boolean;
  /**
   * What the webhook says.
   *
   * @throws FRAME_INVALID when it lacks what each of this provider's webhooks carries
   */
  read(webhook: Webhook): InboundEvent;
}
