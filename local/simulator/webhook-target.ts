import type { ProviderId } from "../../shared/contracts/providers.ts";

/** The connection to which a provider sends its webhooks. */
export interface WebhookTarget {
  provider: ProviderId;
  connectionId: string;
  inboundUrl: string;
  secret?: string;
}
