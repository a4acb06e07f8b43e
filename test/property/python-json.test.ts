import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJsonObject } from "../../shared/core/json/json.ts";
import { pythonJson } from "../../shared/core/json/python-json.ts";

const ours = (json: string) => pythonJson(parseJsonObject(Buffer.from(json)).value);

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
])("%j is serialised like Python", (json, python) => {
  expect(ours(json)).toBe(python);
});

const python = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!python)("every text and whole number is serialised like Python", () => {
  const leaf = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom("\ud800", "\udfff\ud800", "\u007f\u0080", "\ufffe\uffff", "\\u0041", '"'),
  );
  // Not an index: JavaScript puts those first, in an object that was parsed.
  const key = fc.string({ unit: "binary" }).filter((text) => !/^\d+$/.test(text));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie("tree"), fc.array(leaf))),
  }));
  const texts = fc.sample(tree, 2_000).map((value) => JSON.stringify(value));
  const program =
    "import json,sys\nfor line in sys.stdin: sys.stdout.write(json.dumps(json.loads(line)) + chr(10))";
  const answer = execFileSync("python3", ["-c", program], {
    input: texts.map((text) => `${text}\n`).join(""),
    maxBuffer: 1e8,
    env: { ...process.env, PYTHONIOENCODING: "utf-8" },
  });
  const lines = answer.toString().trimEnd().split("\n");
  expect(lines).toHaveLength(texts.length);
  expect(texts.map(ours)).toEqual(lines);
});
