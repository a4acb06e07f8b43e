import { toIso } from "../clock.ts";
import { sha256Hex } from "../crypto/digest.ts";

/** The key of a quarantined webhook: connection, business time of receipt, digest. */
export function quarantineKey(webhook: {
  connectionId: string;
  body: Uint8Array;
  receivedAtMs: number;
}): string {
  const at = toIso(webhook.receivedAtMs);
  return `quarantine/${webhook.connectionId}/${at}-${sha256Hex(webhook.body).slice(0, 16)}`;
}

/** The business time of receipt that a key contains, epoch milliseconds. */
export function quarantinedAt(key: string): number {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return Date.parse(name.slice(0, name.lastIndexOf("-")));
}
