import { createHmac } from "node:crypto";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";

/** What is kept of a call's body beside its idempotency key. */
export interface BodyDigest {
  text: string;
  /** Whether a digest that was kept before is of the same body. */
  isOf(kept: string): boolean;
}

export function plainDigest(body: string): BodyDigest {
  const text = sha256Hex(body);
  return { text, isOf: (kept) => kept === text };
}

/** Of a body that holds a secret: without the master key nobody can try out what it was. */
export function keyedDigest(master: MasterKeys, body: string): BodyDigest {
  const digestWith = (keyId: string) => {
    const key = master.keys.get(keyId);
    if (key === undefined) return undefined;
    return `${keyId}.${createHmac("sha256", key).update(`ackwire/body ${body}`).digest("hex")}`;
  };
  const text = digestWith(master.current);
  if (text === undefined) throw new Error("The master secret has no current key");
  // It may have been kept under a key that was the current one then.
  return { text, isOf: (kept) => digestWith(kept.split(".")[0] ?? "") === kept };
}
