import { expect, test } from "vitest";
import {
  hasFloats,
  type NumberFormatName,
  withNumbers,
} from "../../shared/providers/we-link/number-formats.ts";

/* test/property/hash.test.ts compares more numbers with what the languages themselves have written. */

test.each<[NumberFormatName, string, string]>([
  ["javaScript", "[1.50,1.0,1e21,1e-7,-0.5]", "[1.5,1,1e+21,1e-7,-0.5]"],
  ["python", "[1.5,1.0,1e15,1e16,1e-4,1e-5]", "[1.5,1.0,1000000000000000.0,1e+16,0.0001,1e-05]"],
  ["java", "[1.5,1.0,1e6,1e7,1e-3,1e-4]", "[1.5,1.0,1000000.0,1.0E7,0.001,1.0E-4]"],
  ["ruby", "[1.5,1.0,1e15,1e-4,1e-5]", "[1.5,1.0,1.0e+15,0.0001,1.0e-05]"],
  ["php", "[1.5,1.0,1e16,1e25,1e-5]", "[1.5,1,10000000000000000,1.0e+25,1.0e-5]"],
  ["dotnet", "[1.5,1.0,1e14,1e15,1.5e16]", "[1.5,1,100000000000000,1E+15,1.5E+16]"],
])("%s writes %s as %s", (name, text, expected) => {
  expect(withNumbers(text, name)).toBe(expected);
});

test.each<[string, string]>([
  ["integers, also of many digits", "[0,7,-3,12,-120,12345678901234567890]"],
  ["what is in texts", '{"1.50":"1.50","a":"say \\"2.50\\""}'],
  ["a number with more digits than an encoder writes", "[0.12345678901234567890123]"],
])("No language changes %s", (_, text) => {
  expect(withNumbers(text, "python")).toBe(text);
});

test("The sign and the zeros of a number do not make it another one", () => {
  expect(withNumbers("[-1.50,-0.0,0.00250,-1500.0]", "python")).toBe("[-1.5,-0.0,0.0025,-1500.0]");
});

test.each<[string, boolean]>([
  ["[1.5]", true],
  ['{"a":-1e3}', true],
  ["[1,2E5]", true],
  ['{"a":15,"b":[-3]}', false],
  ['{"a":"1.5"}', false],
])("Whether %s may have a floating-point number: %s", (text, has) => {
  expect(hasFloats(text)).toBe(has);
});

test("A number with a million zeros before its last digit is read in linear time", () => {
  const text = `[1.${"0".repeat(1_000_000)}1]`;
  // In quadratic time it would take hours.
  expect(withNumbers(text, "python") === text).toBe(true);
});
