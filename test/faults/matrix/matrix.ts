import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, root } from "../../support/tree.ts";
import { matrix } from "./rows.ts";
import { type MatrixTitle, matrixTitles } from "./titles.ts";

/** What `npm run faults -- --write` has stored, by file: the last run in which all of its cases passed. */
export type MatrixResults = Record<string, FileResult>;

export interface FileResult {
  measuredAt: string;
  machine: { cores: number; model: string; node: string };
  /** How many cases passed, by title. */
  cases: Record<string, number>;
}

export const resultsFile = "test/faults/matrix/results.json";

export const allRows = matrix.flatMap(({ rows }) => rows);

/** Every title of the tests that names a row, in the order of the files. */
export function allTitles(): MatrixTitle[] {
  return (
    filesBelow("test", ".test.ts")
      // Its texts are examples.
      .filter((file) => file !== "test/architecture/fault-matrix.test.ts")
      .flatMap((file) => matrixTitles(file, readFileSync(join(root, file), "utf8")))
  );
}

/** The rows without a test, and the titles whose row does not exist. */
export function gapsOf(titles: readonly MatrixTitle[]): string[] {
  const ids = new Set(allRows.map(({ id }) => id));
  const tested = new Set(titles.map(({ row }) => row));
  return [
    ...[...ids].filter((id) => !tested.has(id)).map((id) => `${id} has no test`),
    ...titles
      .filter(({ row }) => !ids.has(row))
      .map(({ row, file }) => `${file} names ${row}, which is no row`),
  ];
}

export const readMatrixResults = (): MatrixResults =>
  JSON.parse(readFileSync(join(root, resultsFile), "utf8")) as MatrixResults;
