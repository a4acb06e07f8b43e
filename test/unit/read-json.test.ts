import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { canonicalJson, parseJsonObject } from "../../shared/core/json/json.ts";

const read = (text: string) => parseJsonObject(Buffer.from(text));
const codeOf = (bytes: Uint8Array) => {
  try {
    parseJsonObject(bytes);
    return "accepted";
  } catch (error) {
    return error instanceof Failure ? error.code : error;
  }
};

describe("numbers reach subscribers unchanged", () => {
  test.each([
    "9007199254740993",
    "-9223372036854775808",
    "9223372036854775807",
    "1.0",
    "1e5",
    "-0",
    "0.1234567890123456789",
    "3",
  ])("the number %s is unchanged", (number) => {
    const { value, numbersAsText } = read(`{"n":${number}}`);
    expect(JSON.stringify(value)).toBe(`{"n":${number}}`);
    expect(numbersAsText).toBe(false);
  });

  test.each([
    '{"a":[1.0]}',
    '{"a":[1,-0]}',
    '{"a":[[],9007199254740993]}',
    '{"a":"f1e5","b":1e5}',
    '{"a":{"b":-1.0}}',
  ])("numbers at any place are unchanged: %s", (text) => {
    expect(JSON.stringify(read(text).value)).toBe(text);
    expect(JSON.stringify(read(text.replaceAll(/([:,[])/g, "$1 \t\r\n")).value)).toBe(text);
  });

  test("a number that JavaScript keeps stays a number beside one that it would change", () => {
    const { value } = read('{"n":[1.0,0,3,-7,0.5,9007199254740991,-9007199254740991]}');
    const [first, ...others] = value.n as unknown[];
    expect(JSON.isRawJSON(first)).toBe(true);
    const longest = Number.MAX_SAFE_INTEGER;
    expect(others).toEqual([0, 3, -7, 0.5, longest, -longest]);
  });

  test.each([
    "9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890",
    "10000000000000000000",
    "1e19",
    "-1e19",
    "1e400",
    "-1e400",
  ])(
    "the number %s, which the bus cannot carry, becomes text, and the event is marked",
    (number) => {
      const { value, numbersAsText } = read(`{"n":${number}}`);
      expect(value).toEqual({ n: number });
      expect(numbersAsText).toBe(true);
    },
  );
});

describe("what is not a JSON object in UTF-8 is refused with its code", () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  test.each([
    ["empty", "", "BODY_NOT_JSON"],
    ["text", "hello", "BODY_NOT_JSON"],
    ["array", "[]", "BODY_NOT_JSON"],
    ["a number", "1", "BODY_NOT_JSON"],
    ["a big number", "12345678901234567", "BODY_NOT_JSON"],
    ["null", "null", "BODY_NOT_JSON"],
    ["trailing bytes", "{}x", "BODY_NOT_JSON"],
    ["as deep as allowed", deep(limits.maxJsonDepth), "accepted"],
    ["one level deeper", deep(limits.maxJsonDepth + 1), "BODY_TOO_DEEP"],
    ["10,000 deep", deep(10_000), "BODY_TOO_DEEP"],
    ["brackets in a string", `{"a":"${"[".repeat(100)}\\""}`, "accepted"],
  ])("a body is read or refused with its code: %s", (_name, text, code) => {
    expect(codeOf(Buffer.from(text))).toBe(code);
  });

  test("the refusal of what is not JSON says where, and its cause is the parser's error", () => {
    const refusal = expect.objectContaining({
      code: "BODY_NOT_JSON",
      message: "the body is not JSON at line 1, column 2: a name must be in double quotes",
      cause: expect.any(SyntaxError),
    });
    expect(() => read("{x}")).toThrow(refusal);
  });

  test("bytes that are not UTF-8 are refused", () => {
    expect(codeOf(Buffer.from([0x7b, 0xff, 0x7d]))).toBe("BODY_NOT_UTF8");
  });
});

test("__proto__ in a body is a member like any other", () => {
  const { value } = read('{"__proto__":{"polluted":true},"n":1.0}');
  expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true},"n":1.0}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("canonical JSON is the same for bodies that differ in order and spaces", () => {
  const one = read('{"b":[1.0,{"d":1,"c":"x"}],"a":null}').value;
  const other = read('{ "a": null, "b": [ 1.0, { "c": "x", "d": 1 } ] }').value;
  expect(canonicalJson(one)).toBe(canonicalJson(other));
  expect(canonicalJson(one)).toBe('{"a":null,"b":[1.0,{"c":"x","d":1}]}');
});
