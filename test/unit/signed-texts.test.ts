import { describe, expect, test } from "vitest";
import { parseJsonObject } from "../../shared/core/json/json.ts";
import { signedTexts } from "../../shared/providers/we-link/signed-texts.ts";

/** A body as it was sent, and parsed without losing a digit. */
const bodyOf = (text: string) => ({ text, value: parseJsonObject(Buffer.from(text)).value });
const encodingsOf = (text: string, pinned?: string) =>
  [...signedTexts(bodyOf(text), pinned)].map(({ encoding }) => encoding);

describe("The texts that a sender can have signed", () => {
  test("A plain body has its own text, and those of other orders and spaces", () => {
    expect([...signedTexts(bodyOf('{"b":{"d":1,"c":"x"},"a":1}'))]).toStrictEqual([
      { form: "raw", encoding: "raw", text: '{"b":{"d":1,"c":"x"},"a":1}' },
      { form: "json", encoding: "plain sorted", text: '{"a":1,"b":{"c":"x","d":1}}' },
      { form: "python", encoding: "python sent", text: '{"b": {"d": 1, "c": "x"}, "a": 1}' },
      { form: "python", encoding: "python sorted", text: '{"a": 1, "b": {"c": "x", "d": 1}}' },
      { form: "json", encoding: "plain sorted-top", text: '{"a":1,"b":{"d":1,"c":"x"}}' },
      { form: "python", encoding: "python sorted-top", text: '{"a": 1, "b": {"d": 1, "c": "x"}}' },
    ]);
  });

  test("A body whose members are in order, without spaces, has two texts", () => {
    expect(encodingsOf('{"a":1,"b":{"c":"x"}}')).toEqual(["raw", "python sent"]);
  });

  test("A body with spaces has its own text first, and then that without them", () => {
    expect(encodingsOf('{ "a": 1, "b": 2 }')).toEqual(["raw", "plain sent", "python sent"]);
  });

  test("A body that cannot be serialised again keeps the order in which it was sent", () => {
    const text = '{"b":12345678901234567890,"a":1}';
    const texts = [...signedTexts({ text, value: undefined })];
    expect(texts.map(({ encoding }) => encoding)).toEqual(["raw", "python sent"]);
  });

  test("A number with a point has the notations of several languages", () => {
    const texts = [...signedTexts(bodyOf('{"a":1e20}'))];
    const notations = texts.filter(({ encoding }) => encoding.startsWith("plain sent "));
    expect(notations).toStrictEqual([
      { form: "json", encoding: "plain sent javaScript", text: '{"a":100000000000000000000}' },
      { form: "json", encoding: "plain sent python", text: '{"a":1e+20}' },
      { form: "json", encoding: "plain sent java", text: '{"a":1.0E20}' },
      { form: "json", encoding: "plain sent ruby", text: '{"a":1.0e+20}' },
      { form: "json", encoding: "plain sent dotnet", text: '{"a":1E+20}' },
    ]);
    expect(encodingsOf('{"a":10}')).toEqual(["raw", "python sent"]);
  });

  test("The encoding of an earlier webhook is tried first, and an unknown one is not", () => {
    const text = '{"b":2,"a":1}';
    const usual = ["raw", "plain sorted", "python sent", "python sorted"];
    expect(encodingsOf(text)).toEqual(usual);
    expect(encodingsOf(text, "python sorted")).toEqual(["python sorted", ...usual.slice(0, 3)]);
    expect(encodingsOf(text, "plain sent")).toEqual(["plain sent", ...usual.slice(1)]);
    expect(encodingsOf(text, "cobol sent")).toEqual(usual);
  });
});

describe("The characters that are written for one body", () => {
  /** A body of this length whose texts all differ. */
  function bodyOfLength(length: number, number = "1"): string {
    const [start, end] = [`{"b":{"d":${number},"c":"`, '"},"a":1}'];
    return start + "x".repeat(length - start.length - end.length) + end;
  }
  const usual = ["raw", "plain sorted", "python sent", "python sorted"];

  // Each order of the members is written once, and so is each of their encodings: the two orders
  // "sent" and "sorted" of three encodings (plain, python, dotnet) are eight texts of the body's
  // length, and "sorted-top" is the ninth and in the plain encoding the tenth.
  test("A body has the texts of up to 1,200,000 characters in all", () => {
    expect(encodingsOf(bodyOfLength(120_000))).toEqual([...usual, "plain sorted-top"]);
    expect(encodingsOf(bodyOfLength(120_001))).toEqual(usual);
  });

  // The twelve texts without another notation, four for the numbers, and one for the encoding.
  test("Another notation of the numbers counts as four texts", () => {
    const longest = Math.floor(1_200_000 / 17);
    const tops = ["plain sorted-top", "python sorted-top"];
    const withNotation = [...usual, ...tops, "plain sent javaScript"];
    expect(encodingsOf(bodyOfLength(longest, "1.0"))).toEqual(withNotation);
    expect(encodingsOf(bodyOfLength(longest + 1, "1.0"))).toEqual([...usual, ...tops]);
  });
});
