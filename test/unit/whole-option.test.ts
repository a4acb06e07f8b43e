import { expect, test } from "vitest";
import { wholeOption } from "../support/whole-option.ts";

test("the number of an option is a whole one from the least that is allowed", () => {
  expect(wholeOption("seeds", "100000")).toBe(100_000);
  expect(wholeOption("pairs", "0", 0)).toBe(0);
});

test.each(["", "x", "0", "-1", "1.5", "1e3", "100_000", " 5", "1234567890123456"])(
  "the number of an option cannot be %j, from which a program would make nothing",
  (text) => {
    expect(() => wholeOption("seeds", text)).toThrow("--seeds takes a whole number from 1");
  },
);
