import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { Announcement } from "./test/support/announcement.ts";
import { RESULTS_FILE } from "./test/support/test-results.ts";
import { TEST_TIMEOUT_MS, waitOptions } from "./test/support/wait-timeout.ts";

/** Tests that use nothing outside of their process. */
const pure = ["unit", "property", "architecture", "infra"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/**
 * Tests of whole systems, which take minutes each: other people's clients against every call, two
 * versions at once, thousands of stored texts, every right, copies of this repository.
 * `npm run test:long`.
 */
const long = [
  "test/integration/erasure.test.ts",
  "test/integration/runbooks.test.ts",
  "test/integration/two-versions.test.ts",
  "test/integration/acceptance.test.ts",
  "test/integration/linked-api-python-client.test.ts",
  "test/integration/add-event-type.test.ts",
  "test/integration/third-provider.test.ts",
  "test/integration/tracing.test.ts",
  "test/integration/linked-api-differential.test.ts",
  "test/integration/rights.test.ts",
];

/**
 * The files that take longest of the others, because they wait for leases, timeouts and retries. They start
 * first, so that the others run beside them; those that use the processor most are apart.
 */
const longest = [
  "test/integration/local-process.test.ts",
  "test/faults/ingest.test.ts",
  "test/contract/local/local-event-source.test.ts",
  "test/faults/requests-accept.test.ts",
  "test/faults/deliveries-every-call.test.ts",
  "test/faults/requests-every-call.test.ts",
  "test/contract/local/local-aws-durability.test.ts",
  "test/faults/every-call.test.ts",
  "test/contract/local/local-aws-scheduler.test.ts",
  "test/faults/requests-submission.test.ts",
  "test/integration/parked-requests.test.ts",
  "test/integration/debugging.test.ts",
  "test/integration/webhooks.test.ts",
  "test/faults/requests-lanes.test.ts",
  "test/faults/requests-schedule.test.ts",
  "test/specification/we-link-asynchronous-processing-requests.test.ts",
  "test/integration/poison.test.ts",
  "test/faults/requests-batch.test.ts",
  "test/integration/client-package.test.ts",
];

// A file that is renamed must not lose its place unnoticed.
const missing = [...long, ...longest].filter((file) => !existsSync(new URL(file, import.meta.url)));
if (missing.length > 0) throw new Error(`vitest.config.ts lists ${missing}, which do not exist`);

/** Starts the longest files first, also in a clone whose tests have never run. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      [...long, ...longest].findIndex((file) => moduleId.endsWith(`/${file}`)) >>> 0;
    return (await super.sort(files)).toSorted(
      (a, b) => groupOf(a) - groupOf(b) || place(a) - place(b),
    );
  }
}

const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;

// Every process of the tests loads the same libraries: compiled once, for all of them.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");

// The CDK's own validation takes seconds for each stack; `npm run synth` does it once.
process.env.CDK_VALIDATION = "false";

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    expect: { poll: waitOptions },
    reporters: [
      new Announcement(),
      "default",
      ["json", { outputFile: process.env[RESULTS_FILE] ?? "test-results/vitest.json" }],
    ],
    // One line for each file that passes; a test that fails prints what it logged.
    slowTestThreshold: Number.POSITIVE_INFINITY,
    silent: "passed-only",
    // A worker goes on to its next file with what it has loaded; no file changes what others see.
    isolate: false,
    unstubEnvs: true,
    // Two cores: where there is little waiting, more workers only make all the others late.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: "pure", include: pure } },
      {
        extends: true,
        test: {
          name: "run",
          include: ["test/**/*.test.ts"],
          exclude: [...pure, ...long],
          // They wait half of their time.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "long", include: long, maxWorkers: 3, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
