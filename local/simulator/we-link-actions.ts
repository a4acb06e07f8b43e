/**
 * The actions that the simulated We-Link knows: the calls that the public
 * documentation at https://apidocs.we-link.ai names, and the activities of its
 * event tables in the same form. The documentation is not complete here: the
 * behaviour's `actions` adds names.
 */
export const weLinkActions: ReadonlySet<string> = new Set([
  // Authentication and accounts
  "login",
  "login_v2",
  "login_code",
  "get_response",
  "get_all_ln_accounts",
  "get_ln_account_details",
  "me",
  "disconnect_account",
  // Connections
  "connect",
  "connections",
  "get_connection_status",
  "pending_invites",
  "send_connection",
  "withdraw_invite",
  // Messages
  "message_sync",
  "personal_messages",
  "personal_message_threads",
  "send_group_message",
  "send_inmail",
  "send_inmail_message",
  "send_message",
  "send_message_to_event_member",
  "send_message_to_profile_id",
  "send_message_to_sales_navigator_thread",
  "send_message_to_thread",
  "wish_work_anniversary",
  "get_active_tracker",
  "update_message_tracker",
  // Profiles
  "endorse",
  "get_profile",
  "get_profile_contact_details",
  "get_profile_details",
  "profile_views",
  "scrape_profile",
  "view_profile",
  "visit_profile",
  // Searches
  "perform_search",
  "search",
  "search_companies",
  "search_people",
]);
