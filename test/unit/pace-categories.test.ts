import { describe, expect, test } from "vitest";
import { linkedApiCategoryOf } from "../../shared/providers/linked-api/categories.ts";
import { weLinkCategoryOf } from "../../shared/providers/we-link/categories.ts";

describe("We-Link's actions", () => {
  test.each([
    ["connect", "stConnectionRequests"],
    ["invite", "stConnectionRequests"],
    ["send_connection_request", "stConnectionRequests"],
    ["send_message_to_thread", "stMessages"],
    ["send_message_to_profile_id", "stMessages"],
    ["send_message_to_event_member", "stMessages"],
    ["send_message_to_sales_navigator_thread", "nvMessages"],
    ["send_inmail_message", "nvMessages"],
    ["view_profile", "stPersonProfileViews"],
    ["get_profile_details", "stPersonProfileViews"],
    ["get_profile_contact_details", "stPersonProfileViews"],
    ["get_company_details", "stCompanyPageViews"],
    ["search_people", "stSearchQueries"],
    ["endorse_skills", "stEndorsements"],
    ["like_post", "stReactions"],
    ["comment_on_post", "stComments"],
    ["create_post", "stPosts"],
    ["connections", "other"],
    ["get_connection_status", "other"],
    ["pending_invites", "other"],
    ["withdraw_invite", "other"],
    ["personal_messages", "other"],
    ["login_v2", "other"],
    ["something_new", "other"],
  ])("We-Link's action %s counts as %s", (action, category) => {
    expect(weLinkCategoryOf(action)).toBe(category);
  });
});

describe("Linked API's actions", () => {
  test.each([
    ["st.sendConnectionRequest", "stConnectionRequests"],
    ["st.sendMessage", "stMessages"],
    ["nv.sendMessage", "nvMessages"],
    ["st.openPersonPage", "stPersonProfileViews"],
    ["nv.openPersonPage", "nvPersonProfileViews"],
    ["st.openCompanyPage", "stCompanyPageViews"],
    ["nv.openCompanyPage", "nvCompanyPageViews"],
    ["nv.searchPeople", "stSearchQueries"],
    ["st.reactToPost", "stReactions"],
    ["st.commentOnPost", "stComments"],
    ["st.createPost", "stPosts"],
    ["st.syncConversation", "other"],
    ["st.retrieveConnections", "other"],
    ["xx.sendMessage", "other"],
  ])("Linked API's action %s counts as %s", (action, category) => {
    expect(linkedApiCategoryOf(action, {})).toBe(category);
  });

  const invite = `{"actionType":"st.sendConnectionRequest"}`;
  const open = `"actionType":"st.openPersonPage"`;

  test.each([
    ["in a list", `[{},${invite}]`],
    ["in `then`", `{"then":${invite}}`],
    ["in a list in `then`", `{"then":[{${open}},${invite}]}`],
    ["deep in `then`", `{"then":[{${open},"then":{${open},"then":[${invite}]}}]}`],
  ])("A profile view with an invitation %s counts as an invitation", (_, params) => {
    const category = linkedApiCategoryOf("st.openPersonPage", JSON.parse(params));
    expect(category).toBe("stConnectionRequests");
  });

  test("Members that are no actions change nothing", () => {
    const params = JSON.parse(`{"then":[null,5,"x",{"actionType":7,"then":[[${invite}]]}]}`);
    expect(linkedApiCategoryOf("st.openPersonPage", params)).toBe("stPersonProfileViews");
  });
});
