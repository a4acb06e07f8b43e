import { defineConfig } from "vitest/config";
import { TEST_TIMEOUT_MS, waitOptions } from "../support/wait-timeout.ts";

const suites = {
  ACKWIRE_DYNAMODB_ENDPOINT: [
    "test/contract/stores/dynamo-*.test.ts",
    "test/emulators/dynamodb.differential.ts",
  ],
  ACKWIRE_SQS_ENDPOINT: [
    "test/contract/stores/sqs-*.test.ts",
    "test/emulators/sqs.differential.ts",
  ],
};

/** For `run.ts`: the suites of the services that the emulator has, one file after the other on its one endpoint. */
export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: Object.entries(suites).flatMap(([endpoint, files]) =>
      process.env[endpoint] === undefined ? [] : files,
    ),
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts", "test/emulators/known-differences.ts"],
    fileParallelism: false,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    expect: { poll: waitOptions },
    unstubEnvs: true,
  },
});
