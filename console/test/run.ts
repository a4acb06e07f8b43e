/**
 * Tests the console in Chromium, against a local run, and prints the size of its bundle, what axe
 * found, and the requests of each page. Says why it is skipped where there is no Chromium and none
 * can be installed. Screenshots of each page are in `test-results/console`.
 *
 *     npm run test:console -- [vitest's options]
 */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { runCommand } from "../../test/support/processes.ts";
import { bundleSizes, MAX_FIRST_PAGE_BYTES } from "./bundle-size.ts";
import { findChromium } from "./chromium.ts";

const root = resolve(import.meta.dirname, "../..");

function checkBundle(): boolean {
  const startedMs = performance.now();
  const output = execFileSync(process.execPath, [join(root, "console/build.ts")], {
    encoding: "utf8",
  });
  const tookSeconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const { firstPage, chart, all } = bundleSizes(output.trim());
  const kb = (bytes: number) => `${(bytes / 1_000).toFixed(0)} KB`;
  console.log(
    `console: first page ${kb(firstPage)} (at most ${kb(MAX_FIRST_PAGE_BYTES)}), its chart ${kb(chart)} later, all pages ${kb(all)}, compressed by gzip; built in ${tookSeconds} s`,
  );
  return firstPage <= MAX_FIRST_PAGE_BYTES;
}

const isSmall = checkBundle();
if (!isSmall) console.error("console: the first page is too large");
const chromium = findChromium();
if ("missing" in chromium) {
  console.log(`console: skipped in a browser, because ${chromium.missing}`);
  process.exitCode = isSmall ? 0 : 1;
} else {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const config = join(import.meta.dirname, "vitest.config.ts");
  const { exitCode } = await runCommand(
    process.execPath,
    [vitest, "run", "--config", config, ...process.argv.slice(2)],
    { cwd: root, env: { ...process.env, CHROMIUM: chromium.program }, isShown: true },
  );
  process.exitCode = isSmall ? exitCode : 1;
}
