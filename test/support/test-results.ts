import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "./tree.ts";

/** Where Vitest writes its results as JSON, if it is not `test-results/vitest.json`. */
export const RESULTS_FILE = "ACKWIRE_RESULTS_FILE";

/** A test that ran. */
export interface TestResult {
  /** In the repository. */
  file: string;
  title: string;
  status: "passed" | "failed";
  /** What the test has put into `task.meta`. */
  meta: Record<string, unknown>;
}

/**
 * Runs test files with Vitest in a process of its own, whose output is shown.
 *
 * @param files none: all
 * @param options.titles a regular expression that full titles must match
 * @returns the tests that ran; those that were skipped are left out
 */
export async function runTestFiles(
  files: readonly string[],
  { titles, env = {} }: { titles?: string; env?: Record<string, string> } = {},
): Promise<TestResult[]> {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-results-"));
  const outputFile = join(directory, "results.json");
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      ...files,
      ...(titles === undefined ? [] : ["--testNamePattern", titles]),
    ],
    { cwd: root, stdio: "inherit", env: { ...process.env, ...env, [RESULTS_FILE]: outputFile } },
  );
  await once(child, "exit");
  const { results } = readTestResults(outputFile);
  rmSync(directory, { recursive: true });
  return results;
}

/** The tests in a file that Vitest's JSON reporter has written, and when they ran. */
export function readTestResults(file: string): { startedAt: string; results: TestResult[] } {
  const { startTime, testResults } = JSON.parse(readFileSync(file, "utf8")) as {
    startTime: number;
    testResults: {
      name: string;
      assertionResults: { title: string; status: string; meta?: Record<string, unknown> }[];
    }[];
  };
  const results = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "passed" || status === "failed")
      .map(({ title, status, meta = {} }) => ({
        file: relative(root, name),
        title,
        status: status as TestResult["status"],
        meta,
      })),
  );
  return { startedAt: new Date(startTime).toISOString(), results };
}
