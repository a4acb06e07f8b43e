/**
 * Runs our contract suites of tables or queues on an emulator that is not ours, and drives random
 * commands at it and at ours: every answer must be the same. docs/emulators.md lists the known
 * differences. Says why it is skipped where the emulator cannot be had.
 *
 *     node test/emulators/run.ts elasticmq|moto|dynamodb-local [--seed N] [--runs N]
 */
import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "../support/processes.ts";
import { emulators } from "./emulators.ts";

const root = resolve(import.meta.dirname, "../..");

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, runs: { type: "string", default: "300" } },
});
const [name = ""] = positionals;
const emulator = emulators[name];
if (!emulator) throw new Error(`Name one of ${Object.keys(emulators).join(", ")}`);
const { seed = String(randomInt(2 ** 31)), runs } = values;

const running = await emulator.start();
if (typeof running === "string") {
  console.log(`${name}: skipped, because ${running}`);
} else {
  console.log(`${name}: random commands with --seed ${seed} --runs ${runs}`);
  const endpoints = emulator.services.map((service) => [
    `ACKWIRE_${service.toUpperCase()}_ENDPOINT`,
    running.endpoint,
  ]);
  const { exitCode } = await runCommand(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--config", "test/emulators/vitest.config.ts"],
    {
      cwd: root,
      env: {
        ...process.env,
        ...Object.fromEntries(endpoints),
        ...{ ACKWIRE_EMULATOR: name, ACKWIRE_SEED: seed, ACKWIRE_RUNS: runs },
      },
      isShown: true,
    },
  );
  await running.end();
  process.exitCode = exitCode;
}
