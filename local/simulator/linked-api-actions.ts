/**
 * Tells whether Linked API has an action of a type: one of its clients
 * `@linkedapi/node` 1.2.19 (npm) and `linkedapi` 1.4.7 (PyPI), or a loop
 * (`doForPeople` and its kin), which the documentation allows in custom workflows.
 */
export function isLinkedApiAction(type: string): boolean {
  const [product, name = ""] = type.split(".", 2);
  if (/^doFor[A-Z][A-Za-z]*$/.test(name)) return product === "st" || product === "nv";
  return type === `${product}.${name}` && (actions.get(product ?? "")?.has(name) ?? false);
}

const actions = new Map<string, ReadonlySet<string>>([
  [
    "st",
    new Set([
      "acceptInvitation",
      "checkConnectionStatus",
      "commentOnPost",
      "createPost",
      "createRepost",
      "endorsePersonSkill",
      "ignoreInvitation",
      "manageConversation",
      "openCompanyPage",
      "openJob",
      "openPersonPage",
      "openPost",
      "reactToComment",
      "reactToPost",
      "removeConnection",
      "replyToComment",
      "retrieveCompanyDMs",
      "retrieveCompanyEmployees",
      "retrieveCompanyPosts",
      "retrieveConnections",
      "retrieveFeed",
      "retrieveInvitations",
      "retrievePendingRequests",
      "retrievePerformance",
      "retrievePersonComments",
      "retrievePersonEducation",
      "retrievePersonExperience",
      "retrievePersonLanguages",
      "retrievePersonPosts",
      "retrievePersonReactions",
      "retrievePersonSkills",
      "retrievePostComments",
      "retrievePostReactions",
      "retrieveProfileViewers",
      "retrieveSSI",
      "searchCompanies",
      "searchJobs",
      "searchPeople",
      "searchPosts",
      "sendConnectionRequest",
      "sendMessage",
      "syncConversation",
      "syncInbox",
      "syncNetwork",
      "withdrawConnectionRequest",
    ]),
  ],
  [
    "nv",
    new Set([
      "manageConversation",
      "openCompanyPage",
      "openPersonPage",
      "retrieveCompanyDMs",
      "retrieveCompanyEmployees",
      "searchCompanies",
      "searchPeople",
      "sendMessage",
      "syncConversation",
      "syncInbox",
    ]),
  ],
]);
