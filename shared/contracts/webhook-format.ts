import * as z from "zod/mini";

/** `standard`: the envelope as it is on the bus; `we-link`: We-Link's flat payload. */
export const webhookFormat = z.enum(["standard", "we-link"]);
export type WebhookFormat = z.output<typeof webhookFormat>;
