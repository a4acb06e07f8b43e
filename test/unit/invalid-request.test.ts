import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { Failure } from "../../shared/contracts/failures.ts";
import { InvalidRequest, validate } from "../../shared/core/input/invalid-request.ts";

const errorsOf = (schema: z.ZodMiniType, input: unknown) => validate(schema, input).errors;

describe("The failure of a request that is not valid", () => {
  const errors = [
    { field: "a", message: "is missing" },
    { field: "b", message: "is not known" },
  ];

  test("It has every invalid field, and names none in its own message", () => {
    const invalid = new InvalidRequest(errors);
    expect(invalid).toBeInstanceOf(Failure);
    expect({ ...invalid, message: invalid.message }).toStrictEqual({
      ...{ name: "Failure", code: "REQUEST_INVALID", message: "2 invalid fields", errors },
      ...{ remedy: undefined, retryAfterMs: undefined, expectedAt: undefined },
    });
  });

  test("It has the remedy of the one field that is named", () => {
    const invalid = new InvalidRequest(errors.slice(1), "createConnection");
    expect([invalid.message, invalid.remedy]).toEqual(["1 invalid fields", "createConnection"]);
  });
});

describe("The fields that are told to be invalid", () => {
  test("A valid input has none, and its output is that of the schema", () => {
    const trimmed = z.string().check(z.trim());
    expect(validate(trimmed, " a ")).toStrictEqual({ output: "a", errors: [] });
  });

  test("A field is named by its whole path", () => {
    const schema = z.object({ list: z.array(z.strictObject({ name: z.string() })) });
    const input = { list: [{ name: "a" }, { name: 1, more: 2 }] };
    expect(validate(schema, input)).toStrictEqual({
      errors: [
        { field: "list.1.name", message: "must be a string, not a number" },
        { field: "list.1.more", message: "is not known" },
      ],
    });
  });

  test("A schema's own message is said about each unknown member", () => {
    const schema = z.strictObject({}, "must be empty");
    expect(errorsOf(schema, { a: 1, b: 2 })).toEqual([
      { field: "a", message: "must be empty" },
      { field: "b", message: "must be empty" },
    ]);
  });

  test("Of a record's key only the first fault is told", () => {
    const key = z.string().check(z.regex(/^[a-z]*$/, "has a wrong letter"), z.maxLength(2));
    expect(errorsOf(z.record(key, z.string()), { Abc: "a", ok: "b" })).toEqual([
      { field: "Abc", message: "has a wrong letter" },
    ]);
  });

  test("Of a map's element only the first fault is told", () => {
    const value = z.string().check(z.regex(/^[a-z]*$/, "has a wrong letter"), z.maxLength(2));
    const input = new Map([[{}, "ABC"]]);
    expect(errorsOf(z.map(z.object({}), value), input)).toEqual([
      { field: "", message: "has a wrong letter" },
    ]);
  });

  test("A name of more than 200 characters is cut", () => {
    const [whole, cut] = ["n".repeat(200), "m".repeat(201)];
    expect(errorsOf(z.strictObject({}), { [whole]: 1, [cut]: 1 })).toEqual([
      { field: whole, message: "is not known" },
      { field: `${"m".repeat(200)}…`, message: "is not known" },
    ]);
  });
});

describe("A value that may have several forms", () => {
  const duration = z.union([z.number().check(z.gte(0)), z.string().check(z.minLength(1))]);
  const durations = z.object({ in: z.array(duration) });
  const params = z.union([
    z.record(z.string(), z.unknown()),
    z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
  ]);

  test.each<[field: string, message: string, schema: z.ZodMiniType, input: unknown]>([
    ["", "must be a number or a string, not a boolean", duration, true],
    ["", "must be a number or a string, not null", duration, null],
    ["", "is missing", duration, undefined],
    ["", "must be at least 0", duration, -1],
    ["", "must not be empty", duration, ""],
    ["in", "is missing", z.object({ in: duration }), {}],
    ["in.0", "must be a number or a string, not a list", durations, { in: [[]] }],
    ["", "must be an object or a list, not a string", params, "a"],
    ["1", "must be an object, not a number", params, [{}, 1]],
    ["", "must not be empty", params, []],
  ])("The field %j of a value that may have several forms %s", (field, message, schema, input) => {
    expect(errorsOf(schema, input)).toEqual([{ field, message }]);
  });

  test("A kind that several forms share is told once", () => {
    const schema = z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]);
    expect(errorsOf(schema, 1)).toEqual([
      { field: "", message: "must be an object, not a number" },
    ]);
  });

  test("Every fault of the form whose kind was sent is told", () => {
    const form = z.strictObject({ a: z.string(), b: z.string() });
    const schema = z.object({ one: z.union([z.string(), form]) });
    expect(errorsOf(schema, { one: { a: 1, c: 2 } })).toEqual([
      { field: "one.a", message: "must be a string, not a number" },
      { field: "one.b", message: "is missing" },
      { field: "one.c", message: "is not known" },
    ]);
  });

  test("A form's own message names its kind, if it begins as others do", () => {
    const named = z.union([z.string("must be text"), z.number()]);
    const message = "must be text or a number, not a boolean";
    expect(errorsOf(named, true)).toEqual([{ field: "", message }]);
    const unnamed = z.union([z.string("is odd"), z.number()]);
    expect(errorsOf(unnamed, true)).toEqual([
      { field: "", message: "must be a number, not a boolean" },
    ]);
  });

  test("The union's own message is kept", () => {
    const schema = z.union([z.string(), z.number()], "must be a text or a number");
    expect(errorsOf(schema, true)).toEqual([{ field: "", message: "must be a text or a number" }]);
  });
});
