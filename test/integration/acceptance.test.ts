import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FunctionName } from "../../shared/contracts/env.ts";
import { BROKEN, idStartOf, makeBreakable } from "../support/runs/breakable-functions.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

const suite = fileURLToPath(new URL("../../acceptance/run.ts", import.meta.url));

/** Real seconds that a case waits for each condition; long, because a busy machine is slow. */
const WAIT_SECONDS = 480;

/** Real seconds that a case waits for what a broken function does not do. */
const BROKEN_WAIT_SECONDS = 15;

const directory = mkdtempSync(join(tmpdir(), "ackwire-acceptance-test-"));
const target = join(directory, "target.json");
const breakable = makeBreakable(join(directory, "broken"));

let run: TestRun;
beforeAll(async () => {
  run = await startTestRun({
    speed: 10,
    settings: { scheduleLeadSeconds: "0", firstPollSeconds: "60" },
    edit: breakable.edit,
  });
  const { apiUrl, awsUrl: awsEndpoint, providerUrl } = run.addresses;
  const { outputs } = run;
  const described = { apiUrl, awsEndpoint, region: "us-east-1", providerUrl, outputs };
  writeFileSync(target, JSON.stringify({ ...described, firstPollSeconds: 60 }));
}, LONG_TEST_TIMEOUT_MS);
afterAll(async () => {
  await run?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs `npm run acceptance` against the run. */
function acceptance(args: readonly string[], waitSeconds: number) {
  return new Promise<{ exitCode: number; printed: string }>((resolve) => {
    execFile(
      process.execPath,
      [suite, ...args],
      {
        env: {
          ...process.env,
          ACKWIRE_TARGET: target,
          ACKWIRE_WAIT_SECONDS: String(waitSeconds),
        },
      },
      (error, stdout, stderr) =>
        resolve({ exitCode: error ? 1 : 0, printed: `${stdout}${stderr}` }),
    );
  });
}

test(
  "The acceptance suite passes on the local run, and skips with a reason only what it has not",
  async () => {
    const { exitCode, printed } = await acceptance([], WAIT_SECONDS);
    expect(printed).toMatch(/passed 15, failed 0, skipped 1\n$/);
    expect(printed).toContain("the local run has no CloudWatch");
    expect(exitCode).toBe(0);
  },
  LONG_TEST_TIMEOUT_MS,
);

test.for<[FunctionName, string]>([
  ["ingest", "with a forged signature"],
  ["consume", "is one event on the bus"],
  ["api", "the API is up"],
  ["submit", "is accepted, submitted to the provider"],
  ["deliver", "is delivered to the webhook"],
  ["operator", "An operator key"],
  ["reconcile", "is found by asking the provider"],
])(
  "The acceptance suite fails when the function %s is broken",
  { timeout: LONG_TEST_TIMEOUT_MS },
  async ([name, title]) => {
    breakable.break(name);
    try {
      const { exitCode, printed } = await acceptance(["--only", title], BROKEN_WAIT_SECONDS);
      expect(printed).toMatch(/passed 0, failed 1, skipped 0\n$/);
      expect(exitCode).toBe(1);
      await expect.poll(run.logged).toMatch(new RegExp(`${idStartOf(name)}\\w* is ${BROKEN}`));
    } finally {
      breakable.mend();
    }
  },
);
