import { createHmac } from "node:crypto";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";

/** The digest of a call's body that is stored with its idempotency key. */
export interface BodyDigest {
  text: string;
  /** Returns whether a stored digest is of the same body. */
  matches(storedDigest: string): boolean;
}

export function plainDigest(body: string): BodyDigest {
  const text = sha256Hex(body);
  return { text, matches: (kept) => kept === text };
}

/** The digest of a body that contains a secret. It is keyed, so that the secret cannot be guessed from it. */
export function keyedDigest(master: MasterKeys, body: string): BodyDigest {
  const digestWith = (keyId: string) => {
    const key = master.keys.get(keyId);
    if (key === undefined) return undefined;
    return `${keyId}.${createHmac("sha256", key).update(`ackwire/body ${body}`).digest("hex")}`;
  };
  const text = digestWith(master.current);
  if (text === undefined) throw new Error("The master secret has no current key");
  // The stored digest may have been made with an older master key.
  return { text, matches: (kept) => digestWith(kept.split(".")[0] ?? "") === kept };
}
