/**
 * Runs the tests of `npm test` again and again while busy loops take the processor: a
 * test that passes only on an idle machine fails here.
 *
 *     npm run test:loaded -- [--loops 4] [--runs 3] [vitest's arguments]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));

const { values, positionals } = parseArgs({
  options: {
    loops: { type: "string", default: "4" },
    runs: { type: "string", default: "3" },
  },
  allowPositionals: true,
});
const [loops, runs] = [values.loops, values.runs].map(Number) as [number, number];
if (!Number.isInteger(loops) || loops < 0 || !Number.isInteger(runs) || runs < 1) {
  throw new Error("--loops takes a whole number from 0, --runs one from 1");
}

const ofNpmTest = ["--project=pure", "--project=run"];
const tests = positionals.length > 0 ? positionals : ofNpmTest;

/** Ends by itself when this process is gone, however it ended. */
const busyLoop = `while (process.ppid === ${process.pid}) for (let n = 0; n < 1e8; n++);`;

const children = new Set<ChildProcess>();

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

let isInterrupted = false;
// A terminal sends Ctrl-C to the children itself. Vitest removes its files on that signal alone.
process.on("SIGINT", () => {
  isInterrupted = true;
});
process.on("SIGTERM", () => {
  isInterrupted = true;
  for (const child of children) child.kill("SIGINT");
});

const results: string[] = [];
let failedCount = 0;
const busy = Array.from({ length: loops }, () => start(["-e", busyLoop]));
for (let run = 1; run <= runs && !isInterrupted; run++) {
  const startedMs = Date.now();
  const [exitCode] = await once(start([vitest, "run", ...tests]), "exit");
  const isPassed = exitCode === 0;
  if (!isPassed) failedCount++;
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  results.push(
    `run ${run} beside ${loops} busy loops: ${isPassed ? "passed" : "FAILED"}, ${seconds} s`,
  );
  console.log(results.at(-1));
}
for (const child of busy) child.kill();
console.log(`\n${results.join("\n")}`);
process.exitCode = failedCount > 0 || isInterrupted ? 1 : 0;
