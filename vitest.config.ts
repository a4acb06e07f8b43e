import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { Announcement } from "./test/support/announcement.ts";
import { TEST_TIMEOUT_MS, waitOptions } from "./test/support/wait-timeout.ts";

/** Tests that use nothing outside of their process. */
const pure = ["unit", "property", "architecture", "infra"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Tests that wait for leases, timeouts and retries most of their time: more of them run at once. */
const waiting = [
  "test/contract/local/local-aws-durability.test.ts",
  "test/contract/local/local-aws-scheduler.test.ts",
  "test/contract/local/local-event-source.test.ts",
  "test/faults/consume.test.ts",
  "test/faults/deliveries-every-call.test.ts",
  "test/faults/every-call.test.ts",
  "test/faults/ingest.test.ts",
  "test/faults/requests-every-call.test.ts",
  "test/integration/accounts.test.ts",
  "test/integration/connections.test.ts",
  "test/integration/local-process.test.ts",
  "test/integration/parked-requests.test.ts",
  "test/integration/webhooks.test.ts",
];

// A file that is renamed must not move to another project unnoticed.
const missing = waiting.filter((file) => !existsSync(new URL(file, import.meta.url)));
if (missing.length > 0) throw new Error(`vitest.config.ts lists ${missing}, which do not exist`);

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
      ["json", { outputFile: "test-results/vitest.json" }],
    ],
    // One line for each file that passes; a test that fails prints what it logged.
    slowTestThreshold: Number.POSITIVE_INFINITY,
    silent: "passed-only",
    // A worker goes on to its next file with what it has loaded; no file changes what others see.
    isolate: false,
    unstubEnvs: true,
    // Two cores: where there is little waiting, more workers only make all the others late.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "pure", include: pure } },
      {
        extends: true,
        test: {
          name: "run",
          include: ["test/**/*.test.ts"],
          exclude: [...pure, ...waiting],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "wait", include: waiting, maxWorkers: 4, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
