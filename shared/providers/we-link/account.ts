import { sha256Hex } from "../../core/crypto/digest.ts";

/** The account of a call that has neither an account nor an email address. */
const UNASSIGNED = "unassigned";

/**
 * Returns the account in whose lane a call without an account waits. A login
 * creates its account, and must not overtake another login for the same address.
 * Ids contain a digest, not the address.
 */
export function accountIdFromEmail(email: unknown): string {
  if (typeof email !== "string" || email === "") return UNASSIGNED;
  return `email:${sha256Hex(email.trim().toLowerCase()).slice(0, 16)}`;
}

/** Whether We-Link knows the account: the ids of calls without an account are our own and are never sent. */
export function isWeLinkAccount(accountId: string): boolean {
  return accountId !== UNASSIGNED && !accountId.startsWith("email:");
}
