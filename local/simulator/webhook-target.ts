import type { ProviderId } from "../../shared/contracts/providers.ts";

/** Where a provider sends its webhooks. */
export interface WebhookTarget {
  provider: ProviderId;
  connectionId: string;
  inboundUrl: string;
  secret?: string;
}
