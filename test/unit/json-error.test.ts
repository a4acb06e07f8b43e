import { describe, expect, test } from "vitest";
import { describeJsonError } from "../../shared/core/json/json-error.ts";

const NO_VALUE = "this is no value: a string needs double quotes";
const VALUE_MISSING = "a value is missing";
const QUOTES = "a string or a name must be in double quotes";
const NAME = "a name must be in double quotes";
const COLON = "a colon is missing after the name";
const COMMA = "a comma is missing";
const MORE = "there is more after the end of the value";
const COMMENT = "a comment is not allowed";
const OPEN = "this string does not end";
const ESCAPE = "this escape is not one of JSON's";
const CONTROL = "a control character must be escaped in a string";
const commaBefore = (bracket: string) => `a comma must not stand before ${bracket}`;
const closesNothing = (bracket: string) => `${bracket} does not close what is open`;
const endsBefore = (bracket: string) => `the text ends before its ${bracket}`;

describe("A text that is JSON", () => {
  test.each([
    "{}",
    "[]",
    " \t\r\n1 \t\r\n",
    "-0",
    "-12.5e-3",
    "10.25E+2",
    "1e9",
    "true",
    "false",
    "null",
    '""',
    '" !#Z[]^~\u007f\u0080\u{1f600}\ud800"',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD"',
    "[[],{},[{}]]",
    '[1 , "a" , [2] , {"a" : 1} , null]',
    '{"a":{"b":[]},"":1,"c":"d" , "e" : -1.5}',
    '{"a":[1,2],"b":{"c":3},"d":4}',
    '"a=b"',
  ])("The text %j is JSON and has no error", (text) => {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(describeJsonError(text)).toBeUndefined();
  });
});

describe("A text that is no JSON", () => {
  const faults: [text: string, column: number, reason: string][] = [
    ["NaN", 1, NO_VALUE],
    ["nul", 1, NO_VALUE],
    ["-", 1, NO_VALUE],
    ["+1", 1, NO_VALUE],
    [".5", 1, NO_VALUE],
    [":", 1, NO_VALUE],
    ["[hello]", 2, NO_VALUE],
    ["[,]", 2, NO_VALUE],
    ["[1,,2]", 4, NO_VALUE],
    ['{"a":x}', 6, NO_VALUE],
    ["\0\0", 1, NO_VALUE],
    ['{"a":}', 6, VALUE_MISSING],
    ['{"a":]', 6, VALUE_MISSING],
    ["{'a':1}", 2, QUOTES],
    ["{\"a\":'b'}", 6, QUOTES],
    ["{\u201ca\u201d:1}", 2, QUOTES],
    ["[\u2018a\u2019]", 2, QUOTES],
    ["{a:1}", 2, NAME],
    ["{1:2}", 2, NAME],
    ["{[]:1}", 2, NAME],
    ["{,}", 2, NAME],
    ['{"a":1,b:2}', 8, NAME],
    ['{"a":1,,"b":2}', 8, NAME],
    ['{"a" 1}', 6, COLON],
    ['{"a"}', 5, COLON],
    ['{"a","b"}', 5, COLON],
    ["[1 2]", 4, COMMA],
    ["[1:2]", 3, COMMA],
    ["[1.]", 3, COMMA],
    ["[01]", 3, COMMA],
    ['["a""b"]', 5, COMMA],
    ["[[][]]", 4, COMMA],
    ["[{}{}]", 4, COMMA],
    ['{"a":1 "b":2}', 8, COMMA],
    ['{"a":1}}', 8, MORE],
    ["1 2", 3, MORE],
    ["01", 2, MORE],
    ["-01", 3, MORE],
    ["1.", 2, MORE],
    ["1.5.5", 4, MORE],
    ["1e", 2, MORE],
    ["nullx", 5, MORE],
    ["[],", 3, MORE],
    ['{"a":1/*x*/}', 7, COMMENT],
    ["[1,//x\n2]", 4, COMMENT],
    ["# x", 1, COMMENT],
    ['{"a":1,}', 8, commaBefore("}")],
    ['{"a":1,]', 8, commaBefore("]")],
    ["[1,]", 4, commaBefore("]")],
    ["[1,}", 4, commaBefore("}")],
    ["}", 1, closesNothing("}")],
    ["]", 1, closesNothing("]")],
    ["{]", 2, closesNothing("]")],
    ["[}", 2, closesNothing("}")],
    ['{"a":1]', 7, closesNothing("]")],
    ["[1}", 3, closesNothing("}")],
    ["[{}}", 4, closesNothing("}")],
    ["{", 2, endsBefore("}")],
    ["[", 2, endsBefore("]")],
    ['{"a"', 5, endsBefore("}")],
    ['{"a":', 6, endsBefore("}")],
    ['{"a":1', 7, endsBefore("}")],
    ['{"a":1, ', 9, endsBefore("}")],
    ["[1,", 4, endsBefore("]")],
    ['{"a":[1', 8, endsBefore("]")],
    ['[{"a":1}', 9, endsBefore("]")],
    ['"', 1, OPEN],
    ['"\\"', 1, OPEN],
    ['{"a', 2, OPEN],
    ['{"a":"b', 6, OPEN],
    ['"a\\x"', 3, ESCAPE],
    ['"\\u12g4"', 2, ESCAPE],
    ['"\\', 2, ESCAPE],
    ['{"\\q":1}', 3, ESCAPE],
    ['"a\nb"', 3, CONTROL],
    ['"\u001f"', 2, CONTROL],
    ['{"\t":1}', 3, CONTROL],
    ['{"a":"\0"}', 7, CONTROL],
  ];
  test.each(faults)("The text %j is no JSON at column %d: %s", (text, column, reason) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(describeJsonError(text)).toBe(`is not JSON at line 1, column ${column}: ${reason}`);
  });

  test.each([
    ['{\n  "a": 1,\n  "b" 2\n}', `line 3, column 7: ${COLON}`],
    ["[1,\r\n x]", `line 2, column 2: ${NO_VALUE}`],
    ["[1,\n", `line 2, column 1: ${endsBefore("]")}`],
  ])("The error in the text %j is told with its line", (text, error) => {
    expect(describeJsonError(text)).toBe(`is not JSON at ${error}`);
  });

  test.each(["", " ", "\t\r\n"])("The text %j is told to be empty", (text) => {
    expect(describeJsonError(text)).toBe("is empty");
  });

  test.each(["{\0}\0", "\0{\0}", '{\0"\0a\0"\0:\x001\0}\0'])(
    "The text %j is told to be UTF-16, of which every second byte is zero",
    (text) => {
      expect(describeJsonError(text)).toBe("is UTF-16: send UTF-8");
    },
  );

  test.each(["a=b", "a=", "provider=we-link&accountId=a%20b", "a.b-c~d+e_1=x y"])(
    "The text %j is told to be a form",
    (text) => {
      expect(describeJsonError(text)).toBe("is a form, not JSON");
    },
  );

  test.each([
    ["=b", 1, NO_VALUE],
    ["a b=c", 1, NO_VALUE],
    ['a="b"', 1, NO_VALUE],
    ["a={}", 1, NO_VALUE],
    ["a=[]", 1, NO_VALUE],
    ["{a=b", 2, NAME],
    ["[a=b", 2, NO_VALUE],
  ])("The text %j is told to be no JSON, and not to be a form", (text, column, reason) => {
    expect(describeJsonError(text)).toBe(`is not JSON at line 1, column ${column}: ${reason}`);
  });
});
