import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  asciiJsonString,
  digitsOf,
  fixed,
  type JsonTree,
  readJsonTree,
  writeJsonTree,
} from "../../shared/core/json/json-tree.ts";
import { phpJson } from "../../shared/core/json/php-json.ts";
import { pythonJson } from "../../shared/core/json/python-json.ts";

const fileOf = (name: string) =>
  readFileSync(new URL(`../support/encoders/${name}`, import.meta.url), "utf8");

const sample = fileOf("sample.json");

/** What the real encoder printed for the sample. */
function recorded(encoder: string): string {
  const lines = fileOf("recorded.tsv").split("\n");
  const line = lines.find((one) => one.startsWith(`${encoder}\t`));
  return line?.slice(encoder.length + 1) ?? "";
}

describe("The text of Python's json.dumps", () => {
  test("The sample is written as Python 3.11 wrote it", () => {
    expect(pythonJson(sample)).toBe(recorded("Python 3.11.7 json: default"));
  });

  // https://docs.python.org/3/library/json.html#module-json
  test.each([
    ['["foo",{"bar":["baz",null,1.0,2]}]', '["foo", {"bar": ["baz", null, 1.0, 2]}]'],
    ['"\\"foo\\bar"', '"\\"foo\\bar"'],
    ['"\u1234"', '"\\u1234"'],
    ['"\\\\"', '"\\\\"'],
  ])("The example %j of Python's documentation is written as there", (json, python) => {
    expect(pythonJson(json)).toBe(python);
  });

  // https://docs.python.org/3/library/string.html#formatspec, and `sys.float_info` of
  // https://docs.python.org/3/library/sys.html
  test.each([
    [
      "from 1e-4 to below 1e16 without an exponent",
      "[1e15,9999999999999998.0,0.0001,0.00012345,123.456,0.5,1.10]",
      "[1000000000000000.0, 9999999999999998.0, 0.0001, 0.00012345, 123.456, 0.5, 1.1]",
    ],
    [
      "beyond that with an exponent of two digits at least",
      "[1e16,12345678901234567.0,1e22,1e100,0.00001,1.5e-5,1e-100]",
      "[1e+16, 1.2345678901234568e+16, 1e+22, 1e+100, 1e-05, 1.5e-05, 1e-100]",
    ],
    ["below zero", "[-1.5,-1e16,-0.00001]", "[-1.5, -1e+16, -1e-05]"],
    ["of zero with its sign", "[0.0,-0.0,0e5,-0e-5]", "[0.0, -0.0, 0.0, -0.0]"],
    [
      "at the ends of its range",
      "[1.7976931348623157E308,2.2250738585072014e-308,2.220446049250313e-16]",
      "[1.7976931348623157e+308, 2.2250738585072014e-308, 2.220446049250313e-16]",
    ],
    ["beyond its range", "[1e400,-1e400]", "[Infinity, -Infinity]"],
    [
      "without a fraction with every digit",
      "[0,-0,7,-7,10,123456789012345678901234567890,-123456789012345678901234567890]",
      "[0, 0, 7, -7, 10, 123456789012345678901234567890, -123456789012345678901234567890]",
    ],
  ])("Numbers %s are written like Python", (_, json, python) => {
    expect(pythonJson(json)).toBe(python);
  });

  test("Python never writes an object as a list, and keeps the order of its members", () => {
    expect(pythonJson('{"0":[],"2":{},"1":2,"2":3}')).toBe('{"0": [], "2": 3, "1": 2}');
  });

  test("Python escapes the delete character, as everything beyond ASCII", () => {
    expect(pythonJson('"/~\u007f\u0080"')).toBe('"/~\\u007f\\u0080"');
  });
});

describe("The text of PHP's json_encode", () => {
  test("The sample is written as PHP 8.2 wrote it, with an empty array for an empty object", () => {
    // PHP was asked for objects; `json_decode($text, true)` reads each as an array.
    const php = recorded("PHP 8.2.36 json_encode: default").replace("{}", "[]");
    expect(phpJson(sample)).toBe(php);
  });

  // https://www.php.net/manual/en/function.json-encode.php
  test.each([
    ['{"a":1,"b":2,"c":3,"d":4,"e":5}', '{"a":1,"b":2,"c":3,"d":4,"e":5}'],
    [
      '["<foo>","\'bar\'","\\"baz\\"","&blong&","\u00e9"]',
      '["<foo>","\'bar\'","\\"baz\\"","&blong&","\\u00e9"]',
    ],
    ['{"0":"foo","1":"bar","2":"baz","3":"blong"}', '["foo","bar","baz","blong"]'],
    ['{"1":"foo","2":"bar","3":"baz","4":"blong"}', '{"1":"foo","2":"bar","3":"baz","4":"blong"}'],
    ['{"0":"foo","2":"baz","3":"blong"}', '{"0":"foo","2":"baz","3":"blong"}'],
    ['["+123123","-123123","1.2e3","0.00001"]', '["+123123","-123123","1.2e3","0.00001"]'],
    ["12.0", "12"],
  ])("The example %j of PHP's documentation is written as there", (json, php) => {
    expect(phpJson(json)).toBe(php);
  });

  test.each([
    ["{}", "[]"],
    ['{"a":{},"b":{"0":{}},"":1}', '{"a":[],"b":[[]],"":1}'],
    ['{"0":1,"01":2}', '{"0":1,"01":2}'],
    ['{"1":1,"0":2}', '{"1":1,"0":2}'],
    ['{"2":1,"1":2,"2":3}', '{"2":3,"1":2}'],
  ])("PHP writes an object as a list with the names 0, 1, 2 … in order alone: %j", (json, php) => {
    expect(phpJson(json)).toBe(php);
  });

  // `php_gcvt` of main/snprintf.c with 17 digits, the default of `serialize_precision`.
  test.each([
    [
      "from 1e-4 to below 1e17 without an exponent",
      "[1.0,1.10,1e3,123.456,0.5,0.0001,0.00012,1e16,12345678901234567e0]",
      "[1,1.1,1000,123.456,0.5,0.0001,0.00012,10000000000000000,12345678901234568]",
    ],
    [
      "beyond that with an exponent and a fraction",
      "[1e17,1.5e17,1e100,0.00001,0.000012,1e-100]",
      "[1.0e+17,1.5e+17,1.0e+100,1.0e-5,1.2e-5,1.0e-100]",
    ],
    ["below zero", "[-1.5,-1e17,-0.00001]", "[-1.5,-1.0e+17,-1.0e-5]"],
    ["of zero with its sign", "[0.0,-0.0,0e5]", "[0,-0,0]"],
    [
      "of 64 bits without a fraction with every digit",
      "[0,-0,7,-7,9223372036854775807,-9223372036854775808]",
      "[0,0,7,-7,9223372036854775807,-9223372036854775808]",
    ],
    [
      "of more bits as floats",
      "[9223372036854775808,-9223372036854775809,12345678901234567890]",
      "[9.223372036854776e+18,-9.223372036854776e+18,1.2345678901234567e+19]",
    ],
  ])("Numbers %s are written like PHP", (_, json, php) => {
    expect(phpJson(json)).toBe(php);
  });

  test("PHP escapes a slash, and not the delete character", () => {
    expect(phpJson('{"a/b":"/~\u007f\u0080"}')).toBe('{"a\\/b":"\\/~\u007f\\u0080"}');
  });
});

describe("JSON as a tree", () => {
  const number = (source: string): JsonTree => ({ kind: "number", source });
  const literal = (source: string): JsonTree => ({ kind: "literal", source });

  test.each([
    '{"b":[1.50,-2e5,"x\\"]{,:\\\\",true,false,null,{}],"1":[]}',
    ' \n{ "b" :\t[ 1.50 , -2e5 , "x\\"]{,:\\\\" , true , false , null , { } ] ,\r "1" : [ ] } ',
  ])("A tree has what its text has, whatever the white space: %j", (text) => {
    const tree = readJsonTree(text);
    const items = [
      number("1.50"),
      number("-2e5"),
      { kind: "string", value: 'x"]{,:\\' } as const,
      literal("true"),
      literal("false"),
      literal("null"),
      { kind: "object", members: new Map() } as const,
    ];
    const members = new Map<string, JsonTree>([
      ["b", { kind: "array", items }],
      ["1", { kind: "array", items: [] }],
    ]);
    expect(tree).toStrictEqual({ kind: "object", members });
    expect(tree.kind === "object" && [...tree.members.keys()]).toEqual(["b", "1"]);
  });

  test.each<[string, JsonTree]>([
    [' "a\\u00e9" ', { kind: "string", value: "a\u00e9" }],
    ["-0", number("-0")],
    ["12.50", number("12.50")],
    ["null", literal("null")],
    ["[]", { kind: "array", items: [] }],
  ])("The text %j is a tree of JSON by itself", (text, tree) => {
    expect(readJsonTree(text)).toStrictEqual(tree);
  });

  test("Of two members with one name the first decides the place and the last the value", () => {
    const tree = readJsonTree('{"a":1,"b":2,"a":[3]}');
    const members = tree.kind === "object" ? [...tree.members] : [];
    expect(members).toStrictEqual([
      ["a", { kind: "array", items: [number("3")] }],
      ["b", number("2")],
    ]);
  });

  test("A style decides about separators, texts, numbers and lists", () => {
    const style = {
      ...{ comma: ";", colon: "=" },
      string: (value: string) => `<${value}>`,
      number: (source: string) => `#${source}`,
    };
    const tree = readJsonTree('{"a":[1,"x",null],"b":{"0":true,"c":2}}');
    expect(writeJsonTree(tree, style)).toBe("{<a>=[#1;<x>;null];<b>={<0>=true;<c>=#2}}");
    const isList = (names: readonly string[]) => names.join() === "0,c";
    expect(writeJsonTree(tree, { ...style, isList })).toBe("{<a>=[#1;<x>;null];<b>=[true;#2]}");
  });

  test("Each character beyond ASCII is escaped, a surrogate by itself", () => {
    const text = '\u00e9 ~\u007f\u0080\u{1f600}\ud800\n\u0001"\\/';
    const [start, end] = ['"\\u00e9 ~', '\\u0080\\ud83d\\ude00\\ud800\\n\\u0001\\"\\\\/"'];
    expect(asciiJsonString(text, { escapesDelete: true })).toBe(`${start}\\u007f${end}`);
    expect(asciiJsonString(text, { escapesDelete: false })).toBe(`${start}\u007f${end}`);
  });

  test.each<[number, ReturnType<typeof digitsOf>, string]>([
    [0.00123, { sign: "", digits: "123", point: -2 }, "0.00123"],
    [0.5, { sign: "", digits: "5", point: 0 }, "0.5"],
    [1.25, { sign: "", digits: "125", point: 1 }, "1.25"],
    [10, { sign: "", digits: "1", point: 2 }, "10"],
    [-120, { sign: "-", digits: "12", point: 3 }, "-120"],
    [0, { sign: "", digits: "0", point: 1 }, "0"],
    [-0, { sign: "-", digits: "0", point: 1 }, "-0"],
  ])("The number %d has its shortest digits and the place of its point", (value, parts, text) => {
    expect(digitsOf(value)).toStrictEqual(parts);
    expect(fixed(parts)).toBe(text);
  });
});
