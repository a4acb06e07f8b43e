import { expect, test } from "vitest";
import { textsIn } from "../faults/matrix/titles.ts";
import { textOf } from "../support/tree.ts";

const document = textOf("docs/threat-model.md");

/** The rows of the table of refusals: a file and the title of its test. */
const rows = [...document.matchAll(/^\|[^|]+\|[^|]+\| `(test\/[^`]+)`: (.*?) *\|$/gm)].map(
  // Prettier may write a backslash before a character that Markdown would read.
  ([, file = "", title = ""]) => ({ file, title: title.replace(/\\(?=[_*<[\]])/g, "") }),
);

test("The threat model names a test for each refusal", () => {
  const lines = document.split("## Refusals")[1]?.split("\n## ")[0]?.match(/^\| /gm) ?? [];
  // The heading and the line below it are rows too.
  expect(rows).toHaveLength(lines.length - 2);
  expect(rows.length).toBeGreaterThan(30);
});

test.each(rows)("The test that the threat model names exists: $file: $title", ({ file, title }) => {
  expect(textsIn(file, textOf(file)).includes(title)).toBe(true);
});
