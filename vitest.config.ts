import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What runs on nothing outside: its files share a process and what they have loaded. */
const pure = ["unit", "property", "architecture", "infra"].map(
  (room) => `test/${room}/**/*.test.ts`,
);

// Every process of the tests loads the same libraries: compiled once, for all of them.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more workers only make the ones that start processes late.
    maxWorkers: 2,
    reporters: ["default", ["json", { outputFile: "test-results/vitest.json" }]],
    projects: [
      { extends: true, test: { name: "pure", include: pure, isolate: false } },
      { extends: true, test: { name: "run", include: ["test/**/*.test.ts"], exclude: pure } },
    ],
  },
});
