import type { Category } from "../../contracts/pace.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";

/**
 * The category of each action, by `actionType`; the first row that matches applies. Linked API
 * names these categories (`limits.type.d.ts` of `@linkedapi/node` 1.2.19), and does not say which
 * action counts as which. The order is that of strictness: where a request has several actions,
 * the first row decides.
 */
const rows: readonly { action: RegExp; category: Category }[] = [
  { action: /^st\.sendConnectionRequest$/, category: "stConnectionRequests" },
  { action: /^nv\.sendMessage$/, category: "nvMessages" },
  { action: /^st\.sendMessage$/, category: "stMessages" },
  { action: /^st\.createPost$/, category: "stPosts" },
  { action: /^st\.commentOnPost$/, category: "stComments" },
  { action: /^st\.reactToPost$/, category: "stReactions" },
  { action: /^(st|nv)\.search/, category: "stSearchQueries" },
  { action: /^nv\.(openPersonPage|retrievePerson|doForPeople)/, category: "nvPersonProfileViews" },
  {
    action: /^st\.(openPersonPage|retrievePerson|doForPeople|checkConnectionStatus)/,
    category: "stPersonProfileViews",
  },
  {
    action: /^nv\.(openCompanyPage|retrieveCompany|doForCompanies)/,
    category: "nvCompanyPageViews",
  },
  {
    action: /^st\.(openCompanyPage|retrieveCompany|doForCompanies)/,
    category: "stCompanyPageViews",
  },
];

/** Actions of one request that are looked at; a request with more counts by those. */
const MAX_ACTIONS = 1_000;

/** The strictest category of the actions of a request, those in `then` included. */
export function linkedApiCategoryOf(
  action: string,
  params: JsonObject | readonly JsonObject[],
): Category {
  const types = [action, ...actionTypesIn(params)];
  return rows.find((row) => types.some((type) => row.action.test(type)))?.category ?? "other";
}

function actionTypesIn(params: JsonObject | readonly JsonObject[]): string[] {
  const types: string[] = [];
  const pending: unknown[] = [params].flat();
  for (let looked = 0; pending.length > 0 && looked < MAX_ACTIONS; looked += 1) {
    const action = pending.shift();
    if (!isObject(action)) continue;
    if (typeof action.actionType === "string") types.push(action.actionType);
    pending.push(...[action.then].flat());
  }
  return types;
}
