import * as z from "zod/mini";
import { providerId } from "../providers.ts";

/** A message of the inbound queue, from `ingest` to `consume`: the exact bytes of a verified webhook. */
export const inboundMessage = z.object({
  v: z.literal(1),
  provider: providerId,
  clientId: z.string(),
  connectionId: z.string(),
  /** Business time of receipt, epoch milliseconds. */
  receivedAtMs: z.number(),
  /** The trace that the provider's call belongs to, where it names one. */
  traceparent: z.optional(z.string()),
  /** `consume` must ask the provider: the webhook is only a hint. */
  verifyByFetch: z.optional(z.literal(true)),
  /** The webhook's bytes. Base64, because SQS takes only the characters of XML 1.0. */
  bodyBase64: z.optional(z.string()),
  /**
   * Real time until which the webhook waits for a submission on its connection,
   * which may be the submission of its request. Set at the first wait.
   */
  waitUntilRealMs: z.optional(z.number()),
  /** Number of those waits so far. */
  waits: z.optional(z.number()),
  /** Key of a larger body in the bucket. */
  bodyKey: z.optional(z.string()),
});

export type InboundMessage = z.output<typeof inboundMessage>;
