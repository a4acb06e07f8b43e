import { sha256Hex } from "../../crypto/digest.ts";

/** The same for the same webhook and event: whoever makes the delivery again finds it made. */
export function deliveryIdOf(webhookId: string, eventId: string): string {
  return `dl_${sha256Hex(JSON.stringify([webhookId, eventId])).slice(0, 32)}`;
}
