import * as z from "zod/mini";

/** What limits count. The names are Linked API's; `other` is every action that a pack does not map. */
export const categories = [
  "stPersonProfileViews",
  "stCompanyPageViews",
  "stConnectionRequests",
  "stMessages",
  "stSearchQueries",
  "stReactions",
  "stEndorsements",
  "stComments",
  "stPosts",
  "nvPersonProfileViews",
  "nvCompanyPageViews",
  "nvMessages",
  "other",
] as const;

export type Category = (typeof categories)[number];

/** `any` counts every request of the account, whatever its category. */
export const limitCategories = [...categories, "any"] as const;

export type LimitCategory = (typeof limitCategories)[number];

/** Rolling windows: the last 60 minutes, 24 hours, 7 days and 30 days. */
export const limitWindows = ["hour", "day", "week", "month"] as const;

export type LimitWindow = (typeof limitWindows)[number];

/** Sets of limits that Ackwire knows; their figures are in `shared/core/pace/presets.ts`. */
export const paceLimitPresets = ["off", "careful", "standard"] as const;

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const MAX_LIMIT = 100_000;

export const limitSchema = z.strictObject({
  category: z.enum(limitCategories),
  per: z.enum(limitWindows),
  max: z
    .number()
    .check(
      z.int(),
      z.gte(0),
      z.lte(MAX_LIMIT),
      z.describe("Submissions in any window of this length; 0 allows none."),
    ),
  isEnabled: z
    .exactOptional(z.boolean())
    .check(
      z.describe(
        "`false`: there is no limit for this category and window, not even the preset's; `max` is kept for later.",
      ),
    ),
});

export type Limit = z.output<typeof limitSchema>;

export const limitsSchema = z.array(limitSchema).check(
  z.maxLength(limitCategories.length * limitWindows.length),
  z.refine(
    (limits) =>
      new Set(limits.map(({ category, per }) => `${category}/${per}`)).size === limits.length,
    "names a category and window twice",
  ),
);

export const presetSchema = z.enum(paceLimitPresets);

export type Preset = z.output<typeof presetSchema>;

/** The limits of an account that has chosen none. */
export const DEFAULT_PRESET: Preset = "careful";

const clockTime = /^([01]\d|2[0-3]):[0-5]\d$/;

const isStart = (text: string) => clockTime.test(text);
const isEnd = (text: string) => clockTime.test(text) || text === "24:00";

export const hoursSchema = z
  .strictObject({
    timeZone: z
      .string()
      .check(
        z.maxLength(64),
        z.refine(isTimeZone, "must be a time zone of the IANA database, such as Europe/Berlin"),
      ),
    days: z.array(z.enum(weekdays)).check(
      z.refine((days) => days.length > 0, "must name at least one day"),
      z.refine((days) => new Set(days).size === days.length, "names a day twice"),
    ),
    from: z.string().check(z.refine(isStart, "must be a time from 00:00 to 23:59, such as 09:00")),
    to: z.string().check(z.refine(isEnd, "must be a time from 00:01 to 24:00, such as 18:00")),
  })
  .check(
    z.refine(({ from, to }) => from < to || !isStart(from) || !isEnd(to), {
      path: ["to"],
      error: "must be later than from",
    }),
  );

export type Hours = z.output<typeof hoursSchema>;

/**
 * Rounds to thousandths: milliseconds, where the number is in seconds. DynamoDB stores no number
 * between 0 and 1e-130.
 */
export const thousandths = () => z.overwrite<number>((n) => Math.round(n * 1_000) / 1_000);

export const warmUpSchema = z.strictObject({
  days: z
    .number()
    .check(z.int(), z.gte(1), z.lte(365), z.describe("Days until the limits are in full.")),
  from: z
    .number()
    .check(
      z.gte(0),
      z.lte(1),
      thousandths(),
      z.describe("The part of each limit with which it starts; rounded to thousandths."),
    ),
});

export type WarmUp = z.output<typeof warmUpSchema>;

/** Offsets such as +01:00 are refused: they know no clock changes. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
