import { SourceMap } from "node:module";
import { encode } from "@jridgewell/sourcemap-codec";
import { expect, test } from "vitest";
import { withoutDependencies } from "../../infra/constructs/source-map.ts";

test("A bundle's source map keeps the repository's files, and positions in dependencies lose their source", () => {
  const complete = {
    version: 3,
    file: "handler.js",
    sources: ["../../node_modules/zod/index.js", "../../shared/a.ts", "../../functions/b.ts"],
    names: ["ofDependency", "own"],
    mappings: encode([
      // Line 0: a dependency from column 0, a.ts from 10, two segments of the dependency from 20, b.ts from 30.
      [
        [0, 0, 7, 0, 0],
        [10, 1, 4, 2, 1],
        [20, 0, 8, 0],
        [25, 0, 9, 0],
        [30, 2, 5, 0],
      ],
    ]),
  };
  const trimmed = JSON.parse(withoutDependencies(JSON.stringify(complete)) ?? "");
  expect(trimmed).toMatchObject({
    sources: ["../../shared/a.ts", "../../functions/b.ts"],
    names: ["own"],
  });
  const map = new SourceMap(trimmed);
  const sourceAt = (column: number) => {
    const entry = map.findEntry(0, column);
    return "originalSource" in entry && entry.originalSource
      ? `${entry.originalSource}:${entry.originalLine}:${entry.originalColumn}`
      : undefined;
  };
  expect(map.findEntry(0, 10)).toMatchObject({ name: "own" });
  expect([0, 10, 20, 27, 30].map(sourceAt)).toEqual([
    undefined,
    "../../shared/a.ts:4:2",
    undefined,
    undefined,
    "../../functions/b.ts:5:0",
  ]);
});

test("The source map of a bundle of dependencies alone is left out", () => {
  const sources = ["../../node_modules/zod/index.js"];
  const map = { version: 3, sources, names: [], mappings: encode([[[0, 0, 7, 0]]]) };
  expect(withoutDependencies(JSON.stringify(map))).toBeUndefined();
});
