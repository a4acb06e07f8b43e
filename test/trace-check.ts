import { spawnSync } from "node:child_process";

/**
 * `npm run trace:check`: 1,000 requests with duplicates and retries through a local run, whose spans
 * must be 1,000 connected trees. `npm test` has 50.
 */
const { status } = spawnSync("npx", ["vitest", "run", "test/integration/tracing.test.ts"], {
  stdio: "inherit",
  env: { ...process.env, REQUESTS: "1000" },
});
process.exitCode = status ?? 1;
