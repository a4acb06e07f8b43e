import { createHmac } from "node:crypto";
import { equalSecrets } from "../crypto/digest.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";

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
  return tokenOf({ keyId: master.current, key }, of);
}

/** The id of the master key that a token was derived from; empty where it names none. */
export function identifiedWith(token: string): string {
  return /^(k\d{1,6})\./.exec(token)?.[1] ?? "";
}

/**
 * The account that a token names, if it was made for this client by any master
 * key that there is: tokens outlive a rotation of the master secret.
 */
export function identifiedAccount(
  master: MasterKeys,
  clientId: string,
  token: string,
): string | undefined {
  const keyId = identifiedWith(token);
  const key = master.keys.get(keyId);
  const accountId = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  if (key === undefined || accountId === "") return undefined;
  // Made anew and compared whole, so that no other spelling of it passes.
  const expected = tokenOf({ keyId, key }, { clientId, accountId });
  return equalSecrets(expected, token) ? accountId : undefined;
}

function tokenOf(
  by: { keyId: string; key: string },
  of: { clientId: string; accountId: string },
): string {
  const proof = createHmac("sha256", by.key)
    .update(JSON.stringify(["ackwire/identification", of.clientId, of.accountId]))
    .digest("base64url");
  return `${by.keyId}.${Buffer.from(of.accountId).toString("base64url")}.${proof}`;
}
