import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command } from "./command.ts";

const program = fileURLToPath(new URL("../../bench/cost.ts", import.meta.url));

/** `cost`: the monthly bill, by the measurement that the repository keeps, with the options of `npm run cost`. */
export const costCommand: Command = {
  words: "cost",
  summary: "Shows what AWS bills for a month's load, by item, beside others' list prices",
  positionals: [],
  options: {},
  examples: [
    "cost --events 10000000 --requests 1000000 --deliveries 5000000",
    "cost --load light --json",
  ],
  passesOptions: true,
  async run({ passed }) {
    const args = (passed as string[] | undefined) ?? [];
    const child = spawn(process.execPath, [program, "--last", ...args], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    process.exitCode = code ?? 1;
    return undefined;
  },
};
