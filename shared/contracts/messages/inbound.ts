import * as z from "zod/mini";
import { providerId } from "../providers.ts";

/** What `ingest` puts on the inbound queue and `consume` reads: a verified webhook, byte for byte. */
export const inboundMessage = z.object({
  v: z.literal(1),
  provider: providerId,
  clientId: z.string(),
  connectionId: z.string(),
  /** Business time of the ack, in epoch milliseconds. */
  receivedAtMs: z.number(),
  /** The webhook is a hint: what the provider answers when it is asked is what counts. */
  verifyByFetch: z.optional(z.literal(true)),
  /** The webhook's bytes. Base64, because SQS takes only the characters of XML 1.0. */
  bodyBase64: z.optional(z.string()),
  /**
   * Real time until which a submission on its connection was under way when the
   * webhook was first read: it waits so long for a request that may be its own.
   */
  waitUntilRealMs: z.optional(z.number()),
  /** How often it was put back for that. */
  waits: z.optional(z.number()),
  /** Where a larger body lies in the bucket. */
  bodyKey: z.optional(z.string()),
});

export type InboundMessage = z.output<typeof inboundMessage>;
