import { defineConfig } from "vitest/config";

/** The tests that decide about a mutant: those that use nothing outside of their process. */
export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts", "test/property/**/*.test.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 120_000,
    unstubEnvs: true,
    silent: true,
  },
});
