import * as z from "zod/mini";

/** `thin` leaves out `data.result`, which the receiver then fetches. */
export const payloadMode = z.enum(["fat", "thin"]);
export type PayloadMode = z.output<typeof payloadMode>;

/** `standard`: the envelope as it is on the bus; `we-link`: We-Link's flat payload. */
export const webhookFormat = z.enum(["standard", "we-link"]);
export type WebhookFormat = z.output<typeof webhookFormat>;

/** How the member `hash` of We-Link's payload is made: its documents show both. */
export const hashFormat = z.enum(["hmac-hex", "jwt"]);
export type HashFormat = z.output<typeof hashFormat>;
