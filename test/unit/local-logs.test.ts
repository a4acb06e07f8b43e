import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openLocalLogs } from "../../cli/local-logs.ts";
import { filesBelow, textOf } from "../support/tree.ts";

const directory = mkdtempSync(join(tmpdir(), "ackwire-local-logs-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The log of a local run with these lines of `submit`, and one of `consume`. */
function logsOf(...lines: readonly object[]) {
  const file = join(directory, "functions.log");
  const at = "2026-06-25T12:00:00.000Z";
  const own = lines.map((line) => `${at} AckwireSubmitFunction0A1B2C3D ${JSON.stringify(line)}`);
  const other = `${at} AckwireConsumeFunction0A1B2C3D {"n":"of consume"}`;
  writeFileSync(file, [...own, other, "not a line of a function", ""].join("\n"));
  return openLocalLogs(file);
}

describe("The log of a local run", () => {
  const logs = () =>
    logsOf(
      { n: 1, level: "WARN", message: "batch failed" },
      { n: 2, level: "ERROR", message: "batch failed", LaneWait: 60 },
      { n: 3, level: "ERROR", message: "request timed out", LaneWait: 61 },
      { n: 4, level: "INFO", LaneWait: "none" },
    );

  /** The numbers of the lines that a pattern matches. */
  const matching = (pattern: string) =>
    [
      ...logs()
        .matching("Submit", pattern)
        .matchAll(/"n":(\d)/g),
    ].map(([, n]) => Number(n));

  test.each<[string, number[]]>([
    ['{ $.level = "ERROR" }', [2, 3]],
    ['{ $.level != "ERROR" }', [1, 4]],
    ['{ $.message = "batch*" }', [1, 2]],
    ["{ $.n = 3 }", [3]],
    ['{ $.level = "ERROR" && $.message = "batch failed" }', [2]],
    ['{ $.level = "INFO" || $.level = "WARN" }', [1, 4]],
    ['{ $.n = 1 || $.level = "ERROR" && $.message = "request*" }', [1, 3]],
    ['{ $.level = "ERROR" && $.message = "request*" || $.n = 1 }', [1, 3]],
    ["{ $.LaneWait > 60 }", [3]],
    ["{ $.LaneWait >= 60 }", [2, 3]],
    ["{ $.LaneWait < 61 }", [2]],
    ["{ $.LaneWait <= 61 }", [2, 3]],
  ])("The pattern %s matches the lines %j", (pattern, numbers) => {
    expect(matching(pattern)).toEqual(numbers);
  });

  test.each(["", "{ }", "ERROR", '{ $.level = "A" || }', '{ $.level ~ "A" }', "{ $.n IS NULL }"])(
    "The pattern %j is refused, because its lines could not be told",
    (pattern) => {
      expect(() => matching(pattern)).toThrow("the local run reads patterns such as");
    },
  );

  test("What a function has counted is the sum of its lines with metrics", () => {
    const counting = logsOf(
      { _aws: {}, SubmitFailed: 1 },
      { _aws: {}, SubmitFailed: [2, 3] },
      { SubmitFailed: 4 },
    );
    expect(counting.counted("Submit", "SubmitFailed")).toBe(6);
  });
});

const patterns = filesBelow("docs/runbooks", ".md").flatMap((page) =>
  [...textOf(page).matchAll(/logs (\w+) '(\{[^']*\})'/g)].map(([, name = "", pattern = ""]) => ({
    page,
    name,
    pattern,
  })),
);

test("The runbooks have more than 50 filters of logs", () => {
  expect(patterns.length).toBeGreaterThan(50);
});

test.each(patterns)("The local run reads the filter $pattern of $page", ({ name, pattern }) => {
  expect(logsOf().matching(name, pattern)).toBe("");
});
