import { globSync } from "node:fs";
import { expect, test } from "vitest";
import { root, textOf } from "../support/tree.ts";

const blocks = [...textOf("docs/testing.md").matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code = ""]) => code,
);
const examples = globSync("examples/testing-vitest/*.ts", { cwd: root }).map(textOf);

test("The code of docs/testing.md is that of the example, whose suite runs in the check", () => {
  expect(blocks.length).toBeGreaterThan(5);
  for (const code of blocks) {
    expect(examples.filter((text) => text.includes(code))).toHaveLength(1);
  }
});

test("Every test of the example is in docs/testing.md", () => {
  const names = examples.flatMap((text) => [...text.matchAll(/^test\("([^"]+)"/gm)]);
  expect(names.length).toBeGreaterThan(4);
  const document = blocks.join("\n");
  expect(names.filter(([, name = ""]) => !document.includes(name))).toEqual([]);
});
