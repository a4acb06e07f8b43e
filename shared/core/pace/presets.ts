import type { Category, Limit, LimitCategory, Preset } from "../../contracts/pace.ts";
import type { MsRange } from "./pace-settings.ts";

interface PaceOfPreset {
  limits: readonly Limit[];
  coolDowns: Partial<Record<Category, MsRange>>;
}

const perDay = (figures: Partial<Record<LimitCategory, number>>): Limit[] =>
  Object.entries(figures).map(([category, max]) => ({
    category: category as LimitCategory,
    per: "day",
    max,
  }));

const perWeek = (category: LimitCategory, max: number): Limit => ({ category, per: "week", max });

/** A provider's rate limit page asks for 5 to 10 minutes of rest after an invitation. */
const coolDowns = { stConnectionRequests: { minMs: 5 * 60_000, maxMs: 10 * 60_000 } };

/**
 * The limits of each preset. The figures are those that providers and tools of this field publish,
 * read in November 2026:
 *
 * - Invitations: about 100 a week (Salesflow 100, Funkel 120, 150 to 200 at most), and 10 to 35 a
 *   day (Salesflow 15, lemlist 35). The days of a five-day week add up to the week.
 * - Messages: 50 to 100 a day (Salesflow recommends 100, Funkel 100 a week).
 * - InMail and messages of Sales Navigator: 30 to 50 a day.
 * - Profile views: 80 to 100 a day (Unipile, Captain Data 80, Salesflow 50 to 100). Company pages
 *   are opened alike, and have no figure of their own.
 * - Searches, reactions, endorsements and comments: at most 100 "other actions" a day; published
 *   guides for careful accounts recommend 40.
 *
 * Nobody publishes a figure for posts. `other` has none either: it includes what only reads.
 */
export const presets: Readonly<Record<Preset, PaceOfPreset>> = {
  off: { limits: [], coolDowns: {} },
  careful: {
    limits: [
      ...perDay({
        stConnectionRequests: 20,
        stMessages: 50,
        nvMessages: 30,
        stPersonProfileViews: 80,
        nvPersonProfileViews: 80,
        stCompanyPageViews: 80,
        nvCompanyPageViews: 80,
        stSearchQueries: 40,
        stReactions: 40,
        stEndorsements: 40,
        stComments: 40,
      }),
      perWeek("stConnectionRequests", 100),
    ],
    coolDowns,
  },
  standard: {
    limits: [
      ...perDay({
        stConnectionRequests: 30,
        stMessages: 100,
        nvMessages: 50,
        stPersonProfileViews: 100,
        nvPersonProfileViews: 100,
        stCompanyPageViews: 100,
        nvCompanyPageViews: 100,
        stSearchQueries: 100,
        stReactions: 100,
        stEndorsements: 100,
        stComments: 100,
      }),
      perWeek("stConnectionRequests", 150),
    ],
    coolDowns,
  },
};
