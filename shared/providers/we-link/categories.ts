import type { Category } from "../../contracts/pace.ts";
import type { ProviderLimits } from "../../core/pace/pace-settings.ts";

/**
 * The category of each action, by the name of its endpoint; the first row that matches applies.
 * https://apidocs.we-link.ai/api-reference
 */
const rows: readonly { action: RegExp; category: Category }[] = [
  { action: /^connect(_with.*|_to.*)?$/, category: "stConnectionRequests" },
  { action: /^(send_)?(invite|invitation|connection_request)/, category: "stConnectionRequests" },
  { action: /^send_.*(inmail|sales_nav)/, category: "nvMessages" },
  { action: /^send_.*message/, category: "stMessages" },
  { action: /^(view|visit|get|scrape)_sales_nav.*profile/, category: "nvPersonProfileViews" },
  { action: /^(view|visit|get|scrape)_sales_nav.*company/, category: "nvCompanyPageViews" },
  { action: /^(view|visit|get|scrape)_profile/, category: "stPersonProfileViews" },
  { action: /^(view|visit|get|scrape)_company/, category: "stCompanyPageViews" },
  { action: /^search/, category: "stSearchQueries" },
  { action: /^(like|react)/, category: "stReactions" },
  { action: /^endorse/, category: "stEndorsements" },
  { action: /^(comment|add_comment|create_comment)/, category: "stComments" },
  { action: /^(create_|publish_)?post(_|$)/, category: "stPosts" },
];

export function weLinkCategoryOf(action: string): Category {
  return rows.find((row) => row.action.test(action))?.category ?? "other";
}

/**
 * 100 requests an hour for each account, in a rolling window.
 * https://apidocs.we-link.ai/docs/errors-and-limits/rate-limits
 */
export const weLinkLimits: ProviderLimits = {
  limits: [{ category: "any", per: "hour", max: 100 }],
};
