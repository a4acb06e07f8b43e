import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { nativeOperations, operations } from "../../shared/contracts/http/operations.ts";
import { byContract } from "../../shared/core/input/by-contract.ts";
import { validate } from "../../shared/core/input/invalid-request.ts";
import { parseJson } from "../../shared/core/json/json.ts";

/** What a handler gets of a body, or the fields that are refused. */
function read(schema: z.ZodMiniType, text: string) {
  const { value } = parseJson(Buffer.from(text), "exact");
  const { errors, ...valid } = validate(schema, byContract(schema, value));
  return "output" in valid ? valid.output : errors.map(({ field }) => field);
}

const { createRequest, putAccount, createConnection, updateConnection } = nativeOperations;
const request = (more: string) =>
  `{"provider":"we-link","accountId":"a","action":"connect","params":{}${more}}`;

describe("numbers are taken by their value", () => {
  // The spellings of other encoders: python-jsonschema/jsonschema#557.
  test.each([
    ["3.0e2", 300],
    ["300.0", 300],
    ["3E+2", 300],
    ["3000e-1", 300],
    ["300", 300],
    ["-0", 0],
    ["-0.0", 0],
    ["1e0", 1],
    ["1.50", 1.5],
  ])("A pace of %s seconds is one of %d", (text, seconds) => {
    const body = `{"provider":"we-link","pace":{"minSeconds":${text},"maxSeconds":86.4e3}}`;
    const pace = { minSeconds: seconds, maxSeconds: 86_400 };
    expect(read(putAccount.body, body)).toEqual({ provider: "we-link", pace });
    expect(JSON.stringify(read(putAccount.body, body))).not.toContain("-0");
  });

  test.each(["12345678901234567890", "1e400", "-1.0", "8640.1e1"])(
    "A pace of %s seconds is refused as out of range",
    (text) => {
      const body = `{"provider":"we-link","pace":{"minSeconds":0,"maxSeconds":${text}}}`;
      expect(read(putAccount.body, body)).toContain("pace.maxSeconds");
    },
  );

  test("The params of a request keep every digit", () => {
    const params = '{"a":1.0,"b":[12345678901234567890,-0],"c":{"d":3.0e2,"e":null}}';
    for (const text of [params, `[${params}]`]) {
      const body = request("").replace('"params":{}', `"params":${text}`);
      const provider = text === params ? "we-link" : "linked-api";
      const output = read(createRequest.body, body.replace("we-link", provider)) as object;
      expect(JSON.stringify("params" in output && output.params)).toBe(text);
    }
  });

  test.each(["provider", "accountId", "action", "scheduled", "connectionId", "params"])(
    "A number in place of %s is refused by the name of the field",
    (field) => {
      for (const number of ["1", "1.0", "3.0e2", "12345678901234567890", "-0"]) {
        const { [field]: _, ...body } = JSON.parse(request(""));
        const text = `${JSON.stringify(body).slice(0, -1)},"${field}":${number}}`;
        expect(read(createRequest.body, text)).toContain(field);
      }
    },
  );

  test("A number in place of any body is refused, and nothing fails", () => {
    for (const { body } of operations) {
      if (!body || body._zod.def.type === "unknown") continue;
      for (const text of ["1", "1.0", "12345678901234567890", "null", "[1.0]"]) {
        expect(read(body, text)).toBeInstanceOf(Array);
      }
    }
  });
});

describe("an optional member that is null is absent", () => {
  test("Each optional member of a new request may be null: novuhq/novu#9284", () => {
    const body = request(',"scheduled":null,"connectionId":null');
    expect(read(createRequest.body, body)).toEqual(JSON.parse(request("")));
  });

  test("A required member that is null is refused by its name", () => {
    const body = '{"provider":null,"accountId":null,"action":null,"params":null}';
    const fields = ["provider", "accountId", "action", "params"];
    expect(read(createRequest.body, body)).toEqual(expect.arrayContaining(fields));
  });

  test("A change that names nothing but nulls names nothing to change", () => {
    expect(read(updateConnection.body, '{"credentials":null}')).toEqual([""]);
  });

  test("An unknown member that is null is still unknown", () => {
    expect(read(createRequest.body, request(',"schedule":null'))).toEqual(["schedule"]);
  });

  test("A member whose contract gives null a meaning keeps it", () => {
    const schema = z.strictObject({ cleared: z.exactOptional(z.nullable(z.string())) });
    expect(read(schema, '{"cleared":null}')).toEqual({ cleared: null });
    expect(read(schema, '{"cleared":1.0}')).toEqual(["cleared"]);
  });

  test("Every optional member of every body may be null", () => {
    let count = 0;
    for (const { operationId, body } of operations) {
      for (const [name, member] of objectMembers(body)) {
        if (member._zod.optin !== "optional") continue;
        count += 1;
        const fields = read(body as z.ZodMiniType, JSON.stringify({ [name]: null }));
        const refused = Array.isArray(fields) ? fields : [];
        expect({ operationId, name, refused: refused.includes(name) }).toEqual({
          operationId,
          name,
          refused: false,
        });
      }
    }
    expect(count).toBeGreaterThan(10);
  });

  function objectMembers(body: z.ZodMiniType | undefined): [string, z.core.$ZodType][] {
    return body instanceof z.ZodMiniObject ? Object.entries(body.shape) : [];
  }

  test("Members named like those of Object are members", () => {
    const body = '{"provider":"we-link","__proto__":null,"constructor":1.0}';
    expect(read(createConnection.body, body)).toEqual(["__proto__", "constructor"]);
  });
});

describe("what belongs beside params", () => {
  test.each([
    ["we-link", '{"scheduled":"2027-01-01T00:00:00.000Z"}', ["params.scheduled"]],
    [
      "we-link",
      '{"scheduled":"yesterday","accountId":"b"}',
      ["params.scheduled", "params.accountId"],
    ],
    ["we-link", '{"scheduled":1.0}', ["params.scheduled"]],
    ["linked-api", '[{"a":1},{"scheduled":"soon"}]', ["params.scheduled"]],
  ])("A request to %s with the params %s is refused", (provider, params, fields) => {
    const body = request("").replace("we-link", provider).replace("{}", params);
    expect(read(createRequest.body, body)).toEqual(fields);
  });

  test("A scheduled that is null is absent among the params too", () => {
    const body = request("").replace("{}", '{"scheduled":null,"accountId":null}');
    expect(read(createRequest.body, body)).toMatchObject({ accountId: "a" });
  });
});

describe("the id of an account", () => {
  test.each([
    "a/b",
    "urn:li:member/1",
    "/",
    ".",
    "..",
    "a\0",
    "a?b",
    "",
    "x".repeat(513),
    "漢".repeat(301),
  ])("%j is refused wherever an account is named", (accountId) => {
    const text = JSON.stringify(accountId);
    expect(read(createRequest.body, request("").replace('"a"', text))).toContain("accountId");
    expect(read(putAccount.params, `{"accountId":${text}}`)).toContain("accountId");
  });

  test.each(["urn:li:member:1", "a b", " ", "a%2Fb", "%", "...", "a\\b", "#&+;", "Zoë 🚀", "\t\n"])(
    "%j is accepted, and its encoded form is one segment of a path",
    (accountId) => {
      const text = JSON.stringify(accountId);
      expect(read(createRequest.body, request("").replace('"a"', text))).toMatchObject({
        accountId,
      });
      const url = new URL(`https://api/v1/accounts/${encodeURIComponent(accountId)}/resume`);
      const segments = url.pathname.split("/");
      expect(segments.map((one) => decodeURIComponent(one))).toEqual([
        "",
        "v1",
        "accounts",
        accountId,
        "resume",
      ]);
    },
  );
});

describe("The form that a contract describes", () => {
  const number = z.number();
  const numbers = z.object({ a: number });
  const changed = z.pipe(
    numbers,
    z.transform((value: { a: number }) => value.a),
  );

  test.each<[name: string, schema: z.ZodMiniType, text: string, form: string]>([
    ["a number", number, "3.0e2", "300"],
    ["an object", numbers, '{"a":1.0}', '{"a":1}'],
    ["an object with an unknown member", numbers, '{"a":1.0,"b":1.0}', '{"a":1,"b":1.0}'],
    ["an object with numbers", z.catchall(numbers, number), '{"a":1.0,"b":1.0}', '{"a":1,"b":1}'],
    ["a loose object", z.looseObject({ a: number }), '{"a":1.0,"b":1.0}', '{"a":1,"b":1.0}'],
    ["a record", z.record(z.string(), number), '{"__proto__":2.0}', '{"__proto__":2}'],
    ["a record of anything", z.record(z.string(), z.unknown()), '{"x":1.0}', '{"x":1.0}'],
    ["a list", z.array(numbers), '[{"a":1.0},{"a":-0}]', '[{"a":1},{"a":0}]'],
    ["a tuple", z.tuple([number, z.any()]), "[1.0,1.0,1.0]", "[1,1.0,1.0]"],
    ["a tuple with more", z.tuple([z.any()], number), "[1.0,1.0,1.0]", "[1.0,1,1]"],
    ["anything", z.any(), "[1.0]", "[1.0]"],
    ["something unknown", z.unknown(), "[1.0]", "[1.0]"],
    ["an optional number", z.object({ a: z.optional(number) }), '{"a":1.0}', '{"a":1}'],
    ["a number or null", z.object({ a: z.nullable(number) }), '{"a":1.0}', '{"a":1}'],
    ["a number with a default", z.object({ a: z._default(number, 5) }), '{"a":1.0}', '{"a":1}'],
    ["a frozen object", z.readonly(numbers), '{"a":1.0}', '{"a":1}'],
    ["a changed object", changed, '{"a":1.0}', '{"a":1}'],
  ])("A value of the contract %s has its numbers by value", (_, schema, text, form) => {
    const { value } = parseJson(Buffer.from(text), "exact");
    expect(JSON.stringify(byContract(schema, value))).toBe(form);
  });

  test.each<[name: string, schema: z.ZodMiniType]>([
    ["an object", numbers],
    ["a record", z.record(z.string(), z.unknown())],
    ["a list", z.array(z.unknown())],
    ["a tuple", z.tuple([z.unknown()])],
  ])("A number in place of %s is taken by its value", (_, schema) => {
    expect(byContract(schema, JSON.rawJSON("1.50"))).toBe(1.5);
    expect(byContract(schema, "text")).toBe("text");
    expect(byContract(schema, null)).toBeNull();
  });

  test("Of several forms the first that fits is taken, or else the first of all", () => {
    const loose = z.object({ a: z.unknown(), b: z.string() });
    const schema = z.union([z.array(number), z.object({ a: z.string() }), loose, numbers]);
    const formOf = (text: string) =>
      JSON.stringify(byContract(schema, parseJson(Buffer.from(text), "exact").value));
    expect(formOf("[1.0]")).toBe("[1]");
    expect(formOf('{"a":1.0,"b":"x"}')).toBe('{"a":1.0,"b":"x"}');
    expect(formOf('{"a":1.0}')).toBe('{"a":1}');
    const none = z.union([z.object({ a: z.string() }), loose]);
    const { value } = parseJson(Buffer.from('{"a":1.0}'), "exact");
    expect(JSON.stringify(byContract(none, value))).toBe('{"a":1}');
  });

  test("Only an optional member that is null is left out, where null has no meaning", () => {
    const schema = z.object({
      a: z.exactOptional(z.string()),
      b: z.optional(z.nullable(z.string())),
      c: z.nullable(z.string()),
      d: z.string(),
    });
    const value = { a: null, b: null, c: null, d: null, e: null };
    expect(byContract(schema, value)).toStrictEqual({ b: null, c: null, d: null, e: null });
    expect(byContract(schema, { a: "", d: undefined })).toStrictEqual({ a: "", d: undefined });
  });
});
