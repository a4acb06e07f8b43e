import { sha256Hex } from "../../core/crypto/digest.ts";

/** Stands for the account of a call that names none and has no address either. */
const UNASSIGNED = "unassigned";

/**
 * The account in whose lane a We-Link call waits that names none: a login
 * creates its account, and another login for the same address must not
 * overtake it. The address itself is not kept in ids.
 */
export function accountIdOfNameless(email: unknown): string {
  if (typeof email !== "string" || email === "") return UNASSIGNED;
  return `email:${sha256Hex(email.trim().toLowerCase()).slice(0, 16)}`;
}

/** Whether We-Link knows it: the ids of nameless calls are ours, and never sent. */
export function isWeLinkAccount(accountId: string): boolean {
  return accountId !== UNASSIGNED && !accountId.startsWith("email:");
}
