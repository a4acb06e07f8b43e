import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import {
  LONG_TEST_TIMEOUT_MS,
  TEST_TIMEOUT_MS,
  waitOptions,
} from "../../test/support/wait-timeout.ts";

process.env.CDK_VALIDATION = "false";

export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, "../.."),
    include: ["console/test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: LONG_TEST_TIMEOUT_MS,
    expect: { poll: waitOptions },
    // Each file has a local run and a browser: one after the other.
    fileParallelism: false,
    isolate: false,
    maxWorkers: 1,
  },
});
