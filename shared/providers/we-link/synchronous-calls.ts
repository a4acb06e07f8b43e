/**
 * The calls that We-Link answers at once, without a place in a queue: the documents
 * except account management and `get_response` from asynchronous processing, and show
 * the answers of these calls.
 *
 * - https://apidocs.we-link.ai/docs/accounts-and-sessions/account-status
 * - https://apidocs.we-link.ai/docs/accounts-and-sessions/disconnecting-account
 * - https://apidocs.we-link.ai/api-reference/messaging/get-active-message-trackers
 * - https://apidocs.we-link.ai/api-reference/messaging/disable-an-active-message-tracker
 */
export const synchronousCalls = {
  get_all_ln_accounts: "Lists the connected accounts",
  get_ln_account_details: "Returns an account and its status",
  me: "Checks that an account's session is valid",
  disconnect_account: "Disconnects an account",
  get_active_tracker: "Lists the active message trackers of an account",
  update_message_tracker: "Disables a message tracker",
} as const;

export type SynchronousCall = keyof typeof synchronousCalls;

export function isSynchronousCall(action: string): action is SynchronousCall {
  return Object.hasOwn(synchronousCalls, action);
}
