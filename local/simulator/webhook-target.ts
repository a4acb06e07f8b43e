/** The connection to which a provider sends its webhooks. */
export interface WebhookTarget {
  /** Perhaps one that the simulator does not imitate. */
  provider: string;
  connectionId: string;
  inboundUrl: string;
  secret?: string;
}
