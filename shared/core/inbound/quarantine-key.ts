import { sha256Hex } from "../crypto/digest.ts";

/** Where a webhook lies in quarantine: by connection, then by the business time when it came. */
export function quarantineKey(of: {
  connectionId: string;
  body: Uint8Array;
  receivedAtMs: number;
}): string {
  const at = new Date(of.receivedAtMs).toISOString();
  return `quarantine/${of.connectionId}/${at}-${sha256Hex(of.body).slice(0, 16)}`;
}

export function quarantinedAt(key: string): number {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return Date.parse(name.slice(0, name.lastIndexOf("-")));
}
