/**
 * Runs every command of `docs/reliability.md` with the sizes of its goals, also after one that has
 * failed. Prints which passed, and exits with 1 when one did not. Whole, it takes many hours.
 *
 *     npm run prove -- [R1 … R10 | F | S1 … S6] [--scale 1]
 *
 * `--scale 100` divides the sizes by a hundred.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { isAllProven, runSteps, type Step, stepsOf, tableOf } from "./prove-steps.ts";
import { root } from "./support/tree.ts";
import { wholeOption } from "./support/whole-option.ts";

const { values, positionals } = parseArgs({
  options: { scale: { type: "string", default: "1" } },
  allowPositionals: true,
});
const all = stepsOf(wholeOption("scale", values.scale));
const unknown = positionals.filter((id) => !all.some((step) => step.id === id));
if (unknown.length > 0) {
  throw new Error(`${unknown}: the steps are ${all.map(({ id }) => id).join(", ")}`);
}
const steps = positionals.length === 0 ? all : all.filter(({ id }) => positionals.includes(id));

let isInterrupted = false;
let child: ChildProcess | undefined;
// A terminal sends Ctrl-C to the child itself.
process.on("SIGINT", () => {
  isInterrupted = true;
});
process.on("SIGTERM", () => {
  isInterrupted = true;
  child?.kill();
});

/** @returns the exit code of its program; `undefined` when the proof was interrupted */
async function run({ id, what, args }: Step, nth: number): Promise<number | undefined> {
  if (isInterrupted) return undefined;
  console.log(`\n${id} (${nth} of ${steps.length}): ${what}\nnode ${args.join(" ")}\n`);
  child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const [exitCode] = await once(child, "exit");
  return isInterrupted ? undefined : ((exitCode as number | null) ?? 1);
}

const results = await runSteps(steps, run);
console.log(`\n${tableOf(steps, results)}`);
process.exitCode = isAllProven(steps, results) ? 0 : 1;
