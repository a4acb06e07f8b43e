import { createHmac } from "node:crypto";
import { equalSecrets } from "../crypto/digest.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";

/**
 * Returns the token by which a client names one of its accounts in a dialect that
 * has such tokens. It is derived from the master key, so nothing is stored.
 */
export function identificationToken(
  master: MasterKeys,
  of: { clientId: string; accountId: string },
): string {
  const key = master.keys.get(master.current);
  if (key === undefined) throw new Error("The master secret has no current key");
  return tokenOf({ keyId: master.current, key }, of);
}

/** Returns the id of the master key from which a token was derived; empty where the token names none. */
export function masterKeyIdOf(token: string): string {
  return /^(k\d{1,6})\./.exec(token)?.[1] ?? "";
}

/**
 * Returns the account that a token names; `undefined` where the token is not
 * valid for this client. Any existing master key is accepted, so tokens outlive a
 * rotation of the master secret.
 */
export function accountIdOfToken(
  master: MasterKeys,
  clientId: string,
  token: string,
): string | undefined {
  const keyId = masterKeyIdOf(token);
  const key = master.keys.get(keyId);
  const accountId = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  if (key === undefined || accountId === "") return undefined;
  // Derived again and compared as a whole: base64url has several spellings of one id.
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
