import {
  type Hours,
  hoursSchema,
  type Limit,
  limitCategories,
  limitSchema,
  limitWindows,
  paceLimitPresets,
  presetSchema,
  type WarmUp,
  warmUpSchema,
  weekdays,
} from "../shared/contracts/pace.ts";
import type { AccountPaceChange } from "../shared/core/administration/account-pace.ts";
import {
  type LimitKey,
  replaceLimits,
  withoutLimits,
} from "../shared/core/pace/merge-pace-settings.ts";

/** The options of `accounts set`, as they were typed. */
export interface PaceOptions {
  pace?: string | undefined;
  preset?: string | undefined;
  hours?: string | undefined;
  "warm-up"?: string | undefined;
  limit?: readonly string[] | undefined;
}

/**
 * Parses the options of `accounts set`.
 *
 * @param own the account's own limits, of which those that are not named stay
 * @throws Error that names the option and shows an example
 */
export function paceChangeOf(options: PaceOptions, own: readonly Limit[]): AccountPaceChange {
  const { pace, preset, hours, "warm-up": warmUp, limit } = options;
  const change = {
    ...(pace === undefined ? {} : { pace: submissionIntervalOf(pace) }),
    ...(preset === undefined ? {} : { preset: presetOf(preset) }),
    ...(hours === undefined ? {} : { hours: hours === "off" ? null : hoursOf(hours) }),
    ...(warmUp === undefined ? {} : { warmUp: warmUp === "off" ? null : warmUpOf(warmUp) }),
    ...(limit === undefined ? {} : { limits: limitsOf(limit, own) }),
  };
  if (Object.keys(change).length > 0) return change;
  throw new Error("--pace, --preset, --hours, --warm-up or --limit is missing");
}

/** Parses seconds such as `30-90`. */
function submissionIntervalOf(text: string): { minSeconds: number; maxSeconds: number } {
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const pace = { minSeconds: Number(min), maxSeconds: Number(max) };
  if (min !== undefined && pace.minSeconds <= pace.maxSeconds) return pace;
  throw new Error("--pace must be seconds as MIN-MAX, such as 30-90");
}

function presetOf(text: string) {
  const preset = presetSchema.safeParse(text);
  if (preset.success) return preset.data;
  throw new Error(`--preset must be ${paceLimitPresets.join(", ")}`);
}

const HOURS_FORM = 'DAYS FROM-TO ZONE, such as "mon-fri 09:00-18:00 Europe/Berlin", or off';

/** Parses days, times and a time zone. */
function hoursOf(text: string): Hours {
  const [days = "", times = "", timeZone = "", ...more] = text.trim().split(/\s+/);
  const [from = "", to = "", ...others] = times.split("-");
  if (timeZone === "" || more.length > 0 || others.length > 0) {
    throw new Error(`--hours must be ${HOURS_FORM}`);
  }
  const read = hoursSchema.safeParse({ timeZone, days: daysOf(days), from, to });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`--hours: ${issue?.path.join(".")} ${issue?.message}`);
}

/** Parses days such as `mon-fri` or `mon,wed,fri`. */
function daysOf(text: string): string[] {
  return text.split(",").flatMap((part) => {
    const [first, last = first, ...more] = part.split("-").map((day) => weekdayOf(day));
    if (first === undefined || last === undefined || more.length > 0) {
      throw new Error(`--hours must be ${HOURS_FORM}`);
    }
    const length = (last - first + weekdays.length) % weekdays.length;
    return Array.from({ length: length + 1 }, (_, n) => weekdays[(first + n) % weekdays.length]);
  }) as string[];
}

function weekdayOf(text: string): number {
  const index = (weekdays as readonly string[]).indexOf(text.toLowerCase());
  if (index >= 0) return index;
  throw new Error(`--hours: "${text}" is not a day: ${weekdays.join(", ")}`);
}

/** Parses the days and the part with which a warm-up starts, such as `14:0.2`. */
function warmUpOf(text: string): WarmUp {
  const [, days, from] = /^(\d+):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const read = warmUpSchema.safeParse({ days: Number(days), from: Number(from) });
  if (read.success) return read.data;
  throw new Error(
    "--warm-up must be DAYS:FROM, 1 to 365 days and a part from 0 to 1, such as 14:0.2, or off",
  );
}

/** The account's own limits with those that are named changed or removed. */
function limitsOf(texts: readonly string[], own: readonly Limit[]): Limit[] {
  return texts.reduce<Limit[]>(
    (limits, text) => {
      const { key, value } = limitTextOf(text);
      if (value === "preset") return withoutLimits(limits, [key]);
      const before = limits.find(
        ({ category, per }) => category === key.category && per === key.per,
      );
      const limit =
        value === "off"
          ? { ...key, max: before?.max ?? 0, isEnabled: false }
          : { ...key, max: Number(value) };
      return replaceLimits(limits, [limit]);
    },
    [...own],
  );
}

/** Parses a limit such as `stMessages/day=40`. */
function limitTextOf(text: string): { key: LimitKey; value: string } {
  const [, category, per, value = ""] =
    /^(\w+)\/(\w+)=(\d+|off|preset)$/.exec(text) ??
    raise(
      `--limit ${text}: must be CATEGORY/WINDOW=MAX, such as stMessages/day=40; off for no limit, preset for the preset's`,
    );
  const { shape } = limitSchema;
  const readCategory = shape.category.safeParse(category);
  if (!readCategory.success) {
    raise(`--limit ${text}: the category must be one of ${limitCategories.join(", ")}`);
  }
  const readWindow = shape.per.safeParse(per);
  if (!readWindow.success) {
    raise(`--limit ${text}: the window must be one of ${limitWindows.join(", ")}`);
  }
  if (/^\d/.test(value) && !shape.max.safeParse(Number(value)).success) {
    raise(`--limit ${text}: the maximum must be from 0 to 100000`);
  }
  return { key: { category: readCategory.data, per: readWindow.data }, value };
}

function raise(message: string): never {
  throw new Error(message);
}
