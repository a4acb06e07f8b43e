import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What runs on nothing outside. */
const pure = ["unit", "property", "architecture", "infra"].map(
  (room) => `test/${room}/**/*.test.ts`,
);

/** What waits for leases, timeouts and retries for most of its time: more of them go on at once. */
const waiting = [
  "faults/{consume,ingest,every-call,requests-every-call,deliveries-every-call}",
  "integration/{accounts,connections,local-process,webhooks}",
  "contract/local/local-{aws-durability,aws-scheduler,event-source}",
].map((name) => `test/${name}.test.ts`);

// Every process of the tests loads the same libraries: compiled once, for all of them.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", ["json", { outputFile: "test-results/vitest.json" }]],
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
