import * as z from "zod/mini";
import { type ProviderId, providerPacks } from "./providers.ts";

/** Ids of the providers whose packs define a webhook format of their own. */
const providerFormats: ProviderId[] = Object.values(providerPacks)
  .filter(({ webhookFormat }) => webhookFormat !== undefined)
  .map(({ id }) => id);

/** `standard`: the envelope as it is on the bus; a provider's id: that provider's own payload. */
export const webhookFormat = z.enum(["standard", ...providerFormats]);
export type WebhookFormat = z.output<typeof webhookFormat>;
