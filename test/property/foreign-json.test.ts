import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { phpJson } from "../../shared/core/json/php-json.ts";
import { pythonJson } from "../../shared/core/json/python-json.ts";
import { skipWithout } from "../support/programs.ts";

// What Python 3.11 wrote, so that it need not be there.
test.each([
  ["{}", "{}"],
  ['{"a":1,"b":[1,2,{"c":null}],"d":{}}', '{"a": 1, "b": [1, 2, {"c": null}], "d": {}}'],
  ['{"t":true,"f":false,"e":[]}', '{"t": true, "f": false, "e": []}'],
  ['{"s":"Zo\u00eb \u2028 \u{1f600} \u007f"}', '{"s": "Zo\\u00eb \\u2028 \\ud83d\\ude00 \\u007f"}'],
  ['{"s":"\\u0000\\b\\f\\n\\r\\t\\"\\\\/"}', '{"s": "\\u0000\\b\\f\\n\\r\\t\\"\\\\/"}'],
  ['{"s":"\\ud800"}', '{"s": "\\ud800"}'],
  ['{"\u00e9":{"\u00e9":1}}', '{"\\u00e9": {"\\u00e9": 1}}'],
  [
    '{"n":1.0,"m":-1,"big":9007199254740993,"half":0.5}',
    '{"n": 1.0, "m": -1, "big": 9007199254740993, "half": 0.5}',
  ],
  [
    "[1e3,1.10,1e16,1e22,1.5e-5,0.0001,-0,-0.0,1e400]",
    "[1000.0, 1.1, 1e+16, 1e+22, 1.5e-05, 0.0001, 0, -0.0, Infinity]",
  ],
  ['{"2":1, "1":2, "2":3}', '{"2": 3, "1": 2}'],
])("%j is serialised like Python", (json, python) => {
  expect(pythonJson(json)).toBe(python);
});

// What PHP 8.2 wrote.
test.each([
  ['{"a":{},"b":[],"c":{"0":1,"1":2},"d":{"1":1}}', '{"a":[],"b":[],"c":[1,2],"d":{"1":1}}'],
  [
    '{"s":"/\u00e9\u{1f600}<>&\'\\"\u007f\u2028"}',
    '{"s":"\\/\\u00e9\\ud83d\\ude00<>&\'\\"\u007f\\u2028"}',
  ],
  [
    "[1.0,1.10,1e16,1e17,1e-5,0.0001,-0,-0.0,9223372036854775807,9223372036854775808]",
    "[1,1.1,10000000000000000,1.0e+17,1.0e-5,0.0001,0,-0,9223372036854775807,9.223372036854776e+18]",
  ],
])("%j is serialised like PHP", (json, php) => {
  expect(phpJson(json)).toBe(php);
});

/** JSON texts with names that are numbers, numbers in any notation, and escapes. */
function texts(of: { withLoneSurrogates: boolean }): string[] {
  const unit = of.withLoneSurrogates ? "binary" : "grapheme";
  const odd = of.withLoneSurrogates ? ["\ud800", "\udfff\ud800"] : [];
  const digits = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }).map(String);
  const fraction = fc.tuple(digits, fc.nat(999_999)).map(([whole, part]) => `${whole}.${part}`);
  const power = fc.tuple(fc.integer(), fc.integer({ min: -30, max: 30 }));
  const number = fc.oneof(
    digits,
    fraction,
    power.map(([base, exponent]) => `${base}e${exponent}`),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom("-0", "-0.0", "0e5", "1.0", "1E+2"),
  );
  const string = fc
    .oneof(
      fc.string({ unit }),
      fc.constantFrom("\u007f\u0080", "\ufffe\uffff", "\\u0041", '"', "/", ...odd),
    )
    .map((value) => JSON.stringify(value));
  const key = fc.oneof(
    string,
    fc.nat(12).map((index) => `"${index}"`),
  );
  const { tree } = fc.letrec<{ tree: string; object: string }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      number,
      string,
      fc.constantFrom("true", "false", "null", "{}", "[]"),
      tie("object"),
      fc.array(tie("tree"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    ),
    object: fc
      .array(fc.tuple(key, tie("tree")), { maxLength: 5 })
      .map((members) => `{${members.map((member) => member.join(" : ")).join(", ")}}`),
  }));
  return fc.sample(tree, 2_000).map((text) => `{"body":${text}}`);
}

function answersOf(command: readonly [string, ...string[]], lines: readonly string[]): string[] {
  const [program, ...args] = command;
  const answer = execFileSync(program, args, {
    input: lines.map((text) => `${text}\n`).join(""),
    maxBuffer: 1e8,
    env: { ...process.env, PYTHONIOENCODING: "utf-8" },
  });
  return answer.toString().trimEnd().split("\n");
}

describe("against the real interpreters", () => {
  test("every text is serialised like Python", ({ skip }) => {
    skipWithout("python3", skip);
    const lines = texts({ withLoneSurrogates: true });
    const program =
      "import json,sys\nfor line in sys.stdin: sys.stdout.write(json.dumps(json.loads(line)) + chr(10))";
    expect(lines.map(pythonJson)).toEqual(answersOf(["python3", "-c", program], lines));
  });

  test("every text is serialised like PHP", ({ skip }) => {
    skipWithout("php", skip);
    const lines = texts({ withLoneSurrogates: false });
    const program =
      'ini_set("serialize_precision", "-1"); while (($line = fgets(STDIN)) !== false) echo json_encode(json_decode($line, true)), "\\n";';
    expect(lines.map(phpJson)).toEqual(answersOf(["php", "-r", program], lines));
  });
});
