import { createHmac } from "node:crypto";
import type { MasterKeys } from "./master-keys.ts";

/**
 * The `identification-token` by which a client that speaks Linked API names one
 * of its accounts. It is derived from the master key: nothing is stored.
 */
export function identificationToken(
  master: MasterKeys,
  of: { clientId: string; accountId: string },
): string {
  const key = master.keys.get(master.current);
  if (key === undefined) throw new Error("The master secret has no current key");
  const proof = createHmac("sha256", key)
    .update(JSON.stringify(["ackwire/identification", of.clientId, of.accountId]))
    .digest("base64url");
  return `${master.current}.${Buffer.from(of.accountId).toString("base64url")}.${proof}`;
}
