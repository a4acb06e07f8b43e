import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { describeIssue, kindOf, membersOf } from "../../shared/core/input/describe-issue.ts";
import { validate } from "../../shared/core/input/invalid-request.ts";

const providers = z.enum(["we-link", "linked-api"]);
const decisions = z.discriminatedUnion("as", [
  z.strictObject({ as: z.literal("submitted") }),
  z.strictObject({ as: z.literal("not-submitted") }),
]);

/** A message, and an input of a schema about which it is. */
type Case = [message: string, schema: z.ZodMiniType, input: unknown];

/** What is said about an input as a whole. */
function messageOf(schema: z.ZodMiniType, input: unknown): string | undefined {
  const [error, ...others] = validate(schema, input).errors;
  expect(others).toEqual([]);
  expect(error?.field).toBe("");
  return error?.message;
}

describe("The message about a value of another kind", () => {
  test.each([
    ["string", "a string"],
    ["number", "a number"],
    ["int", "an integer"],
    ["boolean", "true or false"],
    ["object", "an object"],
    ["record", "an object"],
    ["array", "a list"],
    ["tuple", "a list"],
    ["null", "null"],
    ["undefined", "absent"],
    ["date", "another kind of value"],
  ])("A value that must be of the type %s must be %s", (expected, what) => {
    const of = { code: "invalid_type", expected } as const;
    expect(describeIssue({ ...of, input: 1n })).toBe(`must be ${what}, not a bigint`);
    expect(describeIssue({ ...of, input: undefined })).toBe("is missing");
    expect(describeIssue({ ...of, input: Number.NaN })).toBe(`must be ${what}`);
  });

  test("A value that has the kind already is not told to have it", () => {
    const issue = { code: "invalid_type", expected: "array", input: [] } as const;
    expect(describeIssue(issue)).toBe("must be a list");
  });

  test.each([
    [null, "null"],
    [[1], "a list"],
    [{}, "an object"],
    [JSON.rawJSON("1.0"), "a number"],
    [2, "a number"],
    [true, "a boolean"],
    ["secret", "a string"],
  ])("The value %j is told to be %s, and is not repeated", (input, kind) => {
    expect(kindOf(input)).toBe(kind);
    const message = describeIssue({ code: "invalid_type", expected: "date", input });
    expect(message).toBe(`must be another kind of value, not ${kind}`);
  });

  test.each<Case>([
    ["must be a string, not a number", z.string(), 1],
    ["must be a number, not a string", z.number(), "1"],
    ["must be a number", z.number(), Number.NaN],
    ["must be an integer, not a number", z.int(), 1.5],
    ["must be true or false, not a string", z.boolean(), "true"],
    ["must be an object, not a list", z.object({}), []],
    ["must be a list, not an object", z.array(z.string()), {}],
    ["must be an object, not null", z.record(z.string(), z.string()), null],
    ["is missing", z.string(), undefined],
  ])("A value that a schema has refused %s", (message, schema, input) => {
    expect(messageOf(schema, input)).toBe(message);
  });
});

describe("The message about a value that is not among those that are allowed", () => {
  test.each<Case>([
    ["must be one of we-link, linked-api; did you mean we-link?", providers, "welink"],
    ["must be one of we-link, linked-api", providers, "other"],
    ["must be one of we-link, linked-api", providers, 7],
    ["is missing", providers, undefined],
    ["must be message.reply", z.literal("message.reply"), "messagereply"],
    ["must be true", z.literal(true), "true"],
    ["is missing", z.literal(true), undefined],
  ])("A value that is not allowed %s", (message, schema, input) => {
    expect(messageOf(schema, input)).toBe(message);
  });

  const submitted = "must be one of submitted, not-submitted";
  test.each([
    [{ as: "submited" }, `${submitted}; did you mean submitted?`],
    [{ as: "sent" }, submitted],
    [{ as: 1 }, submitted],
    [{}, "is missing"],
  ])("The member that decides about the form of %j is named", (input, message) => {
    expect(validate(decisions, input).errors).toEqual([{ field: "as", message }]);
    const nested = validate(z.object({ all: z.array(decisions) }), { all: [input] });
    expect(nested.errors).toEqual([{ field: "all.0.as", message }]);
  });

  test("Where no member decides about the form, the value itself is compared", () => {
    const issue = { code: "invalid_union" as const, errors: [], options: ["submitted", "sent"] };
    const message = describeIssue({ ...issue, input: "submited" });
    expect(message).toBe("must be one of submitted, sent; did you mean submitted?");
    expect(describeIssue({ ...issue, path: ["as"], input: undefined })).toBe("is missing");
  });

  test("A value that has none of several forms is told so", () => {
    const message = describeIssue({ code: "invalid_union", errors: [], input: 1 });
    expect(message).toBe("does not match any allowed format");
  });
});

describe("The message about a value of the right kind", () => {
  const TIME =
    "must be a time in UTC as YYYY-MM-DDTHH:mm:ss.sssZ, such as 2026-09-22T18:30:00.000Z";
  const NO_TIME_OF_DAY = `${TIME}: the time of day is missing, and a local offset is not allowed`;
  const list = z.array(z.int());

  test.each<Case>([
    [NO_TIME_OF_DAY, z.iso.datetime(), "2026-01-01"],
    ["must be a URL, such as https://example.com/hooks", z.url(), "hooks"],
    ["has a form that is not allowed", z.string().check(z.regex(/^a$/)), "b"],
    ["must be a", z.string().check(z.regex(/^a$/, "must be a")), "b"],
    ["is not allowed", z.string().check(z.refine(() => false)), "b"],
    ["is odd", z.string().check(z.refine(() => false, "is odd")), "b"],
    ["must not be empty", z.string().check(z.minLength(1)), ""],
    ["must have at least 3 characters, and has 2", z.string().check(z.minLength(3)), "ab"],
    ["must have at most 2 characters, and has 3", z.string().check(z.maxLength(2)), "abc"],
    ["must not be empty", list.check(z.minLength(1)), []],
    ["must have at least 2 items, and has 1", list.check(z.minLength(2)), [1]],
    ["must have at most 1 items, and has 2", list.check(z.maxLength(1)), [1, 2]],
    ["must be at least 1", z.number().check(z.gte(1)), 0],
    ["must be at most 5", z.number().check(z.lte(5)), 6],
    ["must be a multiple of 5", z.number().check(z.multipleOf(5)), 7],
  ])("A value whose kind is right %s", (message, schema, input) => {
    expect(messageOf(schema, input)).toBe(message);
  });
});

describe("The message about members that are not known", () => {
  const schema = z.strictObject({ accountId: z.optional(z.string()) });
  const hint = "is not known: did you mean accountId?";

  test("Each unknown member has a message, with the name that was probably meant", () => {
    expect(validate(schema, { account_id: "secret", other: 1 })).toEqual({
      errors: [
        { field: "account_id", message: hint },
        { field: "other", message: "is not known" },
      ],
    });
  });

  test("Only the first twenty unknown members have a hint", () => {
    const names = Array.from({ length: 22 }, (_, n) => `accountId${String.fromCharCode(97 + n)}`);
    const { errors } = validate(schema, Object.fromEntries(names.map((name) => [name, 1])));
    const hints = Array.from({ length: 20 }, () => hint);
    const messages = errors.map(({ message }) => message);
    expect(messages).toEqual([...hints, "is not known", "is not known"]);
  });

  test("A schema without members has no names to suggest", () => {
    const message = describeIssue({ code: "unrecognized_keys", keys: ["a", "b"], input: {} });
    expect(message).toBe("is not known\nis not known");
    for (const one of [undefined, {}, { _zod: {} }, z.string()]) expect(membersOf(one)).toEqual([]);
    expect(membersOf(z.object({ a: z.string(), b: z.string() }))).toEqual(["a", "b"]);
  });
});
