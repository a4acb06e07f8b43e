import { describe, expect, test } from "vitest";
import type * as z from "zod/mini";
import { paceRange } from "../../shared/contracts/http/accounts.ts";
import {
  hoursSchema,
  limitsSchema,
  presetSchema,
  warmUpSchema,
} from "../../shared/contracts/pace.ts";
import { byContract } from "../../shared/core/input/by-contract.ts";
import { validate } from "../../shared/core/input/invalid-request.ts";

function errorsIn(schema: z.ZodMiniType, value: unknown) {
  return validate(schema, byContract(schema, value)).errors ?? [];
}

const hours = {
  timeZone: "Europe/Berlin",
  days: ["mon", "fri"],
  from: "09:00",
  to: "18:00",
};

describe("The hours of an account", () => {
  test.each([
    {},
    { to: "24:00" },
    { from: "00:00", to: "00:01" },
    { timeZone: "UTC" },
    { timeZone: "Australia/Lord_Howe" },
    { days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
  ])("Hours with %o are accepted", (change) => {
    expect(errorsIn(hoursSchema, { ...hours, ...change })).toEqual([]);
  });

  const zone = "must be a time zone of the IANA database, such as Europe/Berlin";
  test.each([
    [{ timeZone: "Europe/Berlim" }, "timeZone", zone],
    [{ timeZone: "+01:00" }, "timeZone", zone],
    [{ timeZone: "" }, "timeZone", zone],
    [{ days: [] }, "days", "must name at least one day"],
    [{ days: ["mon", "mon"] }, "days", "names a day twice"],
    [{ from: "24:00" }, "from", "must be a time from 00:00 to 23:59, such as 09:00"],
    [{ from: "9:00" }, "from", "must be a time from 00:00 to 23:59, such as 09:00"],
    [{ to: "24:01" }, "to", "must be a time from 00:01 to 24:00, such as 18:00"],
    [{ to: "18:60" }, "to", "must be a time from 00:01 to 24:00, such as 18:00"],
    [{ from: "18:00" }, "to", "must be later than from"],
    [{ from: "22:00", to: "06:00" }, "to", "must be later than from"],
  ])("Hours with %o are refused: %s %s", (change, field, message) => {
    expect(errorsIn(hoursSchema, { ...hours, ...change })).toEqual([{ field, message }]);
  });
});

describe("The limits of an account", () => {
  const limit = { category: "stMessages", per: "day", max: 50 };

  test("Limits of the same category with different windows are accepted, 0 included", () => {
    expect(errorsIn(limitsSchema, [limit, { ...limit, per: "week", max: 0 }])).toEqual([]);
  });

  test("Two limits of the same category and window are refused", () => {
    expect(errorsIn(limitsSchema, [limit, { ...limit, max: 5 }])).toEqual([
      { field: expect.anything(), message: "names a category and window twice" },
    ]);
  });

  test.each([
    [{ category: "messages" }, "category"],
    [{ per: "year" }, "per"],
    [{ max: -1 }, "max"],
    [{ max: 1.5 }, "max"],
    [{ max: 100_001 }, "max"],
  ])("A limit with %o is refused", (change, field) => {
    const errors = errorsIn(limitsSchema, [{ ...limit, ...change }]);
    expect(errors.map((error) => error.field.split(".").at(-1))).toEqual([field]);
  });
});

test("Numbers that DynamoDB cannot store are rounded: to milliseconds, to thousandths of a limit", () => {
  const tiny = 1.1755052411452853e-231;
  expect(paceRange.parse({ minSeconds: tiny, maxSeconds: 65_760.30672666749 })).toEqual({
    minSeconds: 0,
    maxSeconds: 65_760.307,
  });
  expect(warmUpSchema.parse({ days: 14, from: tiny })).toEqual({ days: 14, from: 0 });
});

test.each([
  [presetSchema, "careful", 0],
  [presetSchema, "reckless", 1],
  [warmUpSchema, { days: 14, from: 0.2 }, 0],
  [warmUpSchema, { days: 0, from: 0.2 }, 1],
  [warmUpSchema, { days: 14, from: 1.2 }, 1],
  [warmUpSchema, { days: 14 }, 1],
])("A preset or warm-up is checked (%#)", (schema, value, count) => {
  expect(errorsIn(schema, value)).toHaveLength(count);
});
