import { describe, expect, test } from "vitest";
import { paceChangeOf } from "../../cli/pace-options.ts";
import type { Limit } from "../../shared/contracts/pace.ts";

const own: Limit[] = [
  { category: "stMessages", per: "day", max: 5 },
  { category: "any", per: "hour", max: 9 },
];

describe("accounts set", () => {
  test("All options change the account at once", () => {
    const options = {
      pace: "20-60",
      preset: "standard",
      hours: "mon-fri 09:00-18:00 Europe/Berlin",
      "warm-up": "14:0.2",
      limit: ["stPosts/week=3"],
    };
    expect(paceChangeOf(options, [])).toEqual({
      pace: { minSeconds: 20, maxSeconds: 60 },
      preset: "standard",
      hours: {
        timeZone: "Europe/Berlin",
        days: ["mon", "tue", "wed", "thu", "fri"],
        from: "09:00",
        to: "18:00",
      },
      warmUp: { days: 14, from: 0.2 },
      limits: [{ category: "stPosts", per: "week", max: 3 }],
    });
  });

  test("An option that is not given changes nothing", () => {
    expect(paceChangeOf({ preset: "off" }, own)).toEqual({ preset: "off" });
  });

  test("Hours and warm-up are removed with off", () => {
    expect(paceChangeOf({ hours: "off", "warm-up": "off" }, own)).toEqual({
      hours: null,
      warmUp: null,
    });
  });

  test.each([
    ["mon,wed,fri", ["mon", "wed", "fri"]],
    ["sat-mon", ["sat", "sun", "mon"]],
    ["Mon-Tue,sun", ["mon", "tue", "sun"]],
  ])("The days %s are %j", (days, expected) => {
    const change = paceChangeOf({ hours: `${days} 00:00-24:00 UTC` }, own);
    expect(change.hours).toMatchObject({ days: expected, to: "24:00" });
  });

  test("Limits that are named are added, changed, removed or left to the preset, and the others stay", () => {
    const limitsAfter = (...limit: string[]) => paceChangeOf({ limit }, own).limits;
    const [messages, any] = own;
    expect(limitsAfter("stMessages/day=40")).toEqual([{ ...messages, max: 40 }, any]);
    expect(limitsAfter("stMessages/day=off")).toEqual([{ ...messages, isEnabled: false }, any]);
    expect(limitsAfter("stMessages/day=preset")).toEqual([any]);
    expect(limitsAfter("stPosts/month=0", "any/hour=preset")).toEqual([
      messages,
      { category: "stPosts", per: "month", max: 0 },
    ]);
  });

  test.each([
    [{}, "--pace, --preset"],
    [{ pace: "90-30" }, "--pace must be"],
    [{ preset: "fast" }, "--preset must be off, careful, standard"],
    [{ hours: "09:00-18:00 Europe/Berlin" }, "--hours must be DAYS FROM-TO ZONE"],
    [{ hours: "mon-funday 09:00-18:00 Europe/Berlin" }, '"funday" is not a day'],
    [{ hours: "mon-fri 18:00-09:00 Europe/Berlin" }, "--hours: to must be later than from"],
    [{ hours: "mon-fri 9-18 Europe/Berlin" }, "--hours: from must be a time"],
    [{ hours: "mon-fri 09:00-18:00 Berlin" }, "--hours: timeZone must be a time zone"],
    [{ hours: "mon,mon 09:00-18:00 UTC" }, "--hours: days names a day twice"],
    [{ "warm-up": "14" }, "--warm-up must be DAYS:FROM"],
    [{ "warm-up": "14:2" }, "--warm-up must be DAYS:FROM"],
    [{ limit: ["stMessages=4"] }, "must be CATEGORY/WINDOW=MAX"],
    [{ limit: ["messages/day=4"] }, "the category must be one of stPersonProfileViews"],
    [{ limit: ["stMessages/daily=4"] }, "the window must be one of hour, day, week, month"],
    [{ limit: ["stMessages/day=100001"] }, "the maximum must be from 0 to 100000"],
  ])("The options %j are refused with %j", (options, message) => {
    expect(() => paceChangeOf(options, own)).toThrow(message);
  });
});
