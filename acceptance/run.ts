/**
 * Tests a deployment as its users see it: HTTP, AWS's APIs and the admin command.
 *
 *     npm run acceptance [-- --only TEXT] [--results FILE]
 *
 * `ACKWIRE_TARGET` names the file that describes the deployment (acceptance/README.md); without it,
 * a local run is started and stopped. `--only` runs the cases whose title contains the text, `--results`
 * writes the results as JSON.
 * `ACKWIRE_WAIT_SECONDS` is how long a case waits for each condition (120). Ends with a table of
 * what passed, failed and was skipped, and exits with 1 if a case failed.
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "node:test";
import { parseArgs } from "node:util";
import { startLocalRun } from "./local-run.ts";
import { type CaseResult, table } from "./table.ts";

const { values } = parseArgs({
  options: { only: { type: "string" }, results: { type: "string" } },
});

async function runSuite(target: string): Promise<CaseResult[]> {
  process.env.ACKWIRE_TARGET = target;
  const results: CaseResult[] = [];
  const pattern = values.only === undefined ? undefined : new RegExp(escaped(values.only));
  const stream = run({
    files: [resolve(import.meta.dirname, "suite.ts")],
    // In this process it would not end before the local run's process.
    isolation: "process",
    ...(pattern === undefined ? {} : { testNamePatterns: [pattern] }),
  });
  for await (const { type, data } of stream) {
    if (type === "test:stderr") process.stderr.write(data.message);
    if (type !== "test:pass" && type !== "test:fail") continue;
    // A suite that fails without a failed case, such as by an error of its file, is a result too.
    const isSuite = data.details.type === "suite";
    if (isSuite && (type === "test:pass" || results.some(({ status }) => status === "failed"))) {
      continue;
    }
    const result = resultOf(type, data);
    results.push(result);
    console.log(`${result.status.padEnd(8)} ${result.title}`);
  }
  return results;
}

type Report = {
  name: string;
  skip?: string | boolean | undefined;
  details: { duration_ms: number; error?: Error };
};

function resultOf(type: "test:pass" | "test:fail", data: Report): CaseResult {
  const { name: title, skip, details } = data;
  const seconds = details.duration_ms / 1_000;
  if (type === "test:fail") {
    const cause = details.error?.cause;
    const reason = cause instanceof Error ? cause.message : String(cause ?? details.error);
    return { status: "failed", title, seconds, reason };
  }
  if (skip !== undefined && skip !== false) {
    return { status: "skipped", title, seconds, reason: String(skip) };
  }
  return { status: "passed", title, seconds };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

async function main(): Promise<number> {
  const given = process.env.ACKWIRE_TARGET;
  const local = given === undefined ? await startLocalRun() : undefined;
  try {
    const results = await runSuite(local?.target ?? resolve(given ?? ""));
    console.log(`\n${table(results)}`);
    if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(results));
    const isPassed = results.some(({ status }) => status === "passed");
    return isPassed && results.every(({ status }) => status !== "failed") ? 0 : 1;
  } finally {
    await local?.stop();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
