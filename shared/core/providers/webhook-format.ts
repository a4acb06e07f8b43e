import type * as z from "zod/mini";
import type { DeliverableType } from "../../contracts/events.ts";
import type { OutboundHashFormat } from "../../contracts/webhook-forms.ts";

/** Writes the body of one delivery. Every number keeps the digits that it has in the envelope. */
export type PayloadWriter = (input: {
  /** The event's JSON text. */
  envelope: string;
  hashFormat: OutboundHashFormat;
  /** The webhook's secret, as the text that the receiver has. */
  secret: string;
}) => string;

/** A webhook format of a provider: what Ackwire sends to a client's webhook that asks for it. */
export interface ProviderWebhookFormat {
  /** Whether its payloads carry a `hash`, so that a webhook may choose a `hashFormat`. */
  hasHash: boolean;
  /** The schema of its payloads, and its name among the components of the contracts. */
  payload?: { name: string; schema: z.ZodMiniType };
  /**
   * How each event that a webhook can get becomes a payload; `null`: this format
   * does not carry the event. Every type must be listed, so that a new type
   * does not compile until each format has decided.
   */
  payloads: Readonly<Record<DeliverableType, PayloadWriter | null>>;
}
