import { defineConfig } from "vitest/config";

export default defineConfig({
  // Far more than a test takes, for a machine that is busy.
  test: { testTimeout: 60_000, hookTimeout: 60_000 },
});
