import { defineConfig } from "vitest/config";

/**
 * The tests that decide about a change: the unit tests. Property tests would notice some changes
 * more, and repeat each of theirs hundreds of times.
 */
export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    exclude: ["test/unit/fuzz.test.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 120_000,
    unstubEnvs: true,
    silent: true,
  },
});
