import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import { MAX_SIGNED_TEXTS, signedTexts } from "../../shared/providers/we-link/signed-texts.ts";
import { makeIngestCore, SECRET } from "../support/fakes/ingest-core.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";
import { skipWithout } from "../support/programs.ts";

const folder = new URL("../support/encoders/", import.meta.url).pathname;
const sample = JSON.parse(readFileSync(`${folder}sample.json`, "utf8")) as object;

const linesOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t") as [string, string]);

/**
 * The output of the real encoders for `sample.json`, by the scripts beside it. Gson,
 * Jackson and org.json are those of Maven Central: gson 2.11.0, jackson-databind
 * 2.17.2, json 20240303. .NET's is that of its documents:
 * learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding
 */
const recorded = [
  ...linesOf(readFileSync(`${folder}recorded.tsv`, "utf8")),
  [".NET System.Text.Json", '{"Summary":"\\u0436\\u0430\\u0440\\u043A\\u043E"}'],
  [
    ".NET System.Text.Json, quotes and signs",
    '{"a":"2\\u002B2 \\u0022\\u003C\\u0027\\u0026\\u0060"}',
  ],
  ["Newtonsoft.Json", '{"a":"\\u0085\\u2028é<>"}'],
] as [string, string][];

const verify = (text: string, lastEncoding?: string) =>
  weLink.verify(webhookOf(text), {
    secrets: [SECRET],
    settings: { hashForms: ["raw", "json", "python"], allowUnboundJwt: false },
    nowMs: 0,
    lastEncoding,
  });

/** The signed text, sent by another encoder: with other white space, escapes and order. NetAlertX#1720, salesagent#1104, attendee#227 */
function sentOtherwise(signed: string): string[] {
  const value = JSON.parse(signed) as object;
  const hash = hmacHex(SECRET, signed);
  const isSample = Object.keys(value).length === Object.keys(sample).length;
  const body = { hash, ...(isSample ? sample : value) };
  const escaped = JSON.stringify(body).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`,
  );
  return [JSON.stringify(body, null, 3), JSON.stringify(body), escaped.replaceAll("/", "\\/")];
}

describe("a hash over the text of one encoder, in a body of another, is verified", () => {
  test.each(recorded)("%s", (_name, signed) => {
    for (const sent of sentOtherwise(signed)) {
      expect(verify(sent)).toMatchObject({ kind: "verified" });
      expect(verify(sent.replace("e", "x"))).toEqual({ kind: "invalid" });
    }
  });
});

const installed = [
  ["Python", "python3", ["encode.py"]],
  ["PHP", "php", ["encode.php"]],
  ["Ruby", "ruby", ["encode.rb"]],
  ["Go", "go", ["run", "encode.go"]],
] as const;

describe("the encoder of this machine", () => {
  test.for(installed)(
    "%s signs a text that is verified",
    { timeout: 120_000 },
    ([, program, args], { skip }) => {
      skipWithout(program, skip);
      const { stdout, stderr } = spawnSync(program, [...args, "sample.json"], {
        cwd: folder,
        encoding: "utf8",
      });
      const outputs = linesOf(stdout);
      expect([outputs.length > 1, stderr]).toEqual([true, expect.any(String)]);
      for (const [name, signed] of outputs) {
        for (const sent of sentOtherwise(signed)) {
          expect([name, verify(sent).kind]).toEqual([name, "verified"]);
        }
      }
    },
  );
});

describe("numbers as encoders write them", () => {
  // As PHP 8.2.36, Ruby 3.1.2, Python 3.11.7, Go 1.26.8 and Java 17 print these numbers.
  test.each([
    ["Python", '{"a": 1.0, "b": 1e+16, "c": 1e-05, "d": 123456789.5, "e": -0.5}'],
    ["Python, compact", '{"a":1.0,"b":1e+16,"c":1e-05,"d":123456789.5,"e":-0.5}'],
    ["Java", '{"a":1.0,"b":1.0E16,"c":1.0E-5,"d":1.234567895E8,"e":-0.5}'],
    ["PHP", '{"a":1,"b":10000000000000000,"c":1.0e-5,"d":123456789.5,"e":-0.5}'],
    ["Ruby", '{"a":1.0,"b":1.0e+16,"c":1.0e-05,"d":123456789.5,"e":-0.5}'],
    ["Go and JavaScript", '{"a":1,"b":10000000000000000,"c":0.00001,"d":123456789.5,"e":-0.5}'],
    [".NET", '{"a":1,"b":1E+16,"c":1E-05,"d":123456789.5,"e":-0.5}'],
  ])("%s signs numbers in its notation, and they are sent in another", (_name, signed) => {
    const hash = hmacHex(SECRET, signed);
    const sent = `{"hash":"${hash}","a":1.0,"b":1.0e16,"c":1.0e-5,"d":1234567895e-1,"e":-5e-1}`;
    expect(verify(sent)).toMatchObject({ kind: "verified" });
    expect(verify(sent.replace("1.0e16", "2.0e16"))).toEqual({ kind: "invalid" });
  });
});

test("a number with more digits than its encoder writes is another number", () => {
  const hash = hmacHex(SECRET, '{"a":1.0}');
  expect(verify(`{"hash":"${hash}","a":10e-1}`)).toMatchObject({ kind: "verified" });
  for (const other of ["1.00000000000000000001", "1.1", "-1.0", "1", '"1.0"']) {
    expect([other, verify(`{"hash":"${hash}","a":${other}}`).kind]).toEqual([other, "invalid"]);
  }
});

test("members whose names are integers stay where they were sent", () => {
  const signed = '{"b": 1, "2": "x", "1": {"z": 1, "0": "\\u00fc"}}';
  const sent = `{"b":1,"2":"x","1":{"z":1,"0":"ü"},"hash":"${hmacHex(SECRET, signed)}"}`;
  expect(verify(sent)).toMatchObject({ kind: "verified", form: "python" });
});

test("an integer of any size keeps its digits in each form that keeps the order", () => {
  const signed = '{"a": 123456789012345678901234567890, "b": "\\u00fc"}';
  const sent = `{"a":123456789012345678901234567890,"b":"ü","hash":"${hmacHex(SECRET, signed)}"}`;
  expect(verify(sent)).toMatchObject({ kind: "verified", form: "python" });
});

describe("the number of texts that are tried", () => {
  const textsOf = (value: Record<string, unknown>, pinned?: string) => [
    ...signedTexts({ text: JSON.stringify(value), value }, pinned),
  ];

  test("a plain body has few texts, and they are all different", () => {
    const texts = textsOf({ status: "SUCCESS", request_id: "r" }).map(({ text }) => text);
    expect(texts).toHaveLength(4);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("a body that every encoder writes differently has a bounded number of texts", () => {
    const all = {
      z: "/<>&'=+`\u0001\u001f\u007f\u0085\u2028é日🎉",
      a: { c: 1.5, b: [1e21, 1e-7] },
    };
    const texts = textsOf(all);
    expect(texts.length).toBeGreaterThan(30);
    expect(texts.length).toBeLessThanOrEqual(MAX_SIGNED_TEXTS);
  });

  test("a large body has fewer texts", () => {
    const large = { z: "é/<".repeat(60_000), a: 1 };
    const characters = textsOf(large).reduce((sum, { text }) => sum + text.length, 0);
    expect(characters).toBeLessThan(6 * 1_200_000);
    expect(textsOf(large).length).toBeLessThan(10);
  });

  test("the encoding that verified a webhook is the first that is tried for the next", () => {
    const value = { z: "é/", a: 1 };
    const signed = textsOf(value).at(-1);
    expect(textsOf(value, signed?.encoding)[0]).toEqual(signed);
  });
});

test("a connection remembers the encoding that verified its last webhook", async () => {
  const { post, pinned } = makeIngestCore();
  const signed = '{"request_id": "r", "status": "SUCCESS", "text": "\\u00fc"}';
  const body = `{"text":"ü","status":"SUCCESS","request_id":"r","hash":"${hmacHex(SECRET, signed)}"}`;
  expect(await post(body)).toMatchObject({ status: 200 });
  expect(await post(body)).toMatchObject({ status: 200 });
  expect(pinned).toEqual([undefined, "python sorted"]);
});
