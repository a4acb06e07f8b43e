import type { Command } from "./command.ts";

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
    process.argv = [...process.argv.slice(0, 2), "--last", ...args];
    await import("../../bench/cost.ts");
    return undefined;
  },
};
